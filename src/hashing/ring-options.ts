import { invalid, number, oneOf, readOptions } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import { envoyScheme, ketamaScheme } from './ring-compat.ts';
import { maxPoints, ownScheme, type RingScheme } from './ring-scheme.ts';
import { settingRules, settingsOf } from './settings.ts';

/** Options of `HashRing`. */
export interface HashRingOptions {
  /**
   * Points on the ring for a weight of 1, from 1 to 10,000. More make shares more even, at some 16 bytes a point: with 256
   * the busiest of 100 nodes owns about 1.17 times the mean, with 1,000 about 1.09 times.
   *
   * @defaultValue 256
   */
  readonly vnodes?: number;
  /**
   * 64 bits that the whole fleet shares. With a secret seed an outsider cannot aim keys at one node.
   *
   * @defaultValue 0n
   */
  readonly seed?: bigint;
  /**
   * The hash of keys and of node ids.
   *
   * @defaultValue `xxh64`
   */
  readonly hasher?: Hasher;
  /**
   * Places as another program does, point for point: `'envoy'` (ring hash with XXH64) or `'ketama'` (libketama, and
   * libmemcached's weighted ketama). Such a ring has a hash, a seed and counts of points of its own, so `vnodes`, `seed`
   * and `hasher` cannot be given. Both renormalise the weights over the members: there **any** change may move keys
   * between other nodes, and a light node may own nothing.
   */
  readonly compat?: 'envoy' | 'ketama';
  /**
   * With `compat: 'envoy'`: its `minimum_ring_size`, from 1 to 8,388,608.
   *
   * @defaultValue 1024
   */
  readonly minRingSize?: number;
  /**
   * With `compat: 'envoy'`: its `maximum_ring_size`, from `minRingSize` to 8,388,608.
   *
   * @defaultValue 8388608
   */
  readonly maxRingSize?: number;
}

/** @internal What the options ask for. */
export function schemeOf(options: HashRingOptions | undefined): RingScheme {
  const given = readOptions('HashRing', options, {
    vnodes: number({ min: 1, max: 10_000, integer: true }),
    ...settingRules,
    compat: oneOf('envoy', 'ketama'),
    minRingSize: number({ min: 1, max: maxPoints, integer: true }),
    maxRingSize: number({ min: 1, max: maxPoints, integer: true }),
  });
  const { vnodes = 256, compat, minRingSize = 1024, maxRingSize = maxPoints } = given;
  const refuse = (names: readonly (keyof typeof given)[], where: string): void => {
    for (const name of names) if (given[name] !== undefined) throw invalid(name, `absent ${where}`, given[name]);
  };
  if (compat !== 'envoy') refuse(['minRingSize', 'maxRingSize'], 'without compat "envoy"');
  if (compat === undefined) return ownScheme(vnodes, settingsOf(given));
  refuse(['vnodes', 'seed', 'hasher'], `with compat "${compat}"`);
  if (compat === 'ketama') return ketamaScheme();
  if (minRingSize > maxRingSize)
    throw invalid('minRingSize', `at most maxRingSize, ${String(maxRingSize)}`, minRingSize);
  return envoyScheme(minRingSize, maxRingSize);
}
