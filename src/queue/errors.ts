import { type CodedError, HoldfastError, isHoldfastError } from '../core/errors.ts';

/** How a worker was lost. */
export interface WorkerLoss {
  /** With which code the thread or process has ended; absent when it did not say. */
  readonly exitCode?: number | undefined;
  /** By which signal the process was ended. */
  readonly signal?: string | undefined;
  /** Whether it was because of memory. */
  readonly outOfMemory?: boolean | undefined;
}

/** The worker of a job has ended before the job did (`WORKER_LOST`). */
export class WorkerLostError extends HoldfastError implements WorkerLoss {
  declare readonly code: 'WORKER_LOST';
  /** With which code the thread or process has ended. */
  readonly exitCode: number | undefined;
  /** By which signal the process was ended. */
  readonly signal: string | undefined;
  /** Whether it was because of memory. */
  readonly outOfMemory: boolean;

  /**
   * @param message - what has happened, for people
   * @param loss - how the worker was lost
   * @param options - `cause`: the error behind it
   */
  constructor(message: string, loss: WorkerLoss = {}, options?: { readonly cause?: unknown }) {
    super('WORKER_LOST', message, options);
    this.exitCode = loss.exitCode;
    this.signal = loss.signal;
    this.outOfMemory = loss.outOfMemory === true;
  }
}

/** Whether a value says that the worker of a job has ended before the job did (`WORKER_LOST`). */
export function isWorkerLost(value: unknown): value is CodedError<'WORKER_LOST'> & WorkerLoss {
  return isHoldfastError(value, 'WORKER_LOST');
}

/** Whether a value says that no worker of a pool could be started; its cause says why (`NO_WORKER`). */
export function isNoWorker(value: unknown): value is CodedError<'NO_WORKER'> {
  return isHoldfastError(value, 'NO_WORKER');
}

/** Whether a value says that a queue had no room for a job (`QUEUE_FULL`). */
export function isQueueFull(value: unknown): value is CodedError<'QUEUE_FULL'> {
  return isHoldfastError(value, 'QUEUE_FULL');
}

/** Whether a value says that the job of that id was given up earlier, and is kept among the dead (`JOB_DEAD`). */
export function isJobDead(value: unknown): value is CodedError<'JOB_DEAD'> {
  return isHoldfastError(value, 'JOB_DEAD');
}

/** Whether a value says that a job is no longer the worker's (`LEASE_LOST`). */
export function isLeaseLost(value: unknown): value is CodedError<'LEASE_LOST'> {
  return isHoldfastError(value, 'LEASE_LOST');
}

/** Whether a value says that a job was taken back before it was done (`CANCELLED`). */
export function isCancelled(value: unknown): value is CodedError<'CANCELLED'> {
  return isHoldfastError(value, 'CANCELLED');
}
