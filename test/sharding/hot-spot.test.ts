import { Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { playHotSpot, reportHotSpot, zipf64 } from './hot-spot.ts';

const library = { Rendezvous, ShardRouter, seededRandom, VirtualClock };

it('heat makes max/mean load at least 2 times lower: Zipf 1.1, 64 nodes, seeds 1 to 4, 20,000 reads measured each', () => {
  const results = [1, 2, 3, 4].map((seed) => playHotSpot(library, { ...zipf64, seed }));
  for (const { without, withHeat } of results)
    expect(withHeat, reportHotSpot(results)).toBeLessThanOrEqual(without / 2);
});

it('heat is never worse, also where no key is hot: uniform reads, 16 nodes, seeds 1 to 4, 10,000 reads measured each', () => {
  const even = { ...zipf64, nodes: 16, exponent: 0, forMs: 2_000, warmUpMs: 1_000 };
  const results = [1, 2, 3, 4].map((seed) =>
    playHotSpot(library, { ...even, seed, replication: { targetRate: 1_000 } }),
  );
  for (const { without, withHeat } of results) expect(withHeat, reportHotSpot(results)).toBeLessThanOrEqual(without);
});
