import { having, invalid, type Rule } from '../../../core/options.ts';

/** What is used of a job of BullMQ. */
export interface BullJob {
  /** Its id. */
  readonly id?: string | undefined;
  /** Its name. */
  readonly name: string;
  /** What it was added with. */
  readonly data: unknown;
  /** What it was added with. */
  readonly opts: {
    /** How many attempts BullMQ would make. */
    readonly attempts?: number | undefined;
    /** Lower is sooner. */
    readonly priority?: number | undefined;
  };
  /** How often it was claimed. */
  readonly attemptsStarted: number;
  /** How often an attempt was ended. */
  readonly attemptsMade: number;
  /** How often it was found without a lock. */
  readonly stalledCounter: number;
  /** What is kept of the ends of its attempts. */
  readonly stacktrace: readonly string[] | null;
}

/** What is used of a job of BullMQ as its server keeps it. */
export interface BullJobJson {
  /** Its name. */
  readonly name: string;
  /** What it was added with, as JSON. */
  readonly data: string;
  /** What it was added with. */
  readonly opts: BullJob['opts'];
  /** How often it was claimed. */
  readonly attemptsStarted: number;
  /** How often an attempt was ended. */
  readonly attemptsMade: number;
  /** How often it was found without a lock. */
  readonly stalledCounter: number;
  /** What is kept of the ends of its attempts, as JSON. */
  readonly stacktrace?: string | undefined;
  /** Why it has failed. */
  readonly failedReason: string;
  /** When it was added. */
  readonly timestamp: number;
}

/** What a wait for a job comes to. */
export interface BullMark {
  /** When the next delayed job is due; 0: now. */
  readonly score: number;
}

/** What is used of a backend of BullMQ, which is public as `IQueueBackend`. */
export interface BullBackend {
  /** Extends locks; those that could not be. */
  extendLocks(jobIds: string[], tokens: string[], durationMs: number): Promise<string[]>;
  /** Ends a job. */
  moveToCompleted(job: object, value: unknown, remove: boolean, token: string, next: boolean): Promise<unknown>;
  /** Gives a job up. */
  moveToFailed(
    job: object,
    reason: string,
    remove: boolean,
    token: string,
    next: boolean,
    fields?: Record<string, unknown>,
  ): Promise<unknown>;
  /** Puts a job back for later. */
  moveToDelayed(
    jobId: string,
    timestamp: number,
    delayMs: number,
    token?: string,
    options?: { readonly skipAttempt?: boolean; readonly fieldsToUpdate?: Record<string, unknown> },
  ): Promise<unknown>;
  /** Puts back whose lock is over. */
  moveStalledJobsToWait(): Promise<string[]>;
  /** Puts back a job that was given up. */
  retryFinishedJob(job: object, state: 'failed', options?: { resetAttemptsMade?: boolean }): Promise<void>;
  /** Changes what a job holds. */
  updateData(job: object, data: object): Promise<void>;
  /** A job, as it is kept. */
  getJobData(jobId: string): Promise<BullJobJson | undefined>;
  /** Which job stands for a deduplication id. */
  getDeduplicationJobId(deduplicationId: string): Promise<string | null>;
  /** Where a job is. */
  getState(jobId: string): Promise<string>;
  /** How many jobs are where. */
  getCounts(types: ('wait' | 'prioritized' | 'delayed' | 'active' | 'failed')[], before?: number): Promise<number[]>;
  /** Which jobs are where. */
  getRanges(
    types: ('wait' | 'prioritized' | 'failed')[],
    start?: number,
    end?: number,
    ascending?: boolean,
  ): Promise<readonly (readonly string[])[]>;
  /** Forgets a job. */
  remove(jobId: string, removeChildren: boolean): Promise<number>;
  /** Waits until there may be a job. */
  waitForJob(timeoutSeconds: number): Promise<BullMark | null>;
}

/** What is used of a `Queue` of BullMQ, of either backend: jobs are added through it. */
export interface BullQueue {
  /** Its name. */
  readonly name: string;
  /** Adds jobs. */
  addBulk(jobs: { name: string; data: object; opts: BullJobOptions }[]): Promise<readonly Pick<BullJob, 'id'>[]>;
  /** Resolves when it is connected. */
  waitUntilReady(): Promise<unknown>;
}

/** The options of a job of BullMQ that are set. */
export interface BullJobOptions {
  /** The id. */
  jobId: string;
  /** Lower is sooner. */
  priority: number;
  /** One: attempts are counted here. */
  attempts: number;
  /** In milliseconds. */
  delay: number;
  /** Whether it is forgotten when it is done. */
  removeOnComplete: boolean;
  /** Whether it is forgotten when it was given up. */
  removeOnFail: boolean;
  /** What makes it the same as another. */
  deduplication?: {
    /** The same for all that are. */
    id: string;
  };
}

/** What is used of a `Worker` of BullMQ, of either backend, that was made without a processor: jobs are claimed through it. */
export interface BullWorker {
  /** Its name. */
  readonly name: string;
  /** What it was made with. */
  readonly opts: {
    /** How long a lock lasts, in milliseconds. */
    readonly lockDuration?: number;
    /** How often it looks for locks that are over, in milliseconds. */
    readonly stalledInterval?: number;
  };
  /** Claims a job. */
  getNextJob(token: string, options: { block?: boolean }): Promise<BullJob | undefined>;
  /** What it stands on. */
  getBackend(): BullBackend;
  /** Whether it works by itself. */
  isRunning(): boolean;
  /** Resolves when it is connected. */
  waitUntilReady(): Promise<unknown>;
}

/** @internal */
export const queueRule: Rule<BullQueue> = having("a Queue of BullMQ's", 'addBulk', 'waitUntilReady');
/** @internal */
export const workerRule: Rule<BullWorker> = having(
  "a Worker of BullMQ's, version 6 or later",
  'getNextJob',
  'getBackend',
  'isRunning',
  'waitUntilReady',
);

/** @internal One queue, and nobody else who takes what is claimed. */
export function checkPair(queue: BullQueue, worker: BullWorker): void {
  if (worker.name !== queue.name) throw invalid('worker', `of the queue ${JSON.stringify(queue.name)}`, worker.name);
  if (worker.isRunning()) throw invalid('worker', 'made without a processor: new Worker(name, null, …)', worker);
}

/** What a server of BullMQ answers to a lease that is not, or no longer, one: no job, no lock, not active, another's lock. */
const lost: readonly unknown[] = [-1, -2, -3, -6];

/** @internal Whether a call was done; false when the server has refused it because of whose the job is. */
export async function granted(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await done(call);
    return true;
  } catch (error) {
    if (lost.includes((error as { readonly code?: unknown } | null)?.code)) return false;
    throw error;
  }
}

const deadlock = '40P01';
const mostTries = 10;

/**
 * @internal What a call comes to. PostgreSQL ends one of two transactions that wait for each other, and nothing of it was
 * done: it is made again.
 */
export async function done<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if ((error as { readonly code?: unknown } | null)?.code !== deadlock || tries === mostTries) throw error;
    }
  }
}
