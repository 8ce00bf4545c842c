/* The timers of an election: how many, and whether they keep the process alive. */

import type { LeaseStore } from 'holdfast/election';
import { seededRandom, type VirtualClock } from 'holdfast/testing';
import type { Clock } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import { hang, make } from './support/electorate.ts';

/** A clock that notes of each timer whether it is to keep the process alive. */
function noting(clock: VirtualClock): { readonly clock: Clock; readonly refs: unknown[] } {
  const refs: unknown[] = [];
  const setTimer: Clock['setTimer'] = (ms, fn, options) => {
    refs.push(options?.ref);
    return clock.setTimer(ms, fn);
  };
  return {
    refs,
    clock: { now: () => clock.now(), wallNow: () => clock.wallNow(), sleep: clock.sleep.bind(clock), setTimer },
  };
}

describe('the timers of an election', () => {
  it.each(['waits', 'leads', 'is closed while its body goes on', 'observes'])(
    'keep the process alive while it %s: somebody awaits what they are for',
    async (what) => {
      const { clock, candidate, settled, closeAll } = make();
      const { clock: noted, refs } = noting(clock);
      const other = what === 'waits' ? await settled(candidate('b').acquire()) : undefined;
      const election = candidate('a', { runtime: { clock: noted, random: seededRandom(1) }, drainMs: 100 });
      const ending = new AbortController();
      const observed = election.observe({ signal: ending.signal });
      const ended =
        what === 'observes'
          ? observed.next().then(() => observed.next())
          : what === 'waits'
            ? election.terms({ signal: ending.signal }).next()
            : election.run(hang);
      await clock.advance(5_000);
      if (what === 'is closed while its body goes on') refs.splice(0);
      if (!what.startsWith('is closed')) expect(refs.length).toBeGreaterThan(1);
      ending.abort();
      await settled(election.close());
      expect(refs.length).toBeGreaterThan(0);
      expect(new Set(refs)).toEqual(new Set([true]));
      if (what === 'observes' || what === 'waits') await ended;
      await settled(Promise.resolve(other?.resign()));
      await closeAll();
    },
  );

  it('are one at a time, and one for each call to a store that gives no hints', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let silent = false;
    let asked: AbortSignal | undefined;
    const quiet: LeaseStore = seenAs({
      renew: (held, patch, signal) => {
        if (!silent) return memory.renew(held, patch, signal);
        asked ??= signal;
        return hang();
      },
    });
    delete quiet.watch;
    const term = await settled(candidate('a', {}, quiet).acquire());
    expect(clock.pending).toBe(1);
    await clock.advance(3_000);
    expect(clock.pending).toBe(1);
    silent = true;
    const pending = new Set<number>();
    for (let passedMs = 0; passedMs < 800; passedMs += 10) {
      await clock.advance(10);
      pending.add(clock.pending);
    }
    expect(pending).toEqual(new Set([1, 2]));
    await clock.advance(500);
    // Such a call is let go.
    expect(asked!.reason).toMatchObject({ message: 'the deadline of a call to the lease store has passed' });
    silent = false;
    await settled(term.resign());
    await closeAll();
  });
});
