import { having, type Rule } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import { xxh64 } from './xxh64.ts';

/** A `seed` option: 64 bits. */
const seedRule: Rule<bigint> = {
  expected: 'a bigint from 0n to 2n ** 64n - 1n',
  accepts: (value) => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n,
};

/** A seed's halves: bigints stay at the door. */
function halvesOf(seed: bigint): readonly [low: number, high: number] {
  return [Number(seed & 0xffff_ffffn), Number(seed >> 32n)];
}

const isHasher = having<Hasher>('a Hasher', 'hash');

/** @internal The options that every placement has. */
export const settingRules: { readonly seed: Rule<bigint>; readonly hasher: Rule<Hasher> } = {
  seed: seedRule,
  hasher: {
    expected: isHasher.expected,
    accepts: (value) => isHasher.accepts(value) && typeof (value as Hasher).name === 'string',
  },
};

/** @internal How keys and ids become numbers. The seed is split once: bigints stay at the door. */
export interface Settings {
  readonly hasher: Hasher;
  readonly seed: bigint;
  readonly low: number;
  readonly high: number;
}

/** @internal The settings that the options say. */
export function settingsOf(options: {
  readonly seed?: bigint | undefined;
  readonly hasher?: Hasher | undefined;
}): Settings {
  const { seed = 0n, hasher = xxh64 } = options;
  const [low, high] = halvesOf(seed);
  return { hasher, seed, low, high };
}

/**
 * @internal Hashes a node's id, under another seed than the keys': a key that reads like an id is nothing special on that
 * node.
 */
export function hashId({ hasher, low, high }: Settings, id: string, out: Uint32Array): void {
  hasher.hash(id, ~low >>> 0, high, out);
}
