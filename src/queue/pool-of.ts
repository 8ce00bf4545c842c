import { having, invalid, type Rule } from '../core/options.ts';
import { type Handler, TaskPool } from './pools/tasks.ts';
import type { WorkerPool } from './worker-pool.ts';

const poolRule: Rule<WorkerPool<never, unknown>> = having<WorkerPool<never, unknown>>(
  'a function or a WorkerPool',
  'open',
  'resize',
  'run',
  'close',
);

/** Where there is nobody to run anything. */
class NoPool implements WorkerPool<never, never> {
  readonly size = 0;
  readonly busy = 0;
  readonly coldStartMs = 0;
  readonly suggestedMax = 1;

  open(): void {
    // nothing will change
  }

  resize(): void {
    // there is nobody to come
  }

  run(): never {
    throw invalid('worker', poolRule.expected, undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * @internal The pool that a queue was given, or makes of the function that it was given.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function poolOf<D, R>(worker: Handler<D, R> | WorkerPool<D, R> | undefined): WorkerPool<D, R> {
  if (worker === undefined) return new NoPool();
  if (typeof worker === 'function') return new TaskPool(worker);
  if (!poolRule.accepts(worker)) throw invalid('worker', poolRule.expected, worker);
  return worker;
}
