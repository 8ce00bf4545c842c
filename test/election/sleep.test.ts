/** A machine that has slept: its monotonic clock stood still, and its date tells how long it was. */
import fc from 'fast-check';
import type { Clock } from 'holdfast/core';
import { Election, MemoryLeaseStore, type Term } from 'holdfast/election';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { holdMs, timingFrom } from '../../src/election/rules.ts';
import { idle, remainingMs } from '../../src/election/standing.ts';
import { runs, seed } from '../support/properties.ts';
import { recordOf } from './support/machine-cluster.ts';

const ttlMs = 10_000;

/** A leader on a machine whose date may be set, and a store that is elsewhere. */
async function leader(): Promise<{ readonly term: Term; readonly jump: (ms: number) => void; close(): Promise<void> }> {
  const virtual = new VirtualClock({ epochMs: 1_700_000_000_000 });
  let jumpedMs = 0;
  const clock: Clock = {
    now: () => virtual.now(),
    wallNow: () => virtual.wallNow() + jumpedMs,
    setTimer: (ms, fn) => virtual.setTimer(ms, fn),
    sleep: (...args) => virtual.sleep(...args),
  };
  const store = new MemoryLeaseStore({ runtime: { clock: virtual, random: seededRandom(1) } });
  const election = new Election(store, { name: 'x', id: 'a', ttlMs, runtime: { clock, random: seededRandom(2) } });
  let term: Term | undefined;
  void election.acquire().then((acquired) => (term = acquired));
  await virtual.advance(10);
  return {
    term: term!,
    jump: (ms) => (jumpedMs += ms),
    close: async () => {
      const closed = election.close();
      await virtual.advance(60_000);
      await closed;
    },
  };
}

describe('a leader whose machine has slept', () => {
  it('leads no more when it wakes, before any of its timers has had a turn', async () => {
    const { term, jump, close } = await leader();
    expect([term.signal.aborted, term.remainingMs() > 9_000]).toEqual([false, true]);
    jump(20_000);
    expect(term.signal.aborted).toBe(true);
    expect(term.remainingMs()).toBe(0);
    expect(() => {
      term.check();
    }).toThrow('x');
    await close();
  });

  it('has less left after a shorter sleep, and not more when the date is set back', async () => {
    const { term, jump, close } = await leader();
    const fullMs = term.remainingMs();
    jump(4_000);
    expect(term.remainingMs()).toBe(fullMs - 4_000);
    jump(-3_600_000);
    expect(term.remainingMs()).toBe(fullMs);
    await close();
  });

  it('has its lease for so long as both clocks say, whatever they say', () => {
    const timing = timingFrom({ ttlMs }, { minTtlMs: 1, stepMs: 1 });
    const moment = fc.record({ now: fc.integer({ min: 0, max: 1e9 }), wall: fc.integer({ min: 0, max: 2e12 }) });
    const passed = fc.record({ now: fc.nat(20_000), wall: fc.integer({ min: -20_000, max: 20_000 }) });
    fc.assert(
      fc.property(moment, passed, (sent, { now, wall }) => {
        const standing = { ...idle, held: { record: recordOf({ ttlMs }), sent } };
        const at = { now: sent.now + now, wall: sent.wall + wall };
        const leftMs = holdMs(ttlMs, timing) - Math.max(now, wall);
        expect(remainingMs(standing, at, timing)).toBeCloseTo(leftMs, 2);
      }),
      { seed, numRuns: runs(10) },
    );
  });
});
