/*
 * Jobs as entries of the log: a whole job is `[facts, data]`, a change is what has changed of its facts.
 *
 * Moments are wall times in whole milliseconds, for no other clock outlives the process. What is left of a delay is never
 * more than the whole delay was, so a clock that is set back delays nothing for ever.
 */
import { Job, type JobDetails } from '../../backlog/job.ts';
import type { DeadReason, DedupeMode, JobSettings } from '../../queue-store.ts';

/** What changes of a job while it lives. */
interface Standing {
  /** `w` it waits, `r` it waits to be tried again before all others of its key, `l` it is leased, `d` it is dead. */
  readonly is: 'w' | 'r' | 'l' | 'd';
  /** Since when it waits, or has waited; when it was given up. */
  readonly at: number;
  /** It is delayed: until when, and for how long in all. */
  readonly due?: readonly [untilMs: number, wholeMs: number] | undefined;
  readonly attempt?: number | undefined;
  readonly crashes?: number | undefined;
  readonly reason?: DeadReason | undefined;
  readonly error?: string | undefined;
}

/** All that is known of a job but its data. */
interface Facts extends Standing {
  readonly seq: number;
  readonly priority?: number | undefined;
  readonly key?: string | undefined;
  readonly dedupe?: { readonly id: string; readonly mode: DedupeMode } | undefined;
  /** One more run follows: with which data, as JSON, and after which delay. */
  readonly rerun?: { readonly data: string; readonly delayMs: number } | undefined;
  /** Of no use after: that moment, and how long that was from the time of writing. */
  readonly expires?: readonly [atMs: number, inMs: number] | undefined;
  readonly settings?: JobSettings | undefined;
}

/** @internal Both clocks at one moment. */
export interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
  /** What `wallMs` was at the zero of `nowMs`, as long as this store is open: keeps the order, whoever sets the date. */
  readonly originMs: number;
}

/** @internal A whole job as JSON. */
export function wholeJob(job: Job<string>, moment: Moment): string {
  const { keyName, dedupe, rerun, expiresAtMs, settings } = job.details!;
  const inMs = expiresAtMs === undefined ? undefined : expiresAtMs - moment.nowMs;
  const facts: Facts = {
    seq: job.seq,
    priority: job.priority === 0 ? undefined : job.priority,
    key: keyName,
    dedupe,
    rerun,
    expires: inMs === undefined ? undefined : spanOf(inMs, moment),
    settings,
    ...standingOf(job, moment),
  };
  return `[${JSON.stringify(facts)},${job.data}]`;
}

/** @internal What may have changed of a job, as JSON. */
export function changedJob(job: Job<string>, moment: Moment): string {
  return JSON.stringify(standingOf(job, moment));
}

/** Until when, and how long that is; JSON has no infinity. */
function spanOf(ms: number, { wallMs }: Moment): readonly [number, number] {
  const whole = Math.min(Math.ceil(ms), 2 ** 52);
  return [Math.round(wallMs) + whole, whole];
}

function standingOf({ state, sinceMs, attempt, crashes, details }: Job<string>, moment: Moment): Standing {
  const { nowMs, originMs } = moment;
  const leftMs = state === 'delayed' ? sinceMs - nowMs : 0;
  const at = Math.round(originMs + (leftMs > 0 ? nowMs : sinceMs));
  const is = state === 'dead' ? 'd' : state === 'leased' ? 'l' : details!.holdsKey === true ? 'r' : 'w';
  return {
    is,
    at,
    due: leftMs > 0 ? spanOf(leftMs, moment) : undefined,
    attempt: attempt === 0 ? undefined : attempt,
    crashes: crashes === 0 ? undefined : crashes,
    reason: is === 'd' ? details!.reason : undefined,
    error: is === 'd' ? details!.error : undefined,
  };
}

/** @internal A job as the log tells of it. */
export interface RememberedJob {
  readonly id: string;
  readonly data: string;
  readonly facts: Facts;
}

/** @internal The job that a whole entry tells of. */
export function rememberedJob(id: string, value: unknown): RememberedJob {
  const [facts, data] = value as readonly [Facts, unknown];
  return { id, data: JSON.stringify(data), facts };
}

/** @internal The same after a change. */
export function changed({ id, data, facts }: RememberedJob, value: unknown): RememberedJob {
  const { seq, priority, key, dedupe, rerun, expires, settings } = facts;
  const standing = value as Standing;
  const kept = { seq, priority, key, dedupe, expires, settings, ...standing };
  // One that is not leased any more runs again with what it was to run again with.
  if (rerun === undefined || standing.is === 'l') return { id, data, facts: { ...kept, rerun } };
  return { id, data: rerun.data, facts: kept };
}

/** @internal What `Backlog.restore` is given. */
export interface RestoredJob {
  readonly job: Job<string>;
  readonly past: 'waits' | 'retried' | 'crashed' | 'dead';
  readonly delayMs: number;
  /** Since when it waits; now, if it is delayed. */
  readonly sinceMs: number;
}

const pasts = { w: 'waits', r: 'retried', l: 'crashed', d: 'dead' } as const;

/** @internal A job for a backlog to take in. `fence`: no lease of it had a higher one. */
export function restored({ id, data, facts }: RememberedJob, fence: number, moment: Moment): RestoredJob {
  const { nowMs, wallMs, originMs } = moment;
  const { seq, priority = 0, key, dedupe, rerun, expires, settings, is, at, due, reason, error } = facts;
  const details: JobDetails<string> = { id, keyName: key, dedupe, rerun, settings };
  if (expires !== undefined) details.expiresAtMs = nowMs + Math.min(expires[0] - wallMs, expires[1]);
  if (reason !== undefined) details.reason = reason;
  if (error !== undefined) details.error = error;
  const job = new Job(seq, data, priority, details);
  job.attempt = facts.attempt ?? 0;
  job.crashes = facts.crashes ?? 0;
  job.fence = fence;
  const delayMs = due === undefined ? 0 : Math.min(Math.max(0, due[0] - wallMs), due[1]);
  const sinceMs = delayMs > 0 ? nowMs : Math.min(nowMs, (due?.[0] ?? at) - originMs);
  return { job, past: pasts[is], delayMs, sinceMs };
}

/** @internal The order in which jobs began to wait. */
export function byAge(a: RestoredJob, b: RestoredJob): number {
  return a.sinceMs - b.sinceMs || a.job.seq - b.job.seq;
}
