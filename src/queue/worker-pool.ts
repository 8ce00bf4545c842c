import type { JobSettings } from './queue-store.ts';

/** What a handler is told of the job that it works on. */
export interface JobContext {
  /** The job, the same for all its attempts. */
  readonly id: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** How many attempts before were cut short: their worker was lost, or their lease ran out. */
  readonly crashes: number;
  /** Grows with each lease of the job: what a resource compares to refuse a worker that is late. */
  readonly fence: bigint;
  /** Aborts when the attempt is to end: timeout, deadline, cancellation, a lost lease, a queue that closes. */
  readonly signal: AbortSignal;
  /**
   * Tells the queue's listeners how far the work is.
   *
   * @param value - whatever they understand
   */
  progress(value: unknown): void;
  /**
   * Starts the attempt's timeout anew, and its lease too.
   *
   * @param ms - the timeout from now; absent: the one that it had
   */
  extend(ms?: number): Promise<void>;
}

/** A job as a pool gets it. */
export interface PoolJob<D> {
  /** What the handler gets. */
  readonly data: D;
  /** What to move to the worker instead of copying it. */
  readonly transfer?: readonly object[] | undefined;
  /** As they were put. */
  readonly settings?: JobSettings | undefined;
}

/**
 * Where the handlers run. One job a worker; the queue waits, the pool does not.
 *
 * Rules for whoever writes one:
 *
 * - `run` is called for at most `size` jobs at a time, and settles when the worker is free again: its slot is held until
 *   then
 * - a worker that ends, whatever the reason, rejects its job with `WORKER_LOST` and is replaced; no other job is touched
 * - `context.signal` asks the worker to stop; one that does not within the pool's own patience is ended, where that can be
 * - the number of workers follows `resize`: growing at once, shrinking by workers that are idle, never below what is busy
 * - nothing of it keeps an idle process alive
 */
export interface WorkerPool<D, R> {
  /** How many workers could run a job now, busy ones included. */
  readonly size: number;
  /** How many do. */
  readonly busy: number;
  /** How long a worker takes from its start until it can run a job, measured, in milliseconds; 0 while unknown. */
  readonly coldStartMs: number;
  /** The most workers that make sense here. */
  readonly suggestedMax: number;
  /**
   * Called once, before all else.
   *
   * @param onChange - to be called when `size` has changed by itself: a worker is ready, or was lost
   */
  open(onChange: () => void): void;
  /**
   * How many workers there should be.
   *
   * @param workers - a whole number, 0 too
   */
  resize(workers: number): void;
  /** Runs a job on a worker that is free. */
  run(job: PoolJob<D>, context: JobContext): R | PromiseLike<R>;
  /**
   * Ends all workers: waits so long for those that are busy, then ends them by force where that can be.
   *
   * @param options - `graceMs`: how long to wait
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}
