import { having, invalid, type Rule } from '../../../core/options.ts';

/** What is used of a job of BullMQ. */
export interface BullJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  readonly opts: { readonly attempts?: number | undefined; readonly priority?: number | undefined };
  /** How often it was claimed. */
  readonly attemptsStarted: number;
  /** How often an attempt was ended. */
  readonly attemptsMade: number;
  /** How often it was found without a lock. */
  readonly stalledCounter: number;
  readonly stacktrace: readonly string[] | null;
}

/** What is used of a job of BullMQ as its server keeps it. */
export interface BullJobJson {
  readonly name: string;
  readonly data: string;
  readonly opts: BullJob['opts'];
  readonly attemptsStarted: number;
  readonly attemptsMade: number;
  readonly stalledCounter: number;
  readonly stacktrace?: string | undefined;
  readonly failedReason: string;
  readonly timestamp: number;
}

/** What is used of a backend of BullMQ, which is public as `IQueueBackend`. */
export interface BullBackend {
  extendLocks(jobIds: string[], tokens: string[], durationMs: number): Promise<string[]>;
  moveToCompleted(job: object, value: unknown, remove: boolean, token: string, next: boolean): Promise<unknown>;
  moveToFailed(
    job: object,
    reason: string,
    remove: boolean,
    token: string,
    next: boolean,
    fields?: Record<string, unknown>,
  ): Promise<unknown>;
  moveToDelayed(
    jobId: string,
    timestamp: number,
    delayMs: number,
    token?: string,
    options?: { readonly skipAttempt?: boolean; readonly fieldsToUpdate?: Record<string, unknown> },
  ): Promise<unknown>;
  moveStalledJobsToWait(): Promise<string[]>;
  retryFinishedJob(job: object, state: 'failed', options?: { resetAttemptsMade?: boolean }): Promise<void>;
  updateData(job: object, data: object): Promise<void>;
  getJobData(jobId: string): Promise<BullJobJson | undefined>;
  getDeduplicationJobId(deduplicationId: string): Promise<string | null>;
  getState(jobId: string): Promise<string>;
  getCounts(types: ('wait' | 'prioritized' | 'delayed' | 'active' | 'failed')[], before?: number): Promise<number[]>;
  getRanges(
    types: ('wait' | 'prioritized' | 'failed')[],
    start?: number,
    end?: number,
    ascending?: boolean,
  ): Promise<readonly (readonly string[])[]>;
  remove(jobId: string, removeChildren: boolean): Promise<number>;
  waitForJob(timeoutSeconds: number): Promise<{ readonly score: number } | null>;
}

/** What is used of a `Queue` of BullMQ, of either backend: jobs are added through it. */
export interface BullQueue {
  readonly name: string;
  addBulk(jobs: { name: string; data: object; opts: BullJobOptions }[]): Promise<readonly { readonly id?: string }[]>;
  waitUntilReady(): Promise<unknown>;
}

/** The options of a job of BullMQ that are set. */
export interface BullJobOptions {
  jobId: string;
  priority: number;
  attempts: number;
  delay: number;
  removeOnComplete: boolean;
  removeOnFail: boolean;
  deduplication?: { id: string };
}

/** What is used of a `Worker` of BullMQ, of either backend, that was made without a processor: jobs are claimed through it. */
export interface BullWorker {
  readonly name: string;
  readonly opts: { readonly lockDuration?: number; readonly stalledInterval?: number };
  getNextJob(token: string, options: { block?: boolean }): Promise<BullJob | undefined>;
  getBackend(): BullBackend;
  isRunning(): boolean;
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
export async function granted(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (lost.includes((error as { readonly code?: unknown } | null)?.code)) return false;
    throw error;
  }
}
