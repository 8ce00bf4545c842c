/*
 * A candidate's life, without time, chance or I/O: (standing, event, moment) → standing, with at most one call to the store
 * under way. What keeps it safe:
 *
 * - a lease counts from the moment before its grant or renewal was sent, never from the answer
 * - an answer that comes when its lease would be over by that reckoning is no grant: the lease is given back
 * - no answer is no answer: a leader leads on until its lease is over, a candidate asks again under the same nonce
 * - a term that is over never comes back: the next has another nonce and a higher token
 */

import { answered, unanswered } from './answers.ts';
import type { Instant } from './instant.ts';
import type { LeaseRecord } from './lease-store.ts';
import type { Rules } from './rules.ts';
import {
  callDueMs,
  type ElectionEvent,
  idle,
  isCandidate,
  leads,
  lost,
  nonceOf,
  remainingMs,
  type Standing,
  type StoreCall,
} from './standing.ts';

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
      const { phase, count, calling, ghost, newest } = standing;
      const { data } = event;
      const paceMs = phase === 'lost' ? standing.paceMs : idle.paceMs;
      return { ...idle, phase: 'standby', count: count + 1, calling, data, ghost, newest, paceMs, nextMs: at.now };
    }
    case 'wake':
      return standing;
    case 'hint':
      return isCandidate(standing) || isOthersWrite(standing, at) ? { ...standing, look: true } : standing;
    case 'watching':
      // What was left to the hints is looked at now and then.
      return event.on || standing.phase !== 'standby'
        ? { ...standing, watched: event.on }
        : { ...standing, watched: false, nextMs: Math.min(standing.nextMs, at.now + rules.renewMs) };
    case 'answered': {
      const { sent, call } = standing.calling!;
      return answered({ ...standing, calling: undefined }, call, sent, event.answer, at, rules);
    }
    case 'unanswered':
      return unanswered({ ...standing, calling: undefined }, standing.calling!.call, standing.calling!.sent, at, rules);
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

/** What is due at this moment without a call. */
function due(standing: Standing, at: Instant): Standing {
  // Times that are set for who has a lease and waits, or is busy and drains, and for nobody else.
  if (at.now >= standing.leadMs)
    return { ...standing, phase: 'leading', reason: 'granted', leadMs: Infinity, busy: true };
  return at.now >= standing.drainUntilMs ? lost(standing, 'drainTimeout', at) : standing;
}

/** The call that is due. */
function callOf(standing: Standing, at: Instant, rules: Rules): StoreCall | undefined {
  const { phase, ghost, held, busy, look, nextMs, data } = standing;
  if (ghost !== undefined) return { kind: 'release', held: ghost };
  if (phase === 'standby')
    return at.now >= callDueMs(standing) || look ? candidateCall(standing, at, rules) : undefined;
  if (held === undefined) return undefined;
  if (phase === 'draining' && !busy) return { kind: 'release', held: { ...held.record, data } };
  if (look) return { kind: 'read' };
  return at.now >= nextMs ? { kind: 'renew', held: held.record, data } : undefined;
}

function candidateCall({ seen, look, unsure, leaving, count, data }: Standing, at: Instant, rules: Rules): StoreCall {
  const { expiry, key, id, ttlMs, instance, rank } = rules;
  const nonce = `${instance}.${String(count)}`;
  // Where the store expires leases, the first attempt needs no look, but for those who let others go first.
  const blind = seen === undefined && (expiry === 'observer' || unsure || rank > 0);
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

function resigned(
  standing: Standing,
  { data, drainMs }: { readonly data: string | undefined; readonly drainMs: number },
  at: Instant,
): Standing {
  const { phase, held, calling, unsure } = standing;
  if (phase === 'draining')
    return standing.busy ? { ...standing, drainUntilMs: Math.min(standing.drainUntilMs, at.now + drainMs) } : standing;
  if (leads(standing)) {
    // Who has nothing more to tell lets stand what was told, or taken back; who has stopped cannot be late with it.
    const drainUntilMs = standing.busy ? at.now + drainMs : Infinity;
    return { ...standing, phase: 'draining', reason: 'resigned', data: data ?? standing.data, drainUntilMs };
  }
  if (!isCandidate(standing)) return standing;
  const next: Standing = { ...standing, leaving: true, leadMs: Infinity };
  if (held !== undefined) return { ...next, phase: 'idle', reason: 'withdrawn', held: undefined, ghost: held.record };
  if (calling !== undefined || unsure) return { ...next, nextMs: at.now };
  return { ...next, phase: 'idle', reason: 'withdrawn', nextMs: Infinity };
}

/** A hint that comes right after an own write is that write's. */
const ownEchoMs = 100;

function isOthersWrite({ held, calling }: Standing, at: Instant): boolean {
  return held !== undefined && calling === undefined && at.now - held.sent.now > ownEchoMs;
}
