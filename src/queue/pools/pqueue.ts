/**
 * Handlers of jobs in a lane of the user's own PQueue.
 *
 * @module holdfast/queue/pqueue
 */
import { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { check, func, having, number, readOptions } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import { onAbort } from '../../core/signals.ts';
import type { JobContext, PoolJob, WorkerPool } from '../worker-pool.ts';
import type { Handler } from './tasks.ts';

export type { Handler } from './tasks.ts';

/** What is needed of a PQueue; that of p-queue 9 has it. */
export interface PQueueLane {
  /** How many tasks it runs at a time. */
  readonly concurrency: number;
  /** How many tasks wait in it. */
  readonly size: number;
  /** Takes a task. */
  add(task: () => Promise<unknown>, options: { readonly signal: AbortSignal }): Promise<unknown>;
  /** Listens to it. */
  on(event: 'empty', listener: () => void): unknown;
  /** No longer listens to it. */
  off(event: 'empty', listener: () => void): unknown;
}

/** Options of {@link PQueuePool}. */
export interface PQueuePoolOptions {
  /**
   * Time, for tests.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** The most jobs at a time where the PQueue has no limit. */
const withoutLimit = 64;

/**
 * Runs jobs as functions in this process, through a PQueue of the user's: within its limits of rate, and within its
 * concurrency, which they share with the user's other work.
 *
 * Promises: never more jobs in it than its concurrency, so that its queue stays short. A job's place is held until its
 * function has settled; the PQueue's own `timeout` does not count for jobs, the queue's does. A job whose signal aborts while
 * it waits in the PQueue is taken out; one that waits when the PQueue is cleared is rejected with `CANCELLED`.
 *
 * Does not promise that a job starts at once: the PQueue may be paused, limited, or busy with other work, and the queue's
 * timeout runs. Does not end a function that ignores its signal.
 *
 * @example
 * ```ts
 * import PQueue from 'p-queue';
 * import { PQueuePool } from 'holdfast/queue/pqueue';
 *
 * const polite = new PQueue({ concurrency: 4, interval: 1_000, intervalCap: 10 });
 * const pool = new PQueuePool(polite, async (url: string) => url.length);
 * pool.suggestedMax // => 4
 * ```
 */
export class PQueuePool<D, R> implements WorkerPool<D, R>, AsyncDisposable {
  readonly #pqueue: PQueueLane;
  readonly #handler: Handler<D, R>;
  readonly #clock: Clock;
  /** What takes the jobs out that wait in the PQueue. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  #wanted = 0;
  #busy = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  /**
   * @param pqueue - where the jobs run
   * @param handler - what works on jobs
   * @param options - for tests
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(pqueue: PQueueLane, handler: Handler<D, R>, options?: PQueuePoolOptions) {
    this.#pqueue = check('pqueue', pqueue, having<PQueueLane>('a PQueue', 'add', 'on', 'off'));
    this.#handler = check('handler', handler, func<Handler<D, R>>());
    const { runtime = systemRuntime } = readOptions('PQueuePool', options, { runtime: runtimeRule });
    this.#clock = runtime.clock;
    pqueue.on('empty', this.#cleared);
  }

  /** How many jobs may run: what `resize` has said, and never more than the PQueue's concurrency. */
  get size(): number {
    return Math.min(this.#wanted, Math.floor(this.#pqueue.concurrency));
  }

  /** How many run, or wait in the PQueue. */
  get busy(): number {
    return this.#busy;
  }

  /** Always 0: nothing has to start. */
  readonly coldStartMs = 0;

  /** The PQueue's concurrency, 64 where it has no limit. */
  get suggestedMax(): number {
    const { concurrency } = this.#pqueue;
    return Number.isFinite(concurrency) ? Math.floor(concurrency) : withoutLimit;
  }

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
    if (this.#closing === undefined) this.#wanted = workers;
  }

  /**
   * Runs a job as a task of the PQueue.
   *
   * @param job - whose data the handler gets
   * @param context - what it is told of the job
   * @returns what the handler has returned
   * @throws {@link HoldfastError} as a rejection: `CANCELLED`, `CLOSED`; and what the handler has thrown
   */
  run(job: PoolJob<D>, context: JobContext): Promise<R> {
    if (this.#closing !== undefined) return Promise.reject(new HoldfastError('CLOSED', 'the pool is closed'));
    this.#busy++;
    return new Promise<R>((resolve, reject) => {
      const place = new AbortController();
      const withdraw = (reason: unknown): void => {
        leave();
        place.abort(reason);
        this.#freed();
        reject(reason);
      };
      const leave = (): void => {
        this.#waiting.delete(withdraw);
        unlink();
      };
      const task = async (): Promise<R> => {
        leave();
        const handler = this.#handler;
        try {
          const value = await handler(job.data, context);
          resolve(value);
          return value;
        } catch (error) {
          reject(error);
          throw error;
        } finally {
          this.#freed();
        }
      };
      this.#waiting.add(withdraw);
      let unlink = (): void => {};
      // Else it would run in the async context of whoever made place for it.
      const scope = new AsyncResource('HoldfastJob');
      const bound = (): Promise<R> => scope.runInAsyncScope(task);
      // Without its timeout, which would free the place while the function still runs.
      const options = { signal: place.signal, timeout: undefined };
      // What it rejects with is known: the handler's error, or the reason of a withdrawal.
      this.#pqueue.add(bound, options).catch(() => {});
      if (this.#waiting.has(withdraw)) unlink = onAbort(context.signal, withdraw);
    });
  }

  /**
   * Takes no job any more, rejects those that wait in the PQueue with `CLOSED`, and waits for those that run, which it
   * cannot end. Leaves the PQueue to its owner.
   *
   * @param options - `graceMs`: how long to wait at most
   */
  close(options: { readonly graceMs: number }): Promise<void> {
    check('graceMs', options.graceMs, number({ min: 0 }));
    this.#closing ??= this.#end(options.graceMs);
    return this.#closing;
  }

  /** Closes without waiting for what runs. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ graceMs: 0 });
  }

  async #end(graceMs: number): Promise<void> {
    this.#wanted = 0;
    this.#pqueue.off('empty', this.#cleared);
    this.#withdraw(new HoldfastError('CLOSED', 'the pool is closed'));
    if (this.#busy === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(graceMs, resolve, { ref: true });
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #freed(): void {
    this.#busy--;
    if (this.#busy === 0) this.#onIdle?.();
  }

  #withdraw(reason: HoldfastError): void {
    for (const withdraw of [...this.#waiting]) withdraw(reason);
  }

  /** `clear` of a PQueue forgets its tasks without a word to anybody (p-queue#239): who is empty and has us waiting was cleared. */
  readonly #cleared = (): void => {
    if (this.#waiting.size > 0 && this.#pqueue.size === 0) {
      this.#withdraw(new HoldfastError('CANCELLED', 'the PQueue was cleared'));
    }
  };
}
