import type { LeaseRecord } from './lease-store.ts';
import type { Rules } from './rules.ts';

/** @internal What a candidate saw of the lease, and what it makes of it. */
export interface Sighting {
  /** Undefined: there was none. */
  readonly record: LeaseRecord | undefined;
  /** Since when it has been as it is, on this process's monotonic clock, as of the answer that showed it. */
  readonly sinceMs: number;
  /** When to try for it. */
  readonly dueMs: number;
}

/** The most that candidates are spread by chance when a lease expires. */
const mostJitterMs = 500;

/**
 * @internal A look at the lease. Stamped after the answer: a stamp from before it would count time in which the holder may have
 * renewed. Where observers expire leases, a version that was seen before keeps the stamp that it had.
 */
export function sight(record: LeaseRecord | null, nowMs: number, rules: Rules, before?: Sighting): Sighting {
  const patience = rules.rank * rules.spreadMs;
  // Who waits for others waits once: another look at what is free does not begin the wait anew.
  const free = (record: LeaseRecord | undefined, waitMs: number): Sighting => {
    return { record, sinceMs: nowMs, dueMs: Math.min(before?.dueMs ?? Infinity, nowMs + waitMs) };
  };
  if (record === null) return free(undefined, patience);
  if (isOwn(record, rules)) return { record, sinceMs: nowMs, dueMs: nowMs };
  if (record.holder === null) return free(record, patience + (rules.yields(record) ? rules.spreadMs : 0));
  if (before !== undefined && before.record?.version === record.version && rules.expiry === 'observer') return before;
  const leftMs = rules.expiry === 'observer' ? record.ttlMs : (record.remainingMs ?? record.ttlMs);
  const jitterMs = rules.chance() * Math.min(mostJitterMs, rules.ttlMs / 20);
  return { record, sinceMs: nowMs, dueMs: nowMs + leftMs + jitterMs + patience };
}

/** @internal Whether a lease is this very candidate's, by this candidacy or an earlier one: an acquisition that was done unheard. */
export function isOwn({ holder, nonce }: LeaseRecord, { instance }: Pick<Rules, 'instance'>): boolean {
  return holder !== null && nonce.startsWith(`${instance}.`);
}
