import type { Ending, Offer } from './backlog/backlog.ts';
import type { Job, JobDetails } from './backlog/job.ts';
import type { DeadJobs, StoreCaps } from './queue-store.ts';
import type { Vigil } from './vigil.ts';

/** @internal What a depot tells its queue. */
export interface DepotListener<D> {
  /** `take` may have something, or `put` may find room. */
  onReady(): void;
  /**
   * So many of the dead wait again; before any of them is taken. `jobs`: their records, where they are known. Answers how
   * many of them had been accepted here.
   */
  onRedriven(count: number, jobs?: readonly Job<D>[]): number;
  /** A job was leased that is of no use after `expiresAtMs`, or was so before. */
  onPerishable(job: Job<D>): void;
  /** The deadline of one that waits has passed: the store has said so before the alarm has rung. */
  onExpired(job: Job<D>): void;
  /** Somebody else may have the job of a lease now. */
  onLost(job: Job<D>, error: Error): void;
}

/** @internal What a way to a store behind promises asks of its queue. */
export interface DepotHost {
  /** Whose the jobs are that are added here. */
  readonly owner: object;
  /** How many jobs could be worked on at once. */
  demand(): number;
  onError(error: unknown): void;
}

/**
 * @internal A queue's way to its store: the records that it works with, one at a time and at once where the store is in this
 * process, in batches where it is not. `nowMs` is the time of the queue's clock at this moment.
 */
export interface Depot<D> {
  readonly caps: StoreCaps;
  readonly dead: DeadJobs<D>;
  /** To be open while somebody waits for a promise of the queue. Undefined: the process lives as long as it must anyway. */
  readonly vigil: Vigil | undefined;
  /** How many wait that could start now; as far as is known. */
  readonly runnable: number;
  readonly waiting: number;
  readonly delayed: number;
  /** Makes it ready; `take` brings nothing before it has resolved. */
  open(listener: DepotListener<D>): void | Promise<void>;
  /** A record for a job, not accepted yet. */
  make(data: D, priority: number, details: JobDetails<D> | undefined): Job<D>;
  idOf(job: Job<D>): string;
  /** Those that wait or are delayed, as far as they were added here. */
  jobs(): Iterable<Job<D>>;
  /** A live job that is known here. */
  find(id: string): Job<D> | undefined;
  /** The record that is told of the end of a live job, if it ends here. */
  follow(job: Job<D>): Job<D>;
  /** Accepts a job, if there is room. */
  put(job: Job<D>, delayMs: number, nowMs: number): Offer<D> | Promise<Offer<D>>;
  /** Leases the next job that is at hand; tells when there is another. */
  take(nowMs: number): Job<D> | undefined;
  /** Ends a lease; `true`: it was one. */
  settle(job: Job<D>, ending: Ending, nowMs: number): boolean | Promise<boolean>;
  /** Makes a lease last from now on. */
  extend(job: Job<D>): void | Promise<void>;
  /** Takes back a job that nobody holds: its record, where it is another than the one that was known before. */
  cancel(id: string): boolean | Promise<boolean | Job<D>>;
  /** Gives up a job that nobody holds. */
  expire(job: Job<D>): boolean | Promise<boolean>;
  /** Those whose `put` or `settle` has had no answer are told that there will be none. */
  abandon?(reason: Error): void;
  /** Nothing more is taken. Resolves when all that was settled is known to the store, or cannot be. */
  close(): Promise<void>;
}
