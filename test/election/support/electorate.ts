/* Candidates of one election, in virtual time. */

import type { Clock } from 'holdfast/core';
import { Election, type ElectionOptions, type LeaseStore, MemoryLeaseStore, type Term } from 'holdfast/election';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect } from 'vitest';

/** Of every candidate that does not say otherwise. */
export const ttlMs = 2_000;
/** A store that is silent, a body that does not stop. */
export const hang = (): Promise<never> => new Promise(() => undefined);

/** A memory store of which calls can be made to fail, to hang, or to be answered late. */
export function make(seed = 1) {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const memory = new MemoryLeaseStore({ runtime: { clock, random: random.stream('store') } });
  const log: string[] = [];
  const elections: Election[] = [];
  const candidate = (id: string, options: Partial<ElectionOptions> = {}, store: LeaseStore = memory): Election => {
    const election = new Election(store, {
      name: 'x',
      id,
      ttlMs,
      runtime: { clock, random: random.stream(id) },
      ...options,
    });
    election.on('transition', ({ from, to, reason }) => log.push(`${id} ${from} > ${to}: ${reason}`));
    elections.push(election);
    return election;
  };
  /** The store as one candidate sees it, with some methods replaced. */
  const seenAs = (over: Partial<LeaseStore>): LeaseStore => ({
    expiry: memory.expiry,
    durability: memory.durability,
    limits: memory.limits,
    acquire: (...args) => memory.acquire(...args),
    renew: (...args) => memory.renew(...args),
    release: (...args) => memory.release(...args),
    read: (...args) => memory.read(...args),
    watch: (...args) => memory.watch(...args),
    ...over,
  });
  /** Waits in virtual time. */
  const settled = async <T>(promise: Promise<T>, ms = 30_000): Promise<T> => {
    let done = false as boolean;
    const watched = promise.finally(() => (done = true));
    watched.catch(() => undefined);
    for (let passed = 0; !done && passed < ms; passed += 10) await clock.advance(10);
    expect(done).toBe(true);
    return await watched;
  };
  const closeAll = async (): Promise<void> => {
    await settled(Promise.all(elections.map((election) => election.close())));
    expect(clock.pending).toBe(0);
  };
  return { clock, memory, log, candidate, seenAs, settled, closeAll };
}

/** A body that leads until it should stop. */
export const untilStopped = (term: Term): Promise<void> =>
  new Promise((resolve) => {
    if (term.signal.aborted) resolve();
    term.signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** A clock that a test may set ahead of its timers, as a stall of the event loop does, and a date that it may set. */
export function stalling(clock: VirtualClock): { readonly clock: Clock; aheadMs: number; leapMs: number } {
  const stall = {
    aheadMs: 0,
    leapMs: 0,
    clock: {
      now: () => clock.now() + stall.aheadMs,
      wallNow: () => clock.wallNow() + stall.leapMs,
      setTimer: clock.setTimer.bind(clock),
      sleep: clock.sleep.bind(clock),
    },
  };
  return stall;
}
