import type { WorkerLostError } from '../errors.ts';

/** What a pool of threads or processes tells. */
export interface IsolatedPoolEvents {
  /** A worker can run jobs. */
  ready: {
    /** How long its start took, in milliseconds. */
    readonly coldStartMs: number;
  };
  /** A worker has ended that should not have; `job`: whose id it had. */
  lost: {
    /** Why. */
    readonly error: WorkerLostError;
    /** The job that it ran. */
    readonly job: string | undefined;
  };
  /** A worker is replaced: it has had `maxJobs`, its heap has grown beyond `maxHeapMb`, or it has thrown after a job. */
  recycled: {
    /** Why. */
    readonly reason: 'jobs' | 'heap' | 'fault';
  };
  /** A worker has thrown outside the job that it runs: what an earlier job, or the module, has left behind. */
  fault: {
    /** Why. */
    readonly error: unknown;
  };
  /** So many workers in a row were lost before they had finished a job; the next one is started in `retryInMs`. */
  degraded: {
    /** How many in a row. */
    readonly failures: number;
    /** Why. */
    readonly error: unknown;
    /** In how many milliseconds the next one is started. */
    readonly retryInMs: number;
  };
  /** A worker has finished a job again. */
  restored: {
    /** How many in a row. */
    readonly failures: number;
  };
}

/** How a pool of threads or processes is. */
export interface IsolatedPoolHealth {
  /** `degraded`: three workers in a row, or more, were lost before they had finished a job. */
  readonly status: 'ok' | 'degraded';
  /** How many in a row. */
  readonly failures: number;
  /** Why the last one was. */
  readonly error?: unknown;
  /** How many workers are starting. */
  readonly starting: number;
}
