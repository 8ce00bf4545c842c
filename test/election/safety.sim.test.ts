/*
 * At any true instant at most one candidate leads. Most of the seconds are of the pure machine in a synchronous loop, the others
 * of whole elections in the simulator. Whatever is broken on purpose has to be found: what cannot fail proves nothing.
 */

import { type CampaignOptions, simulate } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { timingFrom } from '../../src/election/rules.ts';
import { firstSeed, isHasty } from '../support/properties.ts';
import { electionScenario } from './support/election-sim.ts';
import { type ClusterOptions, peace, runCluster, type Seen } from './support/machine-cluster.ts';
import { clocks, drawn, latestMs, limits } from './support/worlds.ts';

/** The first seed that shows a violation, and what; undefined: none does. */
const foundBy = (make: (seed: number) => ClusterOptions, seeds = 200): string | undefined => {
  for (let seed = 1; seed <= seeds; seed++) {
    const [violation] = runCluster(make(seed)).violations;
    if (violation !== undefined) return violation;
  }
  return undefined;
};

describe('the machine, within the bound', () => {
  it('has one leader at most for a million seconds of trouble, and one soon after it', { timeout: 300_000 }, () => {
    const moves = new Set<string>();
    let seconds = 0;
    let elections = 0;
    for (let n = 1; n <= (isHasty ? 60 : 1_050); n++) {
      const options = drawn(firstSeed + n - 1, 1_000);
      const seen: Seen = runCluster(options);
      const where = `seed ${String(n)} of a simulation that begins with ${String(firstSeed)}`;
      expect(seen.violations, where).toEqual([]);
      const { timing, expiry, trouble } = options;
      expect(seen.leaderlessMs, where).toBeLessThanOrEqual(latestMs(timing, expiry, trouble.slowMs));
      expect(seen.changes, where).toBe(0);
      expect(seen.mostCalls, where).toBeLessThan(30);
      seconds += 1_000;
      elections += seen.elections;
      for (const move of Object.keys(seen.moves)) moves.add(move);
    }
    if (isHasty) return;
    expect(seconds).toBeGreaterThanOrEqual(1_000_000);
    expect(elections).toBeGreaterThan(20_000);
    // Everything was there.
    expect([...moves]).toEqual(
      expect.arrayContaining([
        'leading > atRisk: unanswered',
        'atRisk > leading: renewed',
        'atRisk > lost: expired',
        'leading > lost: stalled',
        'acquiring > standby: late',
        'draining > released: released',
        'draining > lost: drainTimeout',
        'standby > idle: withdrawn',
      ]),
    );
  });

  it.each(['server', 'observer'] as const)('never changes its leader without a fault (%s)', (expiry) => {
    const timing = timingFrom({}, limits);
    const seen = runCluster({
      ...{ seed: 7, ids: ['a', 'b', 'c'], expiry, timing, maxDrift: 0.01, trouble: peace },
      ...{ troubledMs: 0, calmMs: isHasty ? 1e7 : 1e9, watch: 'hands' },
    });
    expect(seen.violations).toEqual([]);
    expect([seen.elections, seen.changes]).toEqual([1, 0]);
  });

  it('where the store forgets all: tokens still rise, though two may lead for a while', () => {
    // What is checked is what is left of the promise: no token is granted twice, whoever leads.
    let superseded = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const options = drawn(seed, 200);
      const seen = runCluster({ ...options, trouble: { ...options.trouble, amnesia: 0.05 } });
      expect(seen.violations).toEqual([]);
      superseded += seen.moves['leading > lost: superseded'] ?? 0;
    }
    expect(superseded).toBeGreaterThan(50);
  });
});

describe('the machine, broken or outside of the bound', () => {
  const within = (seed: number): ClusterOptions => drawn(seed, 300);

  it('is found to have two leaders when clocks differ by 3 %', () => {
    const found = foundBy((seed) => ({ ...drawn(seed, 300, { guardMs: 0 }), maxDrift: 0.03 }));
    expect(found).toMatch(/2 candidates lead$/);
  });

  it.each<[string, (seed: number) => Partial<ClusterOptions>, RegExp]>([
    [
      'a deadline that counts from the answer',
      () => ({ countsFromAnswer: true }),
      /2 candidates lead$|a token does not rise$/,
    ],
    [
      // A lease of 0.98 that is held for 0.98: a drift of 1, and no guard.
      'no margin for drift',
      (seed) => ({ ...drawn(seed, 3_000, { guardMs: 0 }), table: { share: 0.98 } }),
      /2 candidates lead$/,
    ],
    [
      'a store that compares on the holder only',
      () => ({ ids: ['a', 'a', 'b'], table: { compare: 'holder' } }),
      /candidates lead$|a token does not rise$/,
    ],
    ['a release of whatever there is', () => ({ table: { compare: 'unnamed' } }), /2 candidates lead$/],
  ])('is caught: %s', (_, broken, what) => {
    expect(foundBy((seed) => ({ ...within(seed), ...broken(seed) }))).toMatch(what);
  });

  it('is well where nothing of that is broken', () => {
    expect(foundBy(within)).toBe(undefined);
  });
});

describe('whole elections', () => {
  const world = { runs: isHasty ? 5 : 100, seed: firstSeed, ...clocks } satisfies CampaignOptions;
  const troubledMs = 240_000;

  it.each(['server', 'observer'] as const)(
    'have one leader at most, and a fenced resource one after the other (%s)',
    { timeout: 300_000 },
    async (expiry) => {
      const report = await simulate(electionScenario({ expiry, fenced: true, troubledMs }), world);
      expect(report.virtualMs).toBe(world.runs * 300_000);
    },
  );

  it('a leader that stood still writes over what a later one wrote, where nothing is fenced', async () => {
    const { sometimes } = await simulate(electionScenario({ expiry: 'server', fenced: false, troubledMs }), {
      ...world,
      runs: 30,
    });
    expect(sometimes['what a later leader wrote is overwritten']).toBeGreaterThan(2);
  });

  it('where the store forgets all, two may lead, but a fenced resource has one after the other', async () => {
    await simulate(electionScenario({ expiry: 'server', fenced: true, keeps: false, troubledMs }), {
      ...world,
      runs: 30,
    });
  });
});
