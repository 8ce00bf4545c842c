import { check, func, number, readOptions } from '../../core/options.ts';
import type { JobContext, PoolJob, WorkerPool } from '../worker-pool.ts';

/** What works on jobs: a function of their data, which is told of the job. What it returns is awaited. */
export type Handler<D, R> = (data: D, context: JobContext) => R | PromiseLike<R>;

/** Options of {@link TaskPool}. */
export interface TaskPoolOptions {
  /**
   * The most jobs at a time that make sense: what `suggestedMax` is.
   *
   * @defaultValue 64
   */
  readonly max?: number | undefined;
}

/**
 * Runs jobs as functions in this process: what a queue uses that is given a function. For work that waits; work that keeps a
 * processor busy belongs into the `ThreadPool` of `holdfast/queue/threads`.
 *
 * Promises: `run` calls the handler and returns what it returns, nothing else. A worker is a number here: there are as many
 * as `resize` has said, at once, and none is lost.
 *
 * Does not promise that a job ends: a function cannot be ended from without, so one that ignores its signal keeps its place
 * until it is done. Does not count: `busy` is 0, and `close` waits for nothing, for the queue that calls knows what runs.
 *
 * @example
 * ```ts
 * import { TaskPool } from 'holdfast/queue';
 *
 * const pool = new TaskPool(async (n: number) => n * 2);
 * pool.resize(8);
 * pool.size // => 8
 * ```
 */
export class TaskPool<D, R> implements WorkerPool<D, R> {
  /** The most jobs at a time that make sense here. */
  readonly suggestedMax: number;
  readonly #handler: Handler<D, R>;
  #size = 0;
  #closed = false;

  /**
   * @param handler - what works on jobs
   * @param options - how many at a time
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(handler: Handler<D, R>, options?: TaskPoolOptions) {
    this.#handler = check('handler', handler, func<Handler<D, R>>());
    this.suggestedMax = readOptions('TaskPool', options, { max: number({ min: 1, integer: true }) }).max ?? 64;
  }

  /** How many jobs may run. */
  get size(): number {
    return this.#size;
  }

  /** Always 0: not counted here. */
  readonly busy = 0;

  /** Always 0: nothing has to start. */
  readonly coldStartMs = 0;

  /** Nothing to do: no worker comes or goes by itself. */
  open(): void {}

  /**
   * How many jobs may run.
   *
   * @param workers - a whole number, 0 too
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  resize(workers: number): void {
    check('workers', workers, number({ min: 0, integer: true }));
    if (!this.#closed) this.#size = workers;
  }

  /**
   * Calls the handler.
   *
   * @param job - whose data it gets
   * @param context - what it is told of the job
   */
  run(job: PoolJob<D>, context: JobContext): R | PromiseLike<R> {
    const handler = this.#handler; // not as a method: the pool is not its `this`
    return handler(job.data, context);
  }

  /** There are no workers any more. What runs goes on: nothing here could end it. */
  close(): Promise<void> {
    this.#closed = true;
    this.#size = 0;
    return Promise.resolve();
  }
}
