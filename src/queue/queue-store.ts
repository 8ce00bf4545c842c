/*
 * What a work queue needs of the place where its jobs are kept. Everything is batched, and every change to a job that
 * somebody holds is fenced: the single operation is a batch of one.
 */

/** What a store can do. A queue that is asked for what its store cannot do refuses at construction, or at `add`. */
export interface StoreCaps {
  /** What was accepted outlives the process. */
  readonly durable: boolean;
  /** Several processes may pull from it. */
  readonly shared: boolean;
  /** Jobs of a higher priority are pulled first. */
  readonly priority: boolean;
  /** The priority of a job that waits may grow with time. */
  readonly aging: boolean;
  /** Jobs may become ready later. */
  readonly delay: boolean;
  /** At most so many jobs of a key are leased at a time, fair among keys. */
  readonly keys: boolean;
  /** What can be done with a job whose `dedupe.id` a live job has already. */
  readonly dedupe: readonly DedupeMode[];
  /** Which answers to a full queue it knows; refusing is known by all. */
  readonly drop: boolean;
  /** The longest lease, in milliseconds. */
  readonly maxLeaseMs: number;
}

/**
 * What becomes of a job whose `dedupe.id` a live one has already:
 *
 * - `reject`: it is a duplicate, the live one stays as it is
 * - `replace`: a live one that waits takes its data and options; beside one that runs it is a job of its own
 * - `rerun`: beside one that runs, one more run follows with the newest data; one that waits is as with `replace`
 */
export type DedupeMode = 'reject' | 'replace' | 'rerun';

/** A job to keep. */
export interface NewJob<D> {
  /** Unique among the jobs that the store knows: another put with the same id is a duplicate. */
  readonly id: string;
  /** What the worker gets. A durable store keeps it as JSON. */
  readonly data: D;
  /** Jobs of the same key are limited together. */
  readonly key?: string | undefined;
  /** Higher is sooner; 0 is ordinary. */
  readonly priority?: number | undefined;
  /** Not ready before so many milliseconds from now, by the store's clock. */
  readonly delayMs?: number | undefined;
  /** Which other jobs it is the same as. */
  readonly dedupe?:
    | {
        /** The same for all that are the same. */
        readonly id: string;
        /** What becomes of a second one. */
        readonly mode: DedupeMode;
      }
    | undefined;
  /** Of no use to anybody after so many milliseconds from now, by the store's clock. */
  readonly expiresInMs?: number | undefined;
  /** For the queue that runs it, kept as it is. */
  readonly settings?: JobSettings | undefined;
}

/** What travels with a job to the queue that runs it. */
export interface JobSettings {
  /** How often it may be attempted. */
  readonly attempts?: number | undefined;
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Of which type it is, where types differ in how long they take. */
  readonly type?: string | undefined;
}

/** How full a store may get, and what gives way when it is. */
export interface Room {
  /** How many jobs may wait, the delayed ones among them. */
  readonly max: number;
  /** `reject`: the newest is not accepted; `dropOldest`, `dropLowest`: one that waits is dropped for it. */
  readonly overflow: 'reject' | 'dropOldest' | 'dropLowest';
}

/** What became of a put. */
export interface PutResult {
  /** `full`: it was not accepted. */
  readonly status: 'added' | 'duplicate' | 'full';
  /** The job's id; for a duplicate the id of the one that lives. */
  readonly id: string;
  /** Which one was dropped for it, if one was. */
  readonly dropped?: string | undefined;
  /** For a duplicate of one that was given up: its last error, as text. Nothing comes of it unless it is redriven. */
  readonly dead?: string | undefined;
  /** For a duplicate of one that lives: milliseconds that are left until that is of no use to anybody; absent: no limit is known. */
  readonly expiresInMs?: number | undefined;
}

/** The right to settle a job. */
export interface JobLease {
  /** The job. */
  readonly id: string;
  /** Grows with each lease of the job. */
  readonly fence: bigint;
}

/** A job that was pulled. */
export interface LeasedJob<D> extends JobLease {
  /** What the worker gets. */
  readonly data: D;
  /** The key that it was put with. */
  readonly key?: string | undefined;
  /** The priority that it was put with. */
  readonly priority: number;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** How many of the attempts before ended with the loss of their worker or with the expiry of their lease. */
  readonly crashes: number;
  /** Milliseconds that are left until it is of no use to anybody; absent: no limit. */
  readonly expiresInMs?: number | undefined;
  /** As they were put. */
  readonly settings?: JobSettings | undefined;
}

