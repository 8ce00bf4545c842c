/* Who leads, as one sees it who does not stand: when the store is asked, and what is made of its answers. */

import { getEventListeners } from 'node:events';
import type { Election, LeaderInfo, LeaseRecord, LeaseStore } from 'holdfast/election';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { hints } from '../../src/election/hints.ts';
import { observe } from '../../src/election/observe.ts';
import { timingFrom } from '../../src/election/rules.ts';
import { hang, make, ttlMs } from './support/electorate.ts';

const record = (over: Partial<LeaseRecord> = {}): LeaseRecord => {
  return { key: 'x', holder: 'a', nonce: 'n', token: 5n, version: 'v', ttlMs, ...over };
};

/** An observer, and a store whose answers and hints are the test's. */
function observed(expiry: LeaseStore['expiry'], hinted: boolean) {
  const { clock, candidate, settled, closeAll } = make();
  const state = {
    answer: null as LeaseRecord | null | Promise<never>,
    /** When it was asked. */
    reads: new Set<number>(),
    signal: undefined as AbortSignal | undefined,
    tell: (): void => undefined,
    fail: (): void => undefined,
  };
  let watches = 0;
  const store: LeaseStore = {
    expiry,
    ...{ durability: 'linearizable', limits: { minTtlMs: 1, stepMs: 1 }, acquire: hang, renew: hang, release: hang },
    read: (_, signal) => {
      state.reads.add(clock.now());
      state.signal = signal;
      return Promise.resolve(state.answer);
    },
  };
  const watch: LeaseStore['watch'] = (_, signal) =>
    hints(signal, (tell, fail) => {
      state.tell = tell;
      state.fail = () => {
        fail(new Error('broken'));
      };
      if (watches++ === 0) tell();
      return () => undefined;
    });
  const election: Election = candidate('w', { renewMs: 500, requestMs: 300 }, hinted ? { ...store, watch } : store);
  const shown: (LeaderInfo | null)[] = [];
  /** Each leader as it is shown. */
  const follow = (): void => {
    void (async () => {
      for await (const leader of election.observe()) shown.push(leader);
    })();
  };
  /** Once the store has answered so, and was asked. */
  const shows = async (answer: LeaseRecord | null): Promise<(LeaderInfo | null)[]> => {
    state.answer = answer;
    await clock.advance(500);
    return shown.splice(0);
  };
  return { clock, state, election, shown, follow, shows, settled, closeAll };
}

