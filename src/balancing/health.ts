/*
 * Whether a member is an outlier: who fails again and again while others serve. Pure: (health, event, now) → health.
 */

import type { Tally } from './recent-calls.ts';

/** Why a member is ejected: failures in a row, too few successes in the window, or its active probe. */
export type EjectReason = 'consecutive' | 'successRate' | 'probe';

/** @internal When a member is ejected, and for how long. */
export interface HealthRules {
  /** Failures in a row that eject; `Infinity`: none do. */
  readonly consecutive: number;
  /** The share of successes below which a member is ejected; 0: none is. */
  readonly successRate: number;
  /** The time constant of the calls that count for the rate. */
  readonly windowMs: number;
  /** How many of them there must be. */
  readonly minCalls: number;
  /** The first ejection's length, doubled each time … */
  readonly baseMs: number;
  /** … up to this. */
  readonly maxMs: number;
  /** Probes in a row that must succeed for a member to be restored. */
  readonly rise: number;
  /** Probes in a row that must fail for a member to be ejected. */
  readonly fall: number;
}

/** @internal An ejection under way. */
export interface Ejection {
  readonly why: EjectReason;
  readonly sinceMs: number;
  /** From when on a call may try the member; `Infinity`: only its active probe brings it back. */
  readonly untilMs: number;
  /** How many trials were called off before they had an end. */
  readonly calledOff: number;
}

/** @internal What is known of a member's health. */
export interface Health {
  readonly ejection: Ejection | undefined;
  /** Failures since the last success. */
  readonly inRow: number;
  /** When the first call of them started, `Infinity` without one, and when the last one failed. */
  readonly rowMs: number;
  readonly failedMs: number;
  /** How often the length has been doubled, the length drawn last, and when the member was last restored. */
  readonly level: number;
  readonly lengthMs: number;
  readonly restoredMs: number;
  /** Active probes in a row: that succeeded when above 0, that failed when below. */
  readonly probes: number;
}

/** @internal What happens to a member. */
export type HealthEvent =
  /** A call was served or failed. `trial`: it was let through to try an ejected member. */
  | { readonly type: 'settled'; readonly ok: boolean; readonly startedMs: number; readonly trial: boolean }
  /** A call is let through to try an ejected member; it did not ask after all; or another has reason to try. */
  | { readonly type: 'tried' | 'untried' | 'hope' }
  /** A trial was called off by its caller: the member is slow, or its caller had no time. */
  | { readonly type: 'calledOff'; readonly startedMs: number }
  /** An active probe has ended. */
  | { readonly type: 'probed'; readonly ok: boolean }
  /** It has become the only member. */
  | { readonly type: 'alone' };

/** @internal How things stand around the member. */
export interface Circumstances {
  /** It is the only member: ejecting it would help nobody. */
  readonly alone: boolean;
  /** So few are healthy that health is ignored. */
  readonly panic: boolean;
  /** The member's calls of late, this one included. */
  recent(now: number): Tally;
  /** Whether the others fail as well, so that it is no member's fault. */
  common(now: number): boolean;
  /** For the jitter, in [0, 1). */
  readonly chance: () => number;
}

/** @internal The health of a member of which nothing is known. */
export const unknownHealth: Health = {
  ejection: undefined,
  inRow: 0,
  rowMs: Infinity,
  failedMs: -Infinity,
  level: 0,
  lengthMs: 0,
  restoredMs: -Infinity,
  probes: 0,
};

/** @internal Whether a call may be let through to try the member. */
export function mayTry({ ejection }: Health, now: number): boolean {
  return ejection !== undefined && now >= ejection.untilMs;
}

/** @internal The health after an event; the same object when nothing changes. */
export function judge(
  health: Health,
  event: HealthEvent,
  now: number,
  rules: HealthRules,
  around: Circumstances,
): Health {
  switch (event.type) {
    case 'settled':
      return health.ejection === undefined
        ? settledHealthy(health, event, now, rules, around)
        : settledEjected(health, health.ejection, event, now, rules, around);
    case 'tried':
      // When its answer never comes, another call may try after the same time again.
      return waiting(health, now + health.lengthMs);
    case 'untried':
    case 'hope':
      return waiting(health, now);
    case 'calledOff':
      return calledOff(health, event.startedMs, now);
    case 'probed':
      return probed(health, event.ok, now, rules, around);
    case 'alone':
      return health.ejection === undefined ? health : restored(health, now);
  }
}

