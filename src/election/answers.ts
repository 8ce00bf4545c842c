import { paceMs, renewalMs, retryMs, soonMs } from './delays.ts';
import type { Instant } from './instant.ts';
import type { Granted, LeaseRecord } from './lease-store.ts';
import { isOwn, sight } from './sighting.ts';
import type { Rules } from './rules.ts';
import {
  type Answer,
  type Held,
  isCandidate,
  lost,
  nonceOf,
  type Reason,
  remainingMs,
  type Standing,
  type StoreCall,
} from './standing.ts';

/** @internal What follows from the answer to a call. */
export function answered(
  standing: Standing,
  call: StoreCall,
  sent: Instant,
  answer: Answer,
  at: Instant,
  rules: Rules,
): Standing {
  const next = followed(standing, call, sent, answer, at, rules);
  const { newest } = standing;
  const shown = shownBy(answer);
  return shown === null || (newest !== undefined && shown.token <= newest.token) ? next : { ...next, newest: shown };
}

/** What an answer shows of the lease. */
function shownBy(answer: Answer): LeaseRecord | null {
  if (answer.kind === 'release') return null;
  if (answer.kind !== 'acquire') return answer.result;
  return answer.result.granted ? answer.result.record : answer.result.current;
}

function followed(
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
      return givenBack(standing, 'released', standing.leaving ? at.now : soonMs(at, rules), rules);
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
  const refusal = leaving
    ? 'withdrawn'
    : isStale(record, standing.newest)
      ? 'staleToken'
      : remainingMs({ held }, at, rules) <= 0
        ? 'late'
        : undefined;
  const known: Standing = { ...standing, unsure: false, seen: undefined, paceMs: paceMs(sent, rules) };
  if (refusal !== undefined || phase !== 'acquiring') {
    // What is given back may be given back twice by the network: its nonce is not used again.
    const next: Standing = { ...known, ghost: record, count: count + 1 };
    return isCandidate(standing) ? { ...next, phase: 'standby', reason: refusal ?? 'withdrawn', nextMs: at.now } : next;
  }
  const next: Standing = { ...known, held, nextMs: renewalMs(sent, rules) };
  const vanished = predecessor === 'expired' || predecessor === 'unknown';
  return vanished && rules.lockDelayMs > 0
    ? { ...next, reason: 'lockDelay', leadMs: at.now + rules.lockDelayMs }
    : { ...next, phase: 'leading', reason: 'granted', busy: true };
}

/** Whether a token is not above those before; granted anew to the same candidacy it is as high. */
function isStale({ token, nonce }: LeaseRecord, newest: Standing['newest']): boolean {
  return newest !== undefined && (token < newest.token || (token === newest.token && nonce !== newest.nonce));
}

/** What a candidate sees of the lease, from a denial or a look. */
function looked(standing: Standing, record: LeaseRecord | null, at: Instant, rules: Rules): Standing {
  if (!isCandidate(standing)) return standing;
  const nonce = nonceOf(standing, rules);
  const ours = record !== null && isOwn(record, rules);
  if (standing.leaving) {
    const gone: Standing = { ...standing, phase: 'idle', reason: 'withdrawn', unsure: false, nextMs: Infinity };
    return ours ? { ...gone, ghost: record } : gone;
  }
  const seen = sight(record, at.now, rules, standing.seen);
  const next: Standing = { ...standing, phase: 'standby', reason: 'held', seen };
  if (ours && record.nonce !== nonce) return { ...next, ghost: record, seen: undefined, nextMs: at.now };
  // Where observers expire leases, the count begins with the look that shows a version first.
  const pollMs = standing.watched && rules.expiry === 'server' ? Infinity : at.now + rules.renewMs;
  // Denied, and free when it was looked at: somebody is quicker than the look.
  const earliestMs = standing.phase === 'acquiring' || (ours && standing.unsure) ? soonMs(at, rules) : at.now;
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
  // By a date that was set forward while it was under way, or because it was renewed for less.
  if (remainingMs(next, at, rules) <= 0) return lost(standing, 'expired', at);
  return phase === 'atRisk' ? { ...next, phase: 'leading', reason: 'renewed' } : next;
}

/** @internal What follows when a call was rejected, or took too long. */
export function unanswered(standing: Standing, call: StoreCall, sent: Instant, at: Instant, rules: Rules): Standing {
  const { phase, held } = standing;
  const nextMs = standing.leaving ? at.now : retryMs(at, sent, rules);
  if (call.kind === 'release') return givenBack(standing, 'unanswered', nextMs, rules);
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
  // A hint that came meanwhile may be of the very write that was not answered: the next look has its time.
  return { ...standing, phase: 'standby', reason: 'unanswered', unsure, seen, look: false, nextMs };
}

/** The lease, or one that was not wanted: who stands asks again at `nextMs`, who holds another renews that. */
function givenBack(standing: Standing, reason: Reason, nextMs: number, rules: Rules): Standing {
  if (standing.phase === 'draining' && standing.held === undefined)
    return { ...standing, phase: 'released', reason, nextMs: Infinity };
  if (standing.held !== undefined) return { ...standing, nextMs: renewalMs(standing.held.sent, rules) };
  return standing.phase === 'standby' ? { ...standing, nextMs } : standing;
}