describe('an observer', () => {
  it.each<[LeaseStore['expiry'], boolean, number | undefined, readonly number[]]>([
    ['server', false, 1_500, [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500]],
    ['observer', true, undefined, [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500]],
    ['server', true, 1_500, [0, 1_500, 3_000, 4_500]],
    ['server', true, 9_000, [0, 2_000, 4_000]],
    ['server', true, undefined, [0, 2_000, 4_000]],
  ])('asks in time for what nobody hints at (%s, hints: %s, left: %s)', async (expiry, hinted, remainingMs, reads) => {
    const { clock, state, follow, closeAll } = observed(expiry, hinted);
    state.answer = record({ remainingMs });
    follow();
    await clock.advance(4_900);
    expect([...state.reads]).toEqual(reads);
    await closeAll();
  });

  it('asks at once when it has a hint, and now and then when hints do not come any more', async () => {
    const { clock, state, follow, closeAll } = observed('server', true);
    follow();
    await clock.advance(700);
    state.tell();
    await clock.advance(0);
    expect([...state.reads]).toEqual([0, 700]);
    await clock.advance(100);
    state.reads.clear();
    state.fail();
    await clock.advance(1_700);
    expect([...state.reads]).toEqual([800, 1_300, 1_800, 2_300]);
    await closeAll();
  });

  it('asks again at once when a hint comes while it asks', async () => {
    const { clock, state, follow, shown, closeAll } = observed('server', true);
    follow();
    await clock.advance(700);
    state.answer = clock.sleep(100).then(() => null) as Promise<never>;
    state.tell();
    await clock.advance(50);
    state.tell();
    state.answer = record();
    await clock.advance(50);
    expect([...state.reads]).toEqual([0, 700, 800]);
    expect(shown).toHaveLength(2);
    await closeAll();
  });

  it('that has ended before it began waits for none of its signals', async () => {
    const { memory, clock } = make();
    const settings = { name: 'x', timing: timingFrom({}, memory.limits), runtime: { clock, random: seededRandom(1) } };
    const other = new AbortController();
    const leaders = observe(memory, settings, [AbortSignal.abort(), other.signal]);
    expect(await leaders.next()).toEqual({ done: true, value: undefined });
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(0);
    expect(clock.pending).toBe(0);
  });

  it('lets go of a call that takes too long, and asks again after a while', async () => {
    const { clock, state, follow, shown, closeAll } = observed('server', false);
    state.answer = hang();
    follow();
    await clock.advance(299);
    expect(state.signal!.aborted).toBe(false);
    await clock.advance(1);
    expect(state.signal!.reason).toMatchObject({ message: 'the deadline of a call to the lease store has passed' });
    state.answer = null;
    await clock.advance(499);
    expect([[...state.reads], shown]).toEqual([[0], []]);
    await clock.advance(1);
    expect([[...state.reads], shown]).toEqual([[0, 800], [null]]);
    await closeAll();
    expect(state.signal!.aborted).toBe(false); // it was answered
  });

  it('is shown changes of the leader, its term and its news, and nothing twice', async () => {
    const { follow, shows, closeAll } = observed('server', false);
    follow();
    const leader = { id: 'a', token: 5n, meta: undefined };
    expect(await shows(null)).toEqual([null]);
    expect(await shows(record())).toEqual([leader]);
    expect(await shows(record({ version: 'w' }))).toEqual([]);
    expect(await shows(record({ data: '{"meta":1}' }))).toEqual([{ ...leader, meta: 1 }]);
    expect(await shows(record({ token: 6n, data: '{"meta":1}' }))).toEqual([{ ...leader, token: 6n, meta: 1 }]);
    expect(await shows(record({ token: 6n, holder: null }))).toEqual([null]);
    expect(await shows(null)).toEqual([]);
    await closeAll();
  });

  it('is not shown what is older than what was shown', async () => {
    const { follow, shows, closeAll } = observed('server', false);
    follow();
    await shows(record());
    expect(await shows(record({ holder: 'before', token: 4n }))).toEqual([]);
    expect(await shows(null)).toEqual([null]);
    expect(await shows(record({ holder: 'before', token: 4n }))).toEqual([]);
    expect(await shows(record())).toHaveLength(1);
    await closeAll();
  });

  it('takes a lease for dead that has not changed for its length, where observers say so', async () => {
    const { follow, shows, closeAll } = observed('observer', false);
    follow();
    const leader = { id: 'a', token: 5n, meta: undefined };
    const one = record({ ttlMs: 1_500 });
    expect([await shows(one), await shows(one)]).toEqual([[leader], []]);
    expect(await shows(one)).toEqual([null]); // to the millisecond
    expect(await shows(record({ version: 'w', ttlMs: 1_500 }))).toEqual([leader]);
    await closeAll();
  });

  it('is shown that nobody leads, also where observers expire leases', async () => {
    const { follow, shows, closeAll } = observed('observer', false);
    follow();
    expect(await shows(null)).toEqual([null]);
    expect(await shows(record())).toHaveLength(1);
    expect(await shows(null)).toEqual([null]);
    await closeAll();
  });

  it('asks again after a while when it was refused, and does not wait for more', async () => {
    const { clock, state, follow, closeAll } = observed('server', false);
    state.answer = Promise.reject(new Error('refused'));
    follow();
    await clock.advance(1_100);
    expect([...state.reads]).toEqual([0, 500, 1_000]);
    await closeAll();
  });

  it('makes nothing of an answer that has come when it is ended, in whichever turn that is', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { memory, clock, seenAs } = make();
      const ending = new AbortController();
      let late = 0;
      const now = (): number => {
        if (ending.signal.aborted) late++; // for how long the answer has been so
        return clock.now();
      };
      const noting = { now, wallNow: () => 0, setTimer: clock.setTimer.bind(clock), sleep: clock.sleep.bind(clock) };
      const runtime = { clock: noting, random: seededRandom(1) };
      const settings = { name: 'x', timing: timingFrom({}, memory.limits), runtime };
      let asked = (): void => undefined;
      const asking = new Promise<void>((resolve) => (asked = resolve));
      const read = async (): Promise<LeaseRecord> => {
        asked();
        return record();
      };
      const store = seenAs({ read, watch: undefined as never });
      const next = observe(store, settings, [ending.signal]).next();
      await asking;
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      ending.abort();
      await next;
      expect([late, clock.pending]).toEqual([0, 0]);
    }
  });

  it('that is slow is shown the newest only', async () => {
    const { clock, state, election, settled, closeAll } = observed('server', true);
    const leaders = election.observe();
    expect(await settled(leaders.next())).toMatchObject({ value: null });
    for (const token of [5n, 6n, 7n]) {
      state.answer = record({ token });
      state.tell();
      await clock.advance(100);
    }
    expect(await settled(leaders.next())).toMatchObject({ value: { token: 7n } });
    await closeAll();
  });
});
