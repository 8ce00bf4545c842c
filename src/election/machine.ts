/*
 * A candidate's life, without time, chance or I/O: (standing, event, moment) → standing, with at most one call to the store
 * under way. What keeps it safe:
 *
 * - a lease counts from the moment before its grant or renewal was sent, never from the answer
 * - an answer that comes when its lease would be over by that reckoning is no grant: the lease is given back
 * - no answer is no answer: a leader leads on until its lease is over, a candidate asks again under the same nonce
 * - a term that is over never comes back: the next has another nonce and a higher token
 */

import { type Instant, leftMs } from './instant.ts';
import type { Candidacy, Denied, Granted, LeaseRecord, LeaseStore } from './lease-store.ts';
import { holdMs, type Timing } from './rules.ts';
import { isGhost, type Sighting, sight } from './sighting.ts';

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
  /** The store says that the lease is another's, or gone. */
  | 'superseded'
  /** The body did not stop in time; the lease is left to expire. */
  | 'drainTimeout'
  /** The candidate does not want to lead any more. */
  | 'withdrawn';

/** @internal What a candidate goes by. */
export interface Rules extends Timing, Pick<LeaseStore, 'expiry'> {
  readonly key: string;
  readonly id: string;
  /** The beginning of all nonces of this candidate. */
  readonly instance: string;
  /** How many steps of `spreadMs` it lets others go first. */
  readonly rank: number;
  /** Whether a released lease was meant for somebody else. */
  readonly yields: (record: LeaseRecord) => boolean;
  /** For jitter, in [0, 1). */
  readonly chance: () => number;
}

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
export function wakeMs({ held, calling, nextMs, leadMs, drainUntilMs }: Standing, rules: Rules): number {
  const callMs = calling === undefined ? nextMs : Infinity;
  if (held === undefined) return callMs;
  return Math.min(callMs, held.sent.now + holdOf(held.record, rules), leadMs, drainUntilMs);
}

/** @internal What follows from an event, and the call to make, if any. */
export function step(
  standing: Standing,
  event: ElectionEvent,
  at: Instant,
  rules: Rules,
): readonly [Standing, StoreCall | undefined] {
  const next = due(happened(expired(standing, at, rules), event, at, rules), at);
  const call = next.calling === undefined ? callOf(next, at, rules) : undefined;
  return call === undefined ? [next, undefined] : [sending(next, call, at), call];
}

/** What an event says by itself. */
function happened(standing: Standing, event: ElectionEvent, at: Instant, rules: Rules): Standing {
  switch (event.type) {
    case 'campaign': {
      const { count, calling, watched, ghost } = standing;
      const { data } = event;
      return { ...idle, phase: 'standby', count: count + 1, calling, watched, data, ghost, nextMs: at.now };
    }
    case 'wake':
      return standing;
    case 'hint':
      return standing.phase === 'standby' || isOthersWrite(standing, at) ? { ...standing, look: true } : standing;
    case 'watching':
      return { ...standing, watched: event.on };
    case 'answered': {
      const { sent, call } = standing.calling!;
      return answered({ ...standing, calling: undefined }, call, sent, event.answer, at, rules);
    }
    case 'unanswered':
      return unanswered({ ...standing, calling: undefined }, standing.calling!.call, at, rules);
    case 'stray':
      return strayed(standing, event.record, rules);
    case 'data':
      return { ...standing, data: event.data, nextMs: leads(standing) ? at.now : standing.nextMs };
    case 'resign':
      return resigned(standing, event, at);
    case 'settled':
      // Who has stopped cannot be late with it.
      return { ...standing, busy: false, drainUntilMs: Infinity };
  }
}

/** A lease that nobody waited for any more: one to ask for again, the very one that is held by now, or one to give back. */
function strayed(standing: Standing, record: LeaseRecord, rules: Rules): Standing {
  if (record.nonce !== nonceOf(standing, rules)) return { ...standing, ghost: record };
  if (standing.held !== undefined) return standing;
  return isCandidate(standing) ? { ...standing, unsure: true } : { ...standing, ghost: record };
}

/** Whose lease is over by either clock has lost it, whatever else happens. */
function expired(standing: Standing, at: Instant, rules: Rules): Standing {
  const { held, phase } = standing;
  if (held === undefined) return standing;
  const overMs = -remainingMs(standing, at, rules);
  if (overMs < 0) return standing;
  // Long past its end, and not for want of answers.
  return lost(standing, phase === 'leading' && overMs > rules.requestMs ? 'stalled' : 'expired', at);
}

function lost(standing: Standing, reason: Reason, at: Instant): Standing {
  const without = { ...standing, reason, held: undefined, leadMs: Infinity, drainUntilMs: Infinity, seen: undefined };
  // Who waits out the lock delay has not begun to lead.
  return leads(standing)
    ? { ...without, phase: 'lost', look: false, nextMs: Infinity }
    : { ...without, phase: 'standby', nextMs: at.now };
}

