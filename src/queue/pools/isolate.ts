import type { Timer } from '../../core/clock.ts';
import type { Unlink } from '../../core/signals.ts';
import type { WorkerLoss } from '../errors.ts';
import type { JobContext } from '../worker-pool.ts';
import type { FromWorker, ToWorker } from './crossing.ts';

/** @internal Why a worker has ended. */
export interface Loss extends WorkerLoss {
  /** The error behind it. */
  readonly cause?: unknown;
}

/** @internal A thread or a process. */
export interface Isolate {
  /** Sends; throws what cannot be sent. */
  post(message: ToWorker, transfer?: readonly object[]): void;
  /** Ends it, by force. */
  kill(): void;
  /** Ends it, when it has nothing to do. */
  dismiss(): void;
  /** Whether it keeps the process alive. */
  hold(held: boolean): void;
}

/** @internal Starts a thread or a process. It calls back later, never at once, and `gone` once, at last; what throws has not begun. */
export type Launch = (hear: (message: FromWorker) => void, gone: (loss: Loss) => void) => Isolate;

/** @internal A job that runs in a worker. */
export interface Running<R> {
  readonly seq: number;
  readonly context: JobContext;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
  unlink: Unlink;
  patience: Timer | undefined;
}

/** @internal A worker of a pool, and what is known of it. */
export interface Worker<R> {
  readonly isolate: Isolate;
  readonly startedAt: number;
  state: 'starting' | 'idle' | 'busy' | 'leaving';
  job: Running<R> | undefined;
  jobs: number;
  /** Why it is to go after its job. */
  spent: 'jobs' | 'heap' | 'fault' | undefined;
  /** Why it is being killed. */
  why: { readonly message: string; readonly cause?: unknown } | undefined;
  timer: Timer | undefined;
}

/** @internal How a worker has ended, for people. */
export function wayOf({ exitCode, signal, outOfMemory }: WorkerLoss): string {
  if (outOfMemory === true) return 'it was out of memory';
  if (signal !== undefined) return `by ${signal}`;
  return exitCode === undefined ? 'by itself' : `with code ${String(exitCode)}`;
}
