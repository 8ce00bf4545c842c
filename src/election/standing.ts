/* All there is to know of a candidate, and what can be read from it. */

import { type Instant, leftMs } from './instant.ts';
import type { Candidacy, Denied, Granted, LeaseRecord } from './lease-store.ts';
import { holdMs, type Rules, type Timing } from './rules.ts';
import type { Sighting } from './sighting.ts';

/** Where a candidate stands. */
export type Phase = 'idle' | 'standby' | 'acquiring' | 'leading' | 'atRisk' | 'draining' | 'released' | 'lost';

/** Why a candidate came to where it stands. */
export type Reason =
  /** It began, or begins anew. */
  | 'campaign'
  /** The lease seemed free. */
  | 'free'
  /** The lease is somebody else's. */
  | 'held'
  /** The store said yes. */
  | 'granted'
  /** The leader before vanished; the lock delay runs. */
  | 'lockDelay'
  /** The store did not answer, in time or at all. */
  | 'unanswered'
  /** The store answered again. */
  | 'renewed'
  /** The leader gives up its office. */
  | 'resigned'
  /** The store has the lease back. */
  | 'released'
  /** The answer came when the lease was over. */
  | 'late'
  /** The lease ran out before it could be renewed. */
  | 'expired'
  /** This process stood still until the lease was over. */
  | 'stalled'
  /** The store granted a token that is not above those before. */
  | 'staleToken'
  /** The store says that the lease is another's, or gone. */
  | 'superseded'
  /** The body did not stop in time; the lease is left to expire. */
  | 'drainTimeout'
  /** The candidate does not want to lead any more. */
  | 'withdrawn';

/** @internal A call to the store. */
export type StoreCall =
  | { readonly kind: 'acquire'; readonly candidacy: Candidacy }
  | { readonly kind: 'renew'; readonly held: LeaseRecord; readonly data: string | undefined }
  | { readonly kind: 'release'; readonly held: LeaseRecord }
  | { readonly kind: 'read' };

/** @internal What a store may answer. */
export type Answer =
  | { readonly kind: 'acquire'; readonly result: Granted | Denied }
  | { readonly kind: 'renew' | 'read'; readonly result: LeaseRecord | null }
  | { readonly kind: 'release'; readonly result: boolean };

/** @internal What happens to a candidate. */
export type ElectionEvent =
  /** It wants to lead. */
  | { readonly type: 'campaign'; readonly data: string | undefined }
  /** Time has passed. */
  | { readonly type: 'wake' }
  /** The store's watch says that something has changed. */
  | { readonly type: 'hint' }
  /** Whether the store's watch works. */
  | { readonly type: 'watching'; readonly on: boolean }
  /** The call under way was answered, or not: it was rejected, or took too long. */
  | { readonly type: 'answered'; readonly answer: Answer }
  | { readonly type: 'unanswered' }
  /** An acquisition that had taken too long was done after all. */
  | { readonly type: 'stray'; readonly record: LeaseRecord }
  /** What the leader tells the world has changed. */
  | { readonly type: 'data'; readonly data: string | undefined }
  /** The leader gives up; `data` is told from then on. Who does not lead withdraws. */
  | { readonly type: 'resign'; readonly data: string | undefined; readonly drainMs: number }
  /** Nobody acts for the term any more. */
  | { readonly type: 'settled' };

/** @internal A lease that was granted. */
export interface Held {
  readonly record: LeaseRecord;
  /** The moment before the grant, or the last renewal, was sent. */
  readonly sent: Instant;
}

/** @internal All there is to know of a candidate. */
export interface Standing {
  readonly phase: Phase;
  readonly reason: Reason;
  /** How many candidacies there were; each has a nonce of its own. */
  readonly count: number;
  readonly calling: { readonly call: StoreCall; readonly sent: Instant } | undefined;
  /** When the next call is due. */
  readonly nextMs: number;
  readonly watched: boolean;
  /** What was seen of the lease; undefined: nothing yet. */
  readonly seen: Sighting | undefined;
  /** The record with the highest token that the store has shown. */
  readonly newest: Pick<LeaseRecord, 'token' | 'nonce'> | undefined;
  /** A candidate asks nothing before: who is granted leases that end at once does not ask without end. */
  readonly paceMs: number;
  /** An acquisition was not answered, and may have been done. */
  readonly unsure: boolean;
  /** Something has changed; what is to be seen. */
  readonly look: boolean;
  /** A lease that this candidate has and does not want: to be given back. */
  readonly ghost: LeaseRecord | undefined;
  /** It does not want to lead any more. */
  readonly leaving: boolean;
  readonly held: Held | undefined;
  /** When the lock delay is over. */
  readonly leadMs: number;
  /** When a leader that resigns is out of time. */
  readonly drainUntilMs: number;
  /** Somebody acts for the term. */
  readonly busy: boolean;
  /** What it tells the world. */
  readonly data: string | undefined;
}

/** @internal Who has not begun. */
export const idle: Standing = {
  phase: 'idle',
  reason: 'campaign',
  count: 0,
  calling: undefined,
  nextMs: Infinity,
  watched: false,
  seen: undefined,
  newest: undefined,
  paceMs: -Infinity,
  unsure: false,
  look: false,
  ghost: undefined,
  leaving: false,
  held: undefined,
  leadMs: Infinity,
  drainUntilMs: Infinity,
  busy: false,
  data: undefined,
};

/** @internal The nonce of the present candidacy. */
export function nonceOf({ count }: Standing, { instance }: Rules): string {
  return `${instance}.${String(count)}`;
}

/** @internal For how long the lease may still be relied upon; 0 or less: not any more. */
export function remainingMs({ held }: Pick<Standing, 'held'>, at: Instant, rules: Timing): number {
  return held === undefined ? 0 : leftMs(held.sent, holdOf(held.record, rules), at);
}

/** A store may grant less than was asked for, and then that counts; more does not. */
function holdOf({ ttlMs }: LeaseRecord, rules: Timing): number {
  return holdMs(Math.min(ttlMs, rules.ttlMs), rules);
}

/** @internal Whether the candidate leads. */
export function leads({ phase }: Pick<Standing, 'phase'>): boolean {
  return phase === 'leading' || phase === 'atRisk' || phase === 'draining';
}

/** @internal When something is due by itself; `Infinity`: never. */
export function wakeMs(standing: Standing, rules: Rules): number {
  const { held, calling, leadMs, drainUntilMs } = standing;
  const callMs = calling === undefined ? callDueMs(standing) : Infinity;
  if (held === undefined) return callMs;
  return Math.min(callMs, held.sent.now + holdOf(held.record, rules), leadMs, drainUntilMs);
}

/** @internal When the next call is due, if none is under way. */
export function callDueMs({ phase, nextMs, paceMs }: Standing): number {
  return phase === 'standby' ? Math.max(nextMs, paceMs) : nextMs;
}

/** @internal Whether the candidate stands for election, or waits out the lock delay. */
export function isCandidate({ phase }: Pick<Standing, 'phase'>): boolean {
  return phase === 'standby' || phase === 'acquiring';
}

/** @internal The same without its lease. */
export function lost(standing: Standing, reason: Reason, at: Instant): Standing {
  const without = { ...standing, reason, held: undefined, leadMs: Infinity, drainUntilMs: Infinity };
  // Who waits out the lock delay has not begun to lead.
  return leads(standing)
    ? { ...without, phase: 'lost', nextMs: Infinity }
    : { ...without, phase: 'standby', nextMs: at.now };
}