/** Why a job is among the dead. */
export type DeadReason =
  /** every attempt that it had has failed */
  | 'failed'
  /** its worker was lost too often */
  | 'poison'
  /** the handler has given it up */
  | 'discarded'
  /** its deadline has passed */
  | 'expired';

/** What became of a lease. */
export type JobOutcome = JobLease &
  (
    | {
        /** What became of it. */
        readonly kind: 'done';
      }
    /** Another attempt in `delayMs`; `crashed` when the worker was lost. */
    | {
        /** What became of it. */
        readonly kind: 'retry';
        /** Not before so many milliseconds from now. */
        readonly delayMs: number;
        /** Why, as text. */
        readonly error: string;
        /** Whether its worker was lost. */
        readonly crashed?: boolean;
      }
    /** No other attempt. */
    | {
        /** What became of it. */
        readonly kind: 'dead';
        /** Why, for programs. */
        readonly reason: DeadReason;
        /** Why, as text. */
        readonly error: string;
        /** Whether its worker was lost. */
        readonly crashed?: boolean;
      }
    /** As if it had not been pulled: the attempt is not counted. */
    | {
        /** What became of it. */
        readonly kind: 'release';
        /** Not before so many milliseconds from now. */
        readonly delayMs: number;
      }
    /** Nobody wants it any more. */
    | {
        /** What became of it. */
        readonly kind: 'cancelled';
      }
  );

/** How many jobs are where. */
export interface StoreCounts {
  /** May be pulled, or wait only for others of their key. */
  readonly waiting: number;
  /** Become ready later. */
  readonly delayed: number;
  /** Are held by a worker. */
  readonly leased: number;
  /** Were given up, and are kept. */
  readonly dead: number;
  /** For how many milliseconds the oldest ready one has waited; 0 when there is none. */
  readonly oldestMs: number;
}

/** A job that was given up. */
export interface DeadJob<D> {
  /** The job. */
  readonly id: string;
  /** What the worker got. */
  readonly data: D;
  /** Why. */
  readonly reason: DeadReason;
  /** The last error, as text. */
  readonly error: string;
  /** How many attempts it had. */
  readonly attempts: number;
  /** How many of them ended with the loss of the worker. */
  readonly crashes: number;
}

/** The jobs that were given up. */
export interface DeadJobs<D> {
  /** All, the oldest first. */
  list(): AsyncIterable<DeadJob<D>>;
  /**
   * Puts them back, with all their attempts before them. How many there were.
   *
   * @param ids - which; absent: all
   */
  redrive(ids?: readonly string[]): Promise<number>;
  /**
   * Forgets them. How many there were.
   *
   * @param ids - which; absent: all
   */
  purge(ids?: readonly string[]): Promise<number>;
}

/**
 * Keeps the jobs of work queues: nine methods.
 *
 * Rules for whoever writes one; `queueStoreSuite` of `holdfast/testing` checks them:
 *
 * - what `put` has called `added` is pulled at least once, unless it is cancelled, dropped or expires
 * - a lease that is not extended in time is over: the job is pulled again, by anybody, with `crashes` one higher
 * - `extend` and `settle` with a fence that is not the job's newest, or of a lease that is over, answer false and change nothing
 * - time is the store's own: leases and delays are counted on one clock
 * - a rejection means that nobody knows whether it was done; each call may be repeated
 */
export interface QueueStore<D> {
  /** What it can do. */
  readonly caps: StoreCaps;
  /** What was given up. */
  readonly dead: DeadJobs<D>;
  /** Makes it ready. The first call, once. */
  open(): Promise<void>;
  /** Keeps jobs; resolves when they are as safe as the store can make them. One result each, in order. */
  put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]>;
  /**
   * Leases up to `max` ready jobs, those to be run first in front; none when there are none.
   *
   * @param max - how many
   * @param leaseMs - for how long
   */
  pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]>;
  /** Makes leases last for `leaseMs` from now. For each whether it still was one. */
  extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]>;
  /** Ends leases. For each whether it still was one. */
  settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]>;
  /** Takes back jobs that nobody holds. For each whether it was. */
  cancel(ids: readonly string[]): Promise<readonly boolean[]>;
  /** How many jobs are where. */
  counts(): Promise<StoreCounts>;
  /**
   * Has `onWake` called when something may have become ready, or room may have become free. A hint: it may come late,
   * too often, or never. Returns what ends it.
   */
  wake(onWake: () => void): () => void;
  /** Lets go of what the store has opened itself. Leases are left as they are. */
  close(): Promise<void>;
}
