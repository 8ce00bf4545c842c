/* When a candidate tries for the lease that it sees. */

import { describe, expect, it } from 'vitest';
import { timingFrom } from '../../src/election/rules.ts';
import type { Rules } from '../../src/election/rules.ts';
import { type Sighting, sight } from '../../src/election/sighting.ts';
import { recordOf } from './support/machine-cluster.ts';

const rulesOf = (ttlMs: number, over: Partial<Rules> = {}): Rules => ({
  ...timingFrom({ ttlMs }, { minTtlMs: 1, stepMs: 1 }),
  ...{ expiry: 'server', key: 'x', id: 'a', instance: 'a#1', rank: 0, yields: () => false, chance: () => 0 },
  ...over,
});
const others = recordOf({ holder: 'b', nonce: 'b#1.1', ttlMs: 7_000, remainingMs: 4_000 });

describe('a lease that is held', () => {
  it.each([
    [2_000, 1, 100],
    [2_000, 0.5, 50],
    [60_000, 1, 500],
    [60_000, 0, 0],
  ])(
    "is tried for when it ends, and up to a twentieth of one's own (%i ms) or half a second later by chance",
    (ttlMs, chance, laterMs) => {
      const rules = rulesOf(ttlMs, { chance: () => chance });
      expect(sight(others, 1_000, rules)).toEqual({ record: others, sinceMs: 1_000, dueMs: 5_000 + laterMs });
      const observed = sight(others, 1_000, { ...rules, expiry: 'observer' });
      expect(observed.dueMs).toBe(8_000 + laterMs);
      const { remainingMs, ...silent } = others;
      expect(remainingMs).toBe(4_000);
      expect(sight(silent, 1_000, rules).dueMs).toBe(8_000 + laterMs);
    },
  );

  it('is tried for later by who lets others go first', () => {
    expect(sight(others, 1_000, rulesOf(2_000, { rank: 3 })).dueMs).toBe(5_000 + 3 * 200);
  });

  it('is counted from the first look at its version where observers expire leases, from each elsewhere', () => {
    for (const expiry of ['observer', 'server'] as const) {
      const rules = rulesOf(2_000, { expiry });
      const first = sight(others, 1_000, rules);
      expect(sight(others, 2_000, rules, first).sinceMs).toBe(expiry === 'observer' ? 1_000 : 2_000);
      expect(sight({ ...others, version: 'next' }, 2_000, rules, first).sinceMs).toBe(2_000);
    }
  });
});

describe('a lease that is free', () => {
  const released = { ...others, holder: null };

  it.each<[string, Partial<Rules>, number]>([
    ['', {}, 0],
    [' but meant for somebody else', { yields: () => true }, 200],
    [' and one lets others go first', { rank: 2 }, 400],
    [' but meant for somebody else, and one lets others go first', { rank: 2, yields: () => true }, 600],
  ])('is tried for after a wait (%s)', (_, over, waitMs) => {
    const rules = rulesOf(2_000, over);
    const first: Sighting = sight(released, 1_000, rules);
    expect(first).toEqual({ record: released, sinceMs: 1_000, dueMs: 1_000 + waitMs });
    // Another look does not begin the wait anew.
    expect(sight(released, 1_100, rules, first).dueMs).toBe(Math.min(first.dueMs, 1_100 + waitMs));
  });

  it("is tried for at once when it is one's own, by whichever candidacy", () => {
    for (const nonce of ['a#1.1', 'a#1.7'])
      expect(sight({ ...others, nonce }, 1_000, rulesOf(2_000, { rank: 2 })).dueMs).toBe(1_000);
    // Of another candidate, however alike its name.
    expect(sight({ ...others, nonce: 'a#12.1' }, 1_000, rulesOf(2_000)).dueMs).toBe(5_000);
    // It was given back, by whoever did it.
    expect(sight({ ...released, nonce: 'a#1.1' }, 1_000, rulesOf(2_000, { rank: 2 })).dueMs).toBe(1_400);
  });
});
