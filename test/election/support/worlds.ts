/* The worlds that elections are simulated in: which clocks, stores, lengths and troubles a seed stands for. */

import type { CampaignOptions } from 'holdfast/testing';
import { type Timing, timingFrom, type TimingOptions } from '../../../src/election/rules.ts';
import { type ClusterOptions, drawTrouble } from './machine-cluster.ts';

/** No store asks for more. */
export const limits = { minTtlMs: 1, stepMs: 1 };

const pick = <T>(list: readonly T[], i: number): T => list[i % list.length]!;

/** When somebody leads again at the latest: a lease, and the time until the next look at it. */
export const latestMs = (timing: Timing, expiry: 'server' | 'observer', slowMs: number): number => {
  const { ttlMs, requestMs, renewMs, spreadMs } = timing;
  const lease = (ttlMs * 1.01) / 0.99 + Math.min(500, ttlMs / 20) + spreadMs + timing.lockDelayMs;
  const retry = requestMs + Math.min(1_000, renewMs);
  // What is under way may still take the lease, for nobody.
  return slowMs + lease + 2 * retry + (expiry === 'observer' ? renewMs : 0);
};

/** The world of a seed. */
export const drawn = (seed: number, seconds: number, lengths: TimingOptions = {}): ClusterOptions => {
  const ttlMs = pick([3_000, 6_000, 10_000], seed);
  const guardMs = seed % 5 === 0 ? 0 : undefined;
  const timing = timingFrom({ ttlMs, guardMs, lockDelayMs: seed % 7 === 0 ? 500 : 0, ...lengths }, limits);
  return {
    seed,
    ids: pick(
      [
        ['a', 'b', 'c'],
        ['a', 'b'],
        ['a', 'a', 'b', 'c', 'd'],
      ],
      seed >> 1,
    ),
    expiry: seed % 2 === 0 ? 'observer' : 'server',
    timing,
    maxDrift: 0.01,
    trouble: drawTrouble(seed, timing),
    troubledMs: seconds * 900,
    calmMs: seconds * 100,
    watch: pick([undefined, 'writes', 'hands'], seed >> 2),
  };
};

/** The clocks of whole elections. */
export const clocks: Pick<CampaignOptions, 'clocks' | 'epochMs'> = {
  clocks: { maxDrift: 0.01, maxOffsetMs: 1e6 },
  epochMs: 1_700_000_000_000,
};
