/* Whole candidates that wait: for whom, from when on, and how often they ask. */

import { Election, type LeaseStore } from 'holdfast/election';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { hang, make, untilStopped } from './support/electorate.ts';
import { observerStore } from './support/observer-store.ts';

describe('patience', () => {
  it('with a lease that observers expire counts from the first look that showed it, not from each', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const store = observerStore(() => clock.wallNow());
    let crashed = false;
    const dying: LeaseStore = {
      ...store,
      renew: (...args) => (crashed ? hang() : store.renew(...args)),
      release: (...args) => (crashed ? hang() : store.release(...args)),
    };
    const options = { ttlMs: 10_000 };
    await settled(candidate('a', options, dying).acquire());
    const next = candidate('b', options, store).acquire();
    await clock.advance(30_000);
    crashed = true;
    const fromMs = clock.now();
    await settled(next);
    const tookMs = clock.now() - fromMs;
    // The guide's bound: a lease, a look every renewMs, and the spread.
    expect(tookMs).toBeLessThanOrEqual(10_000 + 10_000 / 3 + 500);
    expect(tookMs).toBeGreaterThanOrEqual(10_000 - (1.1 * 10_000) / 3);
    await closeAll();
  });

  it.each([true, false])(
    'with a free lease is that of the rank, however often it is looked at (hints: %s)',
    async (hinted) => {
      const { clock, memory, candidate, seenAs, settled, closeAll } = make();
      const { watch, ...silent } = seenAs({});
      const options = { renewMs: 100, spreadMs: 500, rank: 3 };
      const election = candidate('a', options, hinted ? { ...silent, watch: watch! } : silent);
      const signal = new AbortController().signal;
      const candidacy = { key: 'x', holder: 'z', nonce: 'z', ttlMs: 9_000 };
      const before = await memory.acquire(candidacy, signal);
      if (before.granted) await memory.release(before.record, signal);
      await settled(election.acquire());
      expect(clock.now()).toBeGreaterThanOrEqual(1_500);
      expect(clock.now()).toBeLessThanOrEqual(1_520);
      await closeAll();
    },
  );
});

describe('rank', () => {
  it('is heeded from the first attempt on', async () => {
    const { clock, candidate, closeAll } = make();
    const leaders: string[] = [];
    const stand = (id: string, rank: number): void =>
      void candidate(id, { rank }).run((term) => (leaders.push(term.id), untilStopped(term)));
    stand('second', 1);
    await clock.advance(50);
    stand('first', 0);
    await clock.advance(2_000);
    expect(leaders).toEqual(['first']);
    await closeAll();
  });
});

describe('pace', () => {
  it.each([1, 100, 600])(
    'leases that the store grants for %i ms more than the guard do not make it ask without end',
    async (moreMs) => {
      const { clock, candidate, seenAs, memory, closeAll } = make();
      let calls = 0;
      let terms = 0;
      const short: LeaseStore = seenAs({
        acquire: async (candidacy, signal) => {
          calls++;
          return await memory.acquire({ ...candidacy, ttlMs: (500 + moreMs) / 0.98 }, signal);
        },
        read: (...args) => (calls++, memory.read(...args)),
        release: (...args) => (calls++, memory.release(...args)),
      });
      void candidate('a', { ttlMs: 10_000 }, short).run((term) => (terms++, untilStopped(term)));
      await clock.advance(60_000);
      expect(terms).toBeGreaterThan(20);
      expect(terms).toBeLessThanOrEqual(61);
      expect(calls).toBeLessThan(60 * 8);
      await closeAll();
    },
  );
});

describe('a candidate whose signal aborts', () => {
  it('in the very turn in which it asked stands for nothing', async () => {
    const { clock, memory, candidate, log, closeAll } = make();
    const election = candidate('a');
    const ending = new AbortController();
    const acquired = election.acquire({ signal: ending.signal }).catch((error: unknown) => error);
    const reason = new Error('never mind');
    ending.abort(reason);
    expect(await acquired).toBe(reason);
    await clock.advance(5_000);
    expect([log, election.term]).toEqual([[], undefined]);
    expect(await memory.read('x', new AbortController().signal)).toBe(null);
    await closeAll();
  });
});

describe('two candidates of one id', () => {
  it('have nonces of their own though their chance is seeded alike', async () => {
    const nonces: string[] = [];
    for (let i = 0; i < 2; i++) {
      const clock = new VirtualClock();
      const { memory, seenAs } = make();
      const store = seenAs({
        acquire: (candidacy, signal) => (nonces.push(candidacy.nonce), memory.acquire(candidacy, signal)),
      });
      const election = new Election(store, { name: 'x', id: 'a', runtime: { clock, random: seededRandom(1) } });
      const term = election.acquire();
      await clock.advance(1);
      await (await term).resign();
      await election.close();
    }
    expect(new Set(nonces).size).toBe(2);
    for (const nonce of nonces) expect(nonce).toMatch(/^a#/);
  });

  it('have names that are drawn apart when they are given none', () => {
    const runtime = { clock: new VirtualClock(), random: seededRandom(1) };
    const [one, two] = [1, 2].map(() => new Election(make().memory, { name: 'x', runtime }).id);
    expect(one).not.toBe(two);
  });
});
