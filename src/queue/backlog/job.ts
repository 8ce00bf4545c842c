import type { CallerContext } from '../../core/caller-context.ts';
import type { DeadReason, DedupeMode, JobSettings, PutResult } from '../queue-store.ts';
import type { KeyTurns } from './keys.ts';

/** @internal Where a job is. The last three are ends; `replaced`: another record has taken its place. */
export type JobState = 'waiting' | 'delayed' | 'leased' | 'done' | 'dead' | 'cancelled' | 'replaced';

/** @internal What only some jobs have: apart, so that the others do not pay for it. */
export interface JobDetails<D> {
  id?: string | undefined;
  keyName?: string | undefined;
  /** Its key's turns, while it lives. */
  key?: KeyTurns<Job<D>> | undefined;
  /** It waits for its next attempt and nobody else of its key may go before. */
  holdsKey?: boolean;
  dedupe?: { readonly id: string; readonly mode: DedupeMode } | undefined;
  /** What one more run is to be made with. */
  rerun?: Rerun<D> | undefined;
  expiresAtMs?: number | undefined;
  settings?: JobSettings | undefined;
  /** What its handler is to be given to own, not a copy. */
  transfer?: readonly object[] | undefined;
  /** Takes it back when it aborts. */
  signal?: AbortSignal | undefined;
  /** Lets go of the signal and of the timer of who has added it. */
  unlink?: (() => void) | undefined;
  /** As its store gave it with the lease; where there is none, the job's own is it. */
  fence?: bigint | undefined;
  /** When its lease is over; absent: when it is settled. */
  leaseEndsMs?: number | undefined;
  successor?: Job<D> | undefined;
  reason?: DeadReason;
  error?: string;
}

/** @internal What one more run of a job is to be made with. */
export interface Rerun<D> {
  readonly data: D;
  readonly delayMs: number;
}

/** @internal The `resolve` of a promise of a job's result: all that needs to be kept of it, and little. */
export type Resolve = (result: unknown) => void;

/** @internal Who wants to know what becomes of a job. */
export type Ticket<D> = Resolve | Watcher<D>;

/** @internal Who is told more than a result. */
export interface Watcher<D> {
  /** It has ended; or the queue has, and nobody will know. */
  ended(job: Job<D>): void;
  /** It runs, and is to end with this reason as soon as it has stopped. */
  stopping?(reason: unknown): void;
}

/**
 * @internal A job, from its acceptance to its end: one small record, which the backlog, the slot that runs it and the
 * handle of who has added it share.
 */
export class Job<D> {
  /**
   * One that lives for ever. The engine forgets the shape of objects of which none lives at a full garbage collection, and
   * the code that was compiled for it: a queue that was idle at that moment would have to warm up again.
   */
  static readonly example: Job<unknown> = new Job<unknown>(0, undefined, 0, undefined);
  /** In which order they were accepted. */
  readonly seq: number;
  data: D;
  readonly priority: number;
  state: JobState = 'waiting';
  /** How often it was leased, releases not counted. */
  attempt = 0;
  crashes = 0;
  /** Grows with each lease. */
  fence = 0;
  /** Since when it waits; while it is delayed, until when. */
  sinceMs: number = Number.NaN; // not 0: that it is no small integer belongs to the shape
  details: JobDetails<D> | undefined;
  /** Who wants to know of its end. */
  ticket: Ticket<D> | undefined = undefined;
  /** Which queue has added it, or has it leased. */
  owner: object | undefined = undefined;
  /** Where it was added from, for what hangs on that. */
  caller: CallerContext | undefined = undefined;
  /** What it came to: a value when it is done, an error when it is dead or was cancelled. */
  result: unknown = undefined;

  constructor(seq: number, data: D, priority: number, details: JobDetails<D> | undefined) {
    this.seq = seq;
    this.data = data;
    this.priority = priority;
    this.details = details;
  }

  get settings(): JobSettings | undefined {
    return this.details?.settings;
  }

  get transfer(): readonly object[] | undefined {
    return this.details?.transfer;
  }

  get isLive(): boolean {
    return this.state === 'waiting' || this.state === 'delayed' || this.state === 'leased';
  }
}

/** @internal Whether nobody holds a job that lives. */
export function isQueued<D>(job: Job<D>): boolean {
  return job.state === 'waiting' || job.state === 'delayed';
}

/** @internal What the answer to a put says of the job that is there already. */
export function fateOf<D>({ state, details }: Job<D>, nowMs: number): Pick<PutResult, 'dead' | 'expiresInMs'> {
  if (state === 'dead') return { dead: details!.error };
  const { expiresAtMs } = details!;
  return expiresAtMs === undefined ? {} : { expiresInMs: expiresAtMs - nowMs };
}
