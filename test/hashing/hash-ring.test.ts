import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isInvalidOption } from 'holdfast/core';
import { type Hasher, HashRing, type HashRingOptions, type PlacementNode } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { md5 } from '../../src/hashing/md5.ts';
import { envoyScheme } from '../../src/hashing/ring-compat.ts';
import { merged, type RingPoints, sorted, successor } from '../../src/hashing/ring-points.ts';
import { draws, isHasty } from '../support/properties.ts';

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${String(i)}`);
const toNodes = (ids: readonly string[]): PlacementNode[] => ids.map((id) => ({ id }));

function sampled(ring: HashRing, count: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const { id } = ring.get(`key:${String(i)}`)!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** A hash that is the number that the key spells. */
const spelled: Hasher = {
  name: 'spelled',
  hash(key, _seedLow, _seedHigh, out) {
    const value = BigInt(key as string);
    out[0] = Number(value & 0xffff_ffffn);
    out[1] = Number(value >> 32n);
  },
};

describe('HashRing shares', () => {
  it.each([2, 10, 100])('are sampled as they are owned, over %i nodes', (nodes) => {
    // N = 100,000 sequential names; 5 standard deviations of the binomial.
    const ring = new HashRing(named(nodes));
    const count = draws(100_000);
    const counts = sampled(ring, count);
    for (const [id, share] of ring.ownership()) {
      const sigma = Math.sqrt(share * (1 - share) * count);
      expect(Math.abs((counts.get(id) ?? 0) - share * count), id).toBeLessThanOrEqual(5 * sigma);
    }
  });

  it('vary as those of random points do', () => {
    // Shares are Beta(v, v(n − 1)): deviation 1/√v of the mean. Of n = 1,000 such the deviation is known within 5/√(2n).
    const shares = [...new HashRing(named(1000)).ownership().values()];
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share * 1000 - 1) ** 2, 0) / 1000);
    expect(deviation * Math.sqrt(256)).toBeGreaterThan(0.88);
    expect(deviation * Math.sqrt(256)).toBeLessThan(1.12);
    expect(Math.max(...shares) * 1000).toBeLessThan(1 + 4 / Math.sqrt(256));
  });

  it('follow the weights, light nodes beside heavy ones included', () => {
    // hashring gives both light nodes nothing at all.
    const shares = new HashRing([{ id: 'a' }, { id: 'b' }, { id: 'c', weight: 200 }]).ownership();
    for (const id of ['a', 'b']) expect(shares.get(id)! * 202).toBeCloseTo(1, 0);
  });

  it('of a leaver go to many others', () => {
    const before = new HashRing(named(5));
    const after = before.without('node-0');
    const gain = named(5)
      .slice(1)
      .map((id) => after.ownership().get(id)! - before.ownership().get(id)!);
    for (const share of gain) expect(share).toBeGreaterThan(before.ownership().get('node-0')! / 8);
  });
});

describe('HashRing points', () => {
  it('are kept when a weight is as good as the one before', () => {
    const ring = new HashRing(
      [
        { id: 'a', weight: 1 },
        { id: 'b', weight: 2 },
      ],
      { vnodes: 10 },
    );
    expect([...ring.withWeight('a', 1.01).ownership()]).toEqual([...ring.ownership()]);
    expect(ring.withWeight('a', 1.01).fingerprint).not.toBe(ring.fingerprint);
  });

  it('number at least one for any weight above 0', () => {
    const shares = new HashRing([{ id: 'a', weight: 1e-9 }, 'b'], { vnodes: 10 }).ownership();
    expect(shares.get('a')).toBeGreaterThan(0);
  });

  it('are apart for ids that read alike with a number behind', () => {
    const owners = new HashRing(['node1', 'node11', 'node1#1'], { vnodes: 200 }).ownership();
    for (const share of owners.values()) expect(share).toBeGreaterThan(0.2);
  });

  it('are found at, before and after each, and around the end', () => {
    const positions = Float64Array.of(5, 2 ** 52, 2 ** 53 - 1, 5, 0);
    const points = sorted({ positions, owners: Uint32Array.of(3, 1, 2, 0, 4) });
    expect(points.length).toBe(5);
    expect([...points.positions]).toEqual([0, 5, 5, 2 ** 52, 2 ** 53 - 1, Infinity]);
    expect([...points.owners]).toEqual([4, 0, 3, 1, 2, 4]);
    const at = (position: bigint): number =>
      successor(points, Number((position << 11n) & 0xffff_ffffn), Number((position << 11n) >> 32n));
    expect([0n, 1n, 5n, 6n, 2n ** 52n, 2n ** 52n + 1n, 2n ** 53n - 1n].map(at)).toEqual([0, 1, 1, 3, 3, 4, 4]);
    const some = sorted({ positions: Float64Array.of(7), owners: Uint32Array.of(0) });
    expect(some.owners[successor(some, 0xffff_ffff, 0xffff_ffff)]).toBe(0);
  });

  it('are merged as they are sorted, whatever ties', () => {
    const one = sorted({ positions: Float64Array.of(9, 1, 4, 4), owners: Uint32Array.of(0, 1, 0, 2) });
    const fresh = sorted({ positions: Float64Array.of(4, 4, 11), owners: Uint32Array.of(0, 2, 2) });
    const both = merged(one, Int32Array.of(1, 3, -1), fresh, 6);
    expect([...both.positions]).toEqual([1, 4, 4, 4, 9, 11, Infinity]);
    expect([...both.owners]).toEqual([3, 0, 1, 2, 1, 2, 3]);
    const [positions, owners] = [both.positions.subarray(0, 6), both.owners.subarray(0, 6)];
    expect(both).toEqual(sorted({ positions, owners }));
  });

  it('are not too many', () => {
    const nodes = [{ id: 'a', weight: 40_000 }];
    const message = /^the points of a ring must be at most 8388608, got 10240000: lower the weights/;
    expect(() => new HashRing(nodes)).toThrow(message);
    expect(() => new HashRing(['a']).withWeight('a', 40_000)).toThrow(message);
    expect(() =>
      new HashRing<PlacementNode>([]).with(...[0, 1].map((i) => ({ id: String(i), weight: 20_000 }))),
    ).toThrow(message);
  });
});

describe('HashRing like Envoy', () => {
  const hosts = [90, 91, 92, 93, 94, 95].map((port) => `127.0.0.1:${String(port)}`);
  const ringOf = (): HashRing => new HashRing(hosts, { compat: 'envoy', minRingSize: 12 });

  it('has the one point that rounding adds at the greatest size: sums of shares are not exact', () => {
    const weights = [1e-6, 85, 42, 85, 27, 42].map((weight, i) => ({ id: `n${String(i)}`, weight }));
    // Smaller sizes than the default greatest round as well: at 8,388,608 it is one of 8,388,609.
    for (const maxRingSize of [997, 1009, 4099, ...(isHasty ? [] : [8_388_608])])
      expect(new HashRing(weights, { compat: 'envoy', maxRingSize, minRingSize: 1 }).size).toBe(6);
  }, 240_000); // a ring of 8 million points: 7 s of work, and more on a busy machine

  // ring_hash_lb_test.cc: positions and the number of the host.
  const basic: readonly [bigint, number][] = [
    [833437586790550860n, 4],
    [928266305478181108n, 2],
    [1033482794131418490n, 0],
    [3551244743356806947n, 5],
    [3851675632748031481n, 3],
    [5583722120771150861n, 1],
    [6311230543546372928n, 1],
    [7700377290971790572n, 3],
    [13144177310400110813n, 5],
    [13444792449719432967n, 2],
    [15516499411664133160n, 4],
    [16117243373044804889n, 0],
  ];
  const weighted = hosts.slice(0, 3).map((id, i) => ({ id, weight: i + 1 }));
  const pointsOf = (nodes: readonly PlacementNode[], least: number, most = 8_388_608): RingPoints =>
    envoyScheme(least, most).pointsOf(nodes.map((node, owner) => ({ node, owner })));

  it.each<[string, () => RingPoints, readonly [bigint, number][]]>([
    ['Basic', () => pointsOf(toNodes(hosts), 12), basic],
    [
      'UnevenHosts',
      () => pointsOf(toNodes(['127.0.0.1:80', '127.0.0.1:81']), 3),
      [
        [5454692015285649509n, 0],
        [7859399908942313493n, 1],
        [13838424394637650569n, 0],
        [16064866803292627174n, 1],
      ],
    ],
    [
      'HostWeightedTinyRing',
      () => pointsOf(weighted, 6, 6),
      [
        [928266305478181108n, 2],
        [4443673547860492590n, 2],
        [5583722120771150861n, 1],
        [6311230543546372928n, 1],
        [13444792449719432967n, 2],
        [16117243373044804889n, 0],
      ],
    ],
  ])('has the points that its tests publish: %s', (_, make, published) => {
    const { length, positions, tails, owners } = make();
    const points = Array.from(positions.subarray(0, length), (position, i) => [
      BigInt(position) * 2048n + BigInt(tails![i]!),
      owners[i],
    ]);
    expect(points).toEqual(published);
  });

  it('finds hosts as its tests publish: HostWeightedLargeRing', () => {
    const points = pointsOf(weighted, 6144);
    const counts = [0, 0, 0];
    for (let i = 0n; i < 6000n; i++) {
      const hash = i * ((2n ** 64n - 1n) / 6000n);
      counts[points.owners[successor(points, Number(hash & 0xffff_ffffn), Number(hash >> 32n))]!]!++;
    }
    expect(points.length).toBe(6144);
    expect(counts).toEqual([987, 1932, 3081]);
  });

  it('has the shares of the ring that its tests publish', () => {
    const arcs = new Map<number, bigint>();
    let before = basic.at(-1)![0] - 2n ** 64n;
    for (const [position, host] of basic) {
      arcs.set(host, (arcs.get(host) ?? 0n) + position - before);
      before = position;
    }
    const ring = ringOf();
    for (const [host, arc] of arcs) expect(ring.ownership().get(hosts[host]!)).toBeCloseTo(Number(arc) / 2 ** 64, 12);
  });

  it('compares all 64 bits, as its published lookups need', () => {
    const low = (value: bigint): number => Number(value & 0xffff_ffffn);
    const hash = 3551244743356806947n;
    const positions = Float64Array.of(Number(hash >> 11n), 2 ** 53 - 1);
    const points = sorted({ positions, owners: Uint32Array.of(0, 1), tails: Uint16Array.of(Number(hash & 2047n), 0) });
    expect(successor(points, low(hash), Number(hash >> 32n))).toBe(0);
    expect(successor(points, low(hash + 1n), Number(hash >> 32n))).toBe(1);
    expect(successor(points, low(hash - 1n), Number(hash >> 32n))).toBe(0);
  });

  it('gives heavier hosts their share of points, and counts that are not whole by running sums', () => {
    // 4 hosts, at most 6 points: 1.5 each, so 2, 1, 2, 1. A host's points are the first of its names.
    const four = hosts.slice(0, 4);
    const some = new HashRing(four, { compat: 'envoy', minRingSize: 6, maxRingSize: 6 });
    const spelledOut = new HashRing(
      four.map((id, i) => ({ id, weight: i % 2 === 0 ? 2 : 1 })),
      { compat: 'envoy', minRingSize: 6 },
    );
    expect([...some.ownership()]).toEqual([...spelledOut.ownership()]);
  });

  it('ignores drained hosts', () => {
    const ring = ringOf();
    const drained = ring.with({ id: 'z', weight: 0 });
    expect(drained.get('k')).toBe(ring.get('k'));
    expect(drained.ownership().get('z')).toBe(0);
  });
});

describe('HashRing like ketama', () => {
  it('places 10,000 keys as libketama does, by weights 1 to 5', () => {
    // The owners of '0', '1', … that libketama gave, from the fixtures of hashring (MIT, © Arnout Kazemier).
    const published = readFileSync(new URL('golden/published-ketama.txt', import.meta.url), 'utf8').replaceAll(
      '\n',
      '',
    );
    const ring = new HashRing(
      [1, 2, 3, 4, 5].map((weight) => ({ id: `0.0.0.${String(weight)}`, weight })),
      {
        compat: 'ketama',
      },
    );
    const owners = Array.from({ length: 10_000 }, (_, i) => ring.get(String(i))!.id.at(-1)!).join('');
    expect(owners).toBe(published);
  });

  it('counts keys over ten servers as go-ketama does', () => {
    const ring = new HashRing(
      Array.from({ length: 10 }, (_, i) => `server${String(i + 1)}`),
      { compat: 'ketama' },
    );
    const counts = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const { id } = ring.get(`foo${String(i)}`)!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const published = [8699, 10885, 9980, 10237, 9099, 10997, 10365, 10380, 9896, 9462];
    expect(published.map((_, i) => counts.get(`server${String(i + 1)}`))).toEqual(published);
  });

  it('has MD5 for any length', () => {
    for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
      expect(Buffer.from(md5(bytes).buffer).toString('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
    }
  });
});

describe('HashRing', () => {
  it.each<[HashRingOptions, string]>([
    [{ vnodes: 0 }, 'vnodes must be an integer from 1 to 10000, got 0'],
    [{ vnodes: 10_001 }, 'vnodes must be an integer from 1 to 10000, got 10001'],
    [{ vnodes: 1.5 }, 'vnodes must be an integer from 1 to 10000, got 1.5'],
    [{ seed: -1n }, 'seed must be a bigint from 0n to 2n ** 64n - 1n, got -1n'],
    [{ hasher: { hash: () => undefined } as never }, 'hasher must be a Hasher, got an object'],
    [{ compat: 'nginx' as never }, 'compat must be "envoy" or "ketama", got "nginx"'],
    [{ compat: 'envoy', vnodes: 5 }, 'vnodes must be absent with compat "envoy", got 5'],
    [{ compat: 'ketama', seed: 0n }, 'seed must be absent with compat "ketama", got 0n'],
    [{ compat: 'ketama', hasher: spelled }, 'hasher must be absent with compat "ketama", got an object'],
    [{ compat: 'ketama', minRingSize: 5 }, 'minRingSize must be absent without compat "envoy", got 5'],
    [{ maxRingSize: 5 }, 'maxRingSize must be absent without compat "envoy", got 5'],
    [{ compat: 'envoy', minRingSize: 0 }, 'minRingSize must be an integer from 1 to 8388608, got 0'],
    [{ compat: 'envoy', maxRingSize: 0 }, 'maxRingSize must be an integer from 1 to 8388608, got 0'],
    [{ compat: 'envoy', maxRingSize: 8_388_609 }, 'maxRingSize must be an integer from 1 to 8388608, got 8388609'],
    [{ compat: 'envoy', minRingSize: 1.5 }, 'minRingSize must be an integer from 1 to 8388608, got 1.5'],
    [{ compat: 'envoy', minRingSize: 9, maxRingSize: 8 }, 'minRingSize must be at most maxRingSize, 8, got 9'],
    [{ replicas: 3 } as never, 'HashRing has no option "replicas"; it has vnodes, seed, hasher, compat,'],
  ])('refuses bad options, case %#', (options, message) => {
    const make = (): unknown => new HashRing(['a'], options);
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isInvalidOption(error)).toBe(true);
    }
  });

  it('may be of one size alone, and of the least', () => {
    for (const size of [1, 9])
      expect(new HashRing(['a'], { compat: 'envoy', minRingSize: size, maxRingSize: size }).get('k')?.id).toBe('a');
    expect(new HashRing(['a'], { vnodes: 1 }).get('k')?.id).toBe('a');
  });

  it('keeps its options in what is derived from it', () => {
    for (const options of [
      { vnodes: 3, seed: 9n },
      { compat: 'envoy', minRingSize: 9 },
      { compat: 'ketama' },
    ] as const) {
      const grown = new HashRing(named(3), options).with('x').without('node-0').withWeight('x', 2);
      const direct = new HashRing(['node-1', 'node-2', { id: 'x', weight: 2 }], options);
      expect(grown.fingerprint).toBe(direct.fingerprint);
      expect([...grown.ownership()]).toEqual([...direct.ownership()]);
    }
  });

  it('walks to a node that has one point among thousands', () => {
    const ring = new HashRing([
      { id: 'light', weight: 1e-6 },
      { id: 'heavy', weight: 40 },
    ]);
    expect(
      ring
        .getN('k', 2)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['heavy', 'light']);
  });
});