/** What is due at this moment without a call. */
function due(standing: Standing, at: Instant): Standing {
  const { phase, held, leadMs, drainUntilMs, busy } = standing;
  if (phase === 'acquiring' && held !== undefined && at.now >= leadMs)
    return { ...standing, phase: 'leading', reason: 'granted', leadMs: Infinity, busy: true };
  if (phase === 'draining' && busy && at.now >= drainUntilMs) return lost(standing, 'drainTimeout', at);
  return standing;
}

/** The call that is due. */
function callOf(standing: Standing, at: Instant, rules: Rules): StoreCall | undefined {
  const { phase, ghost, held, busy, look, nextMs, data } = standing;
  if (ghost !== undefined) return { kind: 'release', held: ghost };
  if (phase === 'standby') return at.now >= nextMs || look ? candidateCall(standing, at, rules) : undefined;
  if (held === undefined) return undefined;
  if (phase === 'draining' && !busy) return { kind: 'release', held: { ...held.record, data } };
  if (look) return { kind: 'read' };
  return at.now >= nextMs ? { kind: 'renew', held: held.record, data } : undefined;
}

function candidateCall({ seen, look, unsure, leaving, count, data }: Standing, at: Instant, rules: Rules): StoreCall {
  const { expiry, key, id, ttlMs, instance } = rules;
  const nonce = `${instance}.${String(count)}`;
  // Where the store expires leases, the first attempt needs no look.
  const blind = seen === undefined && (expiry === 'observer' || unsure);
  if (leaving || look || blind || (seen !== undefined && at.now < seen.dueMs)) return { kind: 'read' };
  const record = seen?.record;
  const others = record !== undefined && record.holder !== null && record.nonce !== nonce;
  const expectDead = others && expiry === 'observer' ? record.version : undefined;
  return { kind: 'acquire', candidacy: { key, holder: id, nonce, ttlMs, data, expectDead } };
}

function sending(standing: Standing, call: StoreCall, at: Instant): Standing {
  const next: Standing = { ...standing, calling: { call, sent: at }, nextMs: Infinity, look: false };
  if (call.kind === 'release') {
    // From here on the lease may be another's.
    return call.held === standing.ghost ? { ...next, ghost: undefined } : { ...next, held: undefined };
  }
  return call.kind === 'acquire' ? { ...next, phase: 'acquiring', reason: 'free' } : next;
}

function answered(
  standing: Standing,
  call: StoreCall,
  sent: Instant,
  answer: Answer,
  at: Instant,
  rules: Rules,
): Standing {
  switch (answer.kind) {
    case 'acquire':
      return answer.result.granted
        ? granted(standing, answer.result, sent, at, rules)
        : looked({ ...standing, unsure: false }, answer.result.current, at, rules);
    case 'read':
      return standing.held === undefined
        ? looked(standing, answer.result, at, rules)
        : verified(standing, answer.result, at, rules);
    case 'renew':
      return renewed(standing, call, answer.result, sent, at, rules);
    case 'release':
      return givenBack(standing, 'released', standing.leaving ? at.now : soonMs(at, rules));
  }
}

function granted(
  standing: Standing,
  { record, predecessor }: Granted,
  sent: Instant,
  at: Instant,
  rules: Rules,
): Standing {
  const { phase, leaving, count } = standing;
  const held: Held = { record, sent };
  const late = remainingMs({ held }, at, rules) <= 0;
  if (late || leaving || phase !== 'acquiring') {
    // What is given back may be given back twice by the network: its nonce is not used again.
    const next: Standing = { ...standing, ghost: record, unsure: false, seen: undefined, count: count + 1 };
    return isCandidate(standing)
      ? { ...next, phase: 'standby', reason: late ? 'late' : 'withdrawn', nextMs: at.now }
      : next;
  }
  const next: Standing = { ...standing, held, seen: undefined, unsure: false, nextMs: renewalMs(sent, rules) };
  const vanished = predecessor === 'expired' || predecessor === 'unknown';
  return vanished && rules.lockDelayMs > 0
    ? { ...next, reason: 'lockDelay', leadMs: at.now + rules.lockDelayMs }
    : { ...next, phase: 'leading', reason: 'granted', busy: true };
}

/** What a candidate sees of the lease, from a denial or a look. */
function looked(standing: Standing, record: LeaseRecord | null, at: Instant, rules: Rules): Standing {
  if (!isCandidate(standing)) return standing;
  const nonce = nonceOf(standing, rules);
  const ours = record !== null && record.holder !== null && (record.nonce === nonce || isGhost(record, rules));
  if (standing.leaving) {
    const gone: Standing = { ...standing, phase: 'idle', reason: 'withdrawn', unsure: false, nextMs: Infinity };
    return ours ? { ...gone, ghost: record, count: standing.count + 1 } : gone;
  }
  const seen = sight(record, at.now, nonce, rules, standing.seen);
  const next: Standing = { ...standing, phase: 'standby', reason: 'held', seen };
  if (ours && record.nonce !== nonce) return { ...next, ghost: record, seen: undefined, nextMs: at.now };
  const pollMs = standing.watched ? Infinity : at.now + rules.renewMs;
  // Denied, and free when it was looked at: somebody is quicker than the look.
  const earliestMs = standing.phase === 'acquiring' ? soonMs(at, rules) : at.now;
  return { ...next, nextMs: Math.max(earliestMs, Math.min(seen.dueMs, pollMs)) };
}