function settledHealthy(
  health: Health,
  { ok, startedMs }: { readonly ok: boolean; readonly startedMs: number },
  now: number,
  rules: HealthRules,
  around: Circumstances,
): Health {
  // A success of a call that had started before the row did says nothing new: who has died answers what it had begun.
  if (ok) return startedMs < health.rowMs ? health : { ...health, inRow: 0, rowMs: Infinity };
  const next = { ...health, inRow: health.inRow + 1, rowMs: Math.min(health.rowMs, startedMs), failedMs: now };
  const why = around.alone ? undefined : outlier(next.inRow, now, rules, around);
  return why === undefined ? next : ejected(next, why, now, rules, around);
}

/**
 * Why this member is an outlier: it fails and most others do not. What most suffer from, overload before all, an ejection would
 * make worse, for those that are left would get the load of those that are out.
 */
function outlier(inRow: number, now: number, rules: HealthRules, around: Circumstances): EjectReason | undefined {
  const { consecutive, successRate, minCalls } = rules;
  const many = inRow >= consecutive;
  if ((!many && successRate === 0) || around.common(now)) return undefined;
  if (many) return 'consecutive';
  const { served, failed } = around.recent(now);
  return served + failed >= minCalls && served < successRate * (served + failed) ? 'successRate' : undefined;
}

/** When most fail, a failed trial says little about this member, and all that heal should be back soon. */
const mostInPanic = 2;

/** A call that began before the ejection says nothing new, and none says that a probe was wrong. */
function saysNothing({ why, sinceMs }: Ejection, startedMs: number): boolean {
  return why === 'probe' || startedMs <= sinceMs;
}

function settledEjected(
  health: Health,
  ejection: Ejection,
  event: { readonly ok: boolean; readonly startedMs: number; readonly trial: boolean },
  now: number,
  rules: HealthRules,
  around: Circumstances,
): Health {
  if (saysNothing(ejection, event.startedMs)) return health;
  if (event.ok) return restored(health, now);
  if (!event.trial) return health;
  const level = around.panic ? Math.max(health.level, Math.min(mostInPanic, health.level + 1)) : health.level + 1;
  return again(health, ejection, level, now, rules, around);
}

function probed(health: Health, ok: boolean, now: number, rules: HealthRules, around: Circumstances): Health {
  const next = { ...health, probes: ok ? Math.max(0, health.probes) + 1 : Math.min(0, health.probes) - 1 };
  if (health.ejection !== undefined) return next.probes >= rules.rise ? restored(next, now) : next;
  if (around.alone || -next.probes < rules.fall) return next;
  return { ...next, ejection: { why: 'probe', sinceMs: now, untilMs: Infinity, calledOff: 0 } };
}

/** A relapse, soon after a restoration and before much was served, is twice as long as the ejection before. */
function ejected(health: Health, why: EjectReason, now: number, rules: HealthRules, around: Circumstances): Health {
  const relapse = now - health.restoredMs <= health.lengthMs && around.recent(now).served < rules.minCalls;
  const level = relapse ? health.level + 1 : 0;
  return again({ ...health, probes: 0 }, { why, sinceMs: now, calledOff: 0 }, level, now, rules, around);
}

function again(
  health: Health,
  about: Omit<Ejection, 'untilMs'>,
  level: number,
  now: number,
  { baseMs, maxMs }: HealthRules,
  { chance }: Circumstances,
): Health {
  const longestMs = Math.min(maxMs, baseMs * 2 ** Math.min(level, 60));
  // Half of it by chance: many clients that eject a member together do not all come back at once.
  const lengthMs = (longestMs * (1 + chance())) / 2;
  return { ...health, level, lengthMs, ejection: { ...about, untilMs: now + lengthMs } };
}

function waiting(health: Health, untilMs: number): Health {
  const { ejection } = health;
  return ejection === undefined || ejection.untilMs === Infinity
    ? health
    : { ...health, ejection: { ...ejection, untilMs } };
}

/** After so many trials that nobody waited for, a member may show what it can. */
const mostCalledOff = 3;

/**
 * Who is slower than a hedge's delay is never waited for. It is no reason to keep the member out: the cost knows what to do
 * with who is slow.
 */
function calledOff(health: Health, startedMs: number, now: number): Health {
  const { ejection } = health;
  if (ejection === undefined || saysNothing(ejection, startedMs)) return health;
  if (ejection.calledOff + 1 >= mostCalledOff) return restored(health, now);
  return { ...health, ejection: { ...ejection, calledOff: ejection.calledOff + 1 } };
}

function restored(health: Health, now: number): Health {
  const { level, lengthMs, probes } = health;
  return { ...unknownHealth, level, lengthMs, restoredMs: now, probes: Math.max(0, probes) };
}
