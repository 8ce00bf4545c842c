import type { Candidacy, Granted, LeaseRecord, LeaseStore } from 'holdfast/election';
import { expect } from 'vitest';

/** Never aborts. */
export const patient: AbortSignal = new AbortController().signal;

let count = 0;

/** A candidacy of its own for a lease that outlasts the test. */
export function candidacy(more: Partial<Candidacy> = {}): Candidacy {
  const id = String(++count);
  return { key: `key-${id}`, holder: `holder-${id}`, nonce: `nonce-${id}`, ttlMs: 60_000, ...more };
}

export async function granted(store: LeaseStore, who: Candidacy): Promise<Granted> {
  const answer = await store.acquire(who, patient);
  expect(answer).toMatchObject({ granted: true });
  return answer as Granted;
}

/** What one of many racers got, and that only one did. */
export async function winnerOf(stores: readonly LeaseStore[], racers: number): Promise<LeaseRecord> {
  const { key } = candidacy();
  const race = Array.from({ length: racers }, (_, i) =>
    stores[i % stores.length]!.acquire(candidacy({ key }), patient),
  );
  const winners = (await Promise.all(race)).filter((answer) => answer.granted);
  expect(winners).toHaveLength(1);
  return winners[0]!.record;
}

/** By its signal, and not by a time limit of its own, which would be many times that; a busy machine takes its own. */
export const promptMs = 1_000;

/** Whether a call rejects with the reason of its signal, and how long after the abort. */
export async function abandoned(call: (signal: AbortSignal) => Promise<unknown>, afterMs: number): Promise<number> {
  const controller = new AbortController();
  const reason = new Error('given up');
  let abortedAt = 0;
  setTimeout(() => {
    abortedAt = performance.now();
    controller.abort(reason);
  }, afterMs);
  await expect(call(controller.signal)).rejects.toBe(reason);
  return performance.now() - abortedAt;
}

/** The hints that are left, until the watch ends or fails. */
export async function rest(hints: AsyncIterator<unknown>): Promise<void> {
  while ((await hints.next()).done !== true);
}