/** A leader looks whether the lease is still its own. What is older than its own grant says nothing. */
function verified(standing: Standing, record: LeaseRecord | null, at: Instant, rules: Rules): Standing {
  const { held } = standing;
  const { nonce, token } = held!.record;
  const same = record?.token === token;
  const gone = record === null || record.token > token || (same && (record.nonce !== nonce || record.holder === null));
  return gone ? lost(standing, 'superseded', at) : { ...standing, nextMs: renewalMs(held!.sent, rules) };
}

function renewed(
  standing: Standing,
  call: StoreCall,
  record: LeaseRecord | null,
  sent: Instant,
  at: Instant,
  rules: Rules,
): Standing {
  const { phase, held, data } = standing;
  // It may answer for a lease that is lost by now.
  if (held === undefined || call.kind !== 'renew' || call.held.nonce !== held.record.nonce) return standing;
  if (record === null) return lost(standing, 'superseded', at);
  const nextMs = data === call.data ? renewalMs(sent, rules) : at.now;
  const next: Standing = { ...standing, held: { record, sent }, nextMs };
  return phase === 'atRisk' ? { ...next, phase: 'leading', reason: 'renewed' } : next;
}

function unanswered(standing: Standing, call: StoreCall, at: Instant, rules: Rules): Standing {
  const { phase, held } = standing;
  const nextMs = standing.leaving ? at.now : retryMs(at, rules);
  if (call.kind === 'release') return givenBack(standing, 'unanswered', nextMs);
  if (held !== undefined) {
    // A renewal tells what the look was for.
    const next: Standing = { ...standing, nextMs: call.kind === 'read' ? at.now : nextMs };
    return phase === 'leading' && call.kind === 'renew' ? { ...next, phase: 'atRisk', reason: 'unanswered' } : next;
  }
  if (!isCandidate(standing)) return standing;
  const unsure = standing.unsure || call.kind === 'acquire';
  if (standing.leaving && (!unsure || call.kind === 'read'))
    return { ...standing, phase: 'idle', reason: 'withdrawn', unsure: false, nextMs: Infinity };
  // What was seen is as old as it was; but an acquisition may have changed it.
  const seen = call.kind === 'read' ? standing.seen : undefined;
  return { ...standing, phase: 'standby', reason: 'unanswered', unsure, seen, nextMs };
}

/** The lease, or one that was not wanted: who stands asks again at `nextMs`. */
function givenBack(standing: Standing, reason: Reason, nextMs: number): Standing {
  if (standing.phase === 'draining' && standing.held === undefined)
    return { ...standing, phase: 'released', reason, nextMs: Infinity };
  return standing.phase === 'standby' ? { ...standing, nextMs } : standing;
}

function resigned(
  standing: Standing,
  { data, drainMs }: { readonly data: string | undefined; readonly drainMs: number },
  at: Instant,
): Standing {
  const { phase, held, calling, unsure, count } = standing;
  if (phase === 'draining')
    return standing.busy ? { ...standing, drainUntilMs: Math.min(standing.drainUntilMs, at.now + drainMs) } : standing;
  if (leads(standing))
    return { ...standing, phase: 'draining', reason: 'resigned', data, drainUntilMs: at.now + drainMs };
  if (!isCandidate(standing)) return standing;
  const next: Standing = { ...standing, leaving: true, leadMs: Infinity };
  if (held !== undefined)
    return { ...next, phase: 'idle', reason: 'withdrawn', held: undefined, ghost: held.record, count: count + 1 };
  if (calling !== undefined || unsure) return { ...next, nextMs: at.now };
  return { ...next, phase: 'idle', reason: 'withdrawn', nextMs: Infinity };
}

const isCandidate = ({ phase }: Standing): boolean => phase === 'standby' || phase === 'acquiring';

/** A hint that comes right after an own write is that write's. */
const ownEchoMs = 100;

function isOthersWrite({ held, calling }: Standing, at: Instant): boolean {
  return held !== undefined && calling === undefined && at.now - held.sent.now > ownEchoMs;
}

/** When to ask again that a store has not answered. */
function retryMs({ now }: Instant, { renewMs, chance }: Rules): number {
  return now + Math.min(1_000, renewMs) * (0.5 + chance() / 2);
}

/** When to ask again that a store has answered, and somebody was quicker. */
function soonMs({ now }: Instant, { ttlMs, chance }: Rules): number {
  return now + (ttlMs / 100) * (0.5 + chance() / 2);
}

function renewalMs(sent: Instant, { renewMs, chance }: Rules): number {
  return sent.now + renewMs * (0.9 + 0.2 * chance());
}
