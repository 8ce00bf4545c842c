import { callerContext } from '../core/caller-context.ts';
import { Deadline, deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { check, number, readOptions } from '../core/options.ts';
import { onAbort } from '../core/signals.ts';
import type { Flow } from '../flow/index.ts';
import { AddAll, type AddAllOptions } from './add-all.ts';
import { Admission } from './admission.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import type { Job, JobDetails } from './backlog/job.ts';
import { Consumers } from './consume.ts';
import type { Depot } from './depot.ts';
import { Engine } from './engine.ts';
import { isWorkerLost } from './errors.ts';
import type { WorkQueueEvents } from './events.ts';
import { JobHandle, type Settled } from './job-handle.ts';
import { type JobOptions, readJobOptions } from './job-options.ts';
import { MemoryDepot } from './memory-depot.ts';
import { TaskPool } from './pools/tasks.ts';
import type { DeadJobs, DeadReason, Room } from './queue-store.ts';
import { Rate } from './rate.ts';
import type { Run } from './run.ts';
import { readSettings, type Settings, type WorkQueueOptions } from './settings.ts';
import type { CloseReport, QueueStats } from './stats.ts';
import { MemoryQueueStore } from './stores/memory.ts';
import { StoreDepot } from './store-depot.ts';
import { syncFrom, type SyncReport, type WorkSource } from './sync.ts';
import type { JobContext, WorkerPool } from './worker-pool.ts';
import { Workforce } from './workforce.ts';

/** Works on a job: returns its result, or throws. Throws `Retry`, `Snooze` or `Discard` to say more than that it has failed. */
export type Handler<D, R> = (data: D, context: JobContext) => R | PromiseLike<R>;

/** Options of {@link WorkQueue.close}. */
export interface CloseOptions {
  /**
   * How long to wait for what is under way, in milliseconds, before its signals abort.
   *
   * @defaultValue 10,000
   */
  readonly graceMs?: number | undefined;
  /**
   * How long to wait after that, in milliseconds; then what is still under way is given back and left alone.
   *
   * @defaultValue 1,000
   */
  readonly abortMs?: number | undefined;
  /**
   * Whether to work off first what waits, as far as `graceMs` goes.
   *
   * @defaultValue false
   */
  readonly drain?: boolean | undefined;
}

/**
 * A queue of jobs and the workers that work them off.
 *
 * Promises:
 * - a job that was accepted (`add` has resolved) is run at least once, unless it is cancelled, dropped, or expires; with a
 *   store that lasts also when the process ends at any instant
 * - each job ends exactly once: done, dead or cancelled; `accepted = waiting + delayed + leased + done + dead + cancelled` at
 *   each moment
 * - at most as many handlers run as there are workers, however they behave; with `onStuck: 'release'` those that are stuck
 *   do not count
 * - jobs start by priority, first in first out among equals; jobs of a key run one after the other, and a key that waits
 *   holds no worker
 * - `close` ends within `graceMs + abortMs`, and the time that its pool needs to end its workers
 * - nothing keeps an idle process alive
 *
 * Does not promise exactly once: a worker that is lost, or whose lease runs out, may have done its work before; whoever
 * must not be told twice compares `context.fence`. Does not promise an order between jobs that run beside each other.
 *
 * Complexity: `add` and start O(1) with one priority, O(log p) with p; delays and timeouts O(log n); `cancel` O(1) amortised.
 *
 * @example
 * ```ts
 * import { WorkQueue } from 'holdfast/queue';
 *
 * await using queue = new WorkQueue(async (name: string) => `hello ${name}`, { workers: 2 });
 * await queue.run('ann') // => 'hello ann'
 * const job = await queue.add('bob', { priority: 1 });
 * await job.result // => 'hello bob'
 * queue.stats().done // => 2
 * ```
 */
export class WorkQueue<D, R = unknown> extends Emitter<WorkQueueEvents<R>> implements AsyncDisposable {
  readonly #settings: Settings<D>;
  readonly #depot: Depot<D>;
  readonly #pool: WorkerPool<D, R>;
  readonly #engine: Engine<D, R>;
  readonly #admission: Admission<D>;
  readonly #consumers: Consumers<D>;
  readonly #workforce: Workforce;
  readonly #opened: Promise<void> | undefined;
  readonly #idle = new Set<() => void>();
  readonly #results = new WeakMap<Job<D>, Promise<R>>();
  #ready = false;
  #paused: boolean;
  #closing: Promise<CloseReport> | undefined;
  #accepted = 0;
  #leased = 0;
  #done = 0;
  #dead = 0;
  #cancelled = 0;
  #started = 0;
  #retried = 0;
  #crashes = 0;

  /**
   * @param worker - a function, a pool, or nothing for a queue that others work off (`consume`, another process)
   * @param options - store, workers, retry, room
   * @throws {@link HoldfastError} `INVALID_OPTION`; `UNSUPPORTED` for what the store cannot do
   */
  constructor(worker?: Handler<D, R> | WorkerPool<D, R>, options?: WorkQueueOptions<D>) {
    super();
    const settings = readSettings<D>(options);
    this.#settings = settings;
    refuseLacking(settings);
    this.#paused = settings.paused;
    this.#pool = poolOf(worker);
    this.#depot = depotOf(settings, (error) => this.emit('storeError', { error }));
    this.#admission = new Admission(this.#depot);
    const rate = settings.rate && new Rate(settings.rate, () => this.#pump());
    this.#engine = new Engine(this.#depot, this.#pool, settings, this.#onEngine(), rate);
    this.#consumers = new Consumers(this.#depot, this.#engine, (job) => this.#onLease(job, 1));
    this.#workforce = new Workforce(worker === undefined ? 0 : settings.workers, this.#pool, this.#depot, {
      runtime: settings.runtime,
      onScale: (from, to, reason) => this.emit('scale', { from, to, reason }),
    });
    this.#pool.open(() => this.#pump());
    this.#workforce.open();
    const opened = this.#depot.open({
      onReady: () => this.#onReady(),
      onLost: (job, error) => this.#onLost(job, error),
    });
    if (opened === undefined) this.#ready = true;
    else {
      this.#opened = opened.then(() => {
        this.#ready = true;
        this.#onReady();
      });
      this.#opened.catch(() => undefined); // told to whoever adds
    }
    onAbort(settings.signal, () => void this.close({ graceMs: 0 }));
  }

  /**
   * Adds a job; resolves when it is accepted: as safe as the store makes it. Waits while there is no room, unless the queue's
   * `overflow` says otherwise.
   *
   * @param data - what the handler gets
   * @param options - when, how often, how urgent
   * @throws {@link HoldfastError} as a rejection: `INVALID_OPTION`, `UNSUPPORTED`, `CLOSED`, `QUEUE_FULL`, `STORE_FAILED`, or
   * the reason of the job's signal
   */
  add(data: D, options?: JobOptions): Promise<JobHandle<D, R>> {
    try {
      const job = this.#make(data, options);
      const accepted = this.#accept(job, options);
      if (accepted instanceof Promise) return accepted.then((offer) => this.#handle(job, offer));
      return Promise.resolve(this.#handle(job, accepted));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Adds a job and waits for its result.
   *
   * @param data - what the handler gets
   * @param options - when, how often, how urgent
   * @throws what {@link WorkQueue.add} and {@link JobHandle.result} reject with
   */
  run(data: D, options?: JobOptions): Promise<R> {
    return new Promise((resolve, reject) => {
      const job = this.#make(data, options);
      job.ticket = ({ state, result }) => {
        if (state === 'done') resolve(result as R);
        else reject(result as Error);
      };
      const accepted = this.#accept(job, options);
      const follow = ({ job: live = job, status }: Offer<D>): void => {
        if (status === 'duplicate' && live !== job) this.#promise(live).then(resolve, reject);
      };
      if (accepted instanceof Promise) accepted.then(follow, reject);
      else follow(accepted);
    });
  }

  /**
   * Adds what a source brings, as fast as there is room, and tells of each job as it ends. No more than `ahead` jobs are
   * under way or not read yet; whoever stops reading stops the source. Leaving the loop closes the source and forgets the
   * results; what was accepted is run.
   *
   * @param source - the data
   * @param options - of each job, and how far ahead
   */
  addAll(source: Iterable<D> | AsyncIterable<D>, options?: AddAllOptions<D>): AsyncIterableIterator<Settled<D, R>> {
    return new AddAll<D, R>(source, options, {
      offer: (data, jobOptions, ticket) => {
        const job = this.#make(data, jobOptions);
        job.ticket = ticket;
        const accepted = this.#accept(job, jobOptions);
        return accepted instanceof Promise ? accepted.then(() => job) : job;
      },
      idOf: (job) => this.#depot.idOf(job),
    });
  }

  /**
   * Adds what a work source lists and the queue does not have yet: idempotent by id, to be called as often as one likes.
   * The source is told of each job of it that is done.
   *
   * @param source - lists the ids of what is to be done, and gets the data of one
   * @param options - `signal`: ends it
   */
  sync(source: WorkSource<D>, options?: { readonly signal?: AbortSignal }): Promise<SyncReport> {
    return syncFrom(source, options, (id) => this.#depot.find(id) !== undefined, (data, id) => this.add(data, { id }));
  }

  /**
   * The jobs as deliveries, for whoever works them off by himself: `ack` ends a job, `nack` has it tried again. Leases are
   * kept while the iterator is in use; leaving it gives back what was not acknowledged.
   */
  consume(): Flow<D> {
    return this.#consumers.flow();
  }

  /**
   * Takes a job back. One that waits ends at once. One that runs is asked to stop: its result rejects at once, and it counts
   * as cancelled when its handler has settled, whatever with.
   *
   * @param id - the job's
   * @param reason - what its result rejects with; absent: an error with code `CANCELLED`
   * @returns whether there was such a job
   */
  async cancel(id: string, reason: unknown = new HoldfastError('CANCELLED', 'the job was taken back')): Promise<boolean> {
    const job = this.#depot.find(id);
    if (job?.state === 'leased') return this.#stop(job, reason, 'cancelled');
    if (!(await this.#depot.cancel(id))) return false;
    if (job !== undefined) this.#onCancelled(job, reason);
    return true;
  }

  /** Starts no more jobs until `resume`. What runs goes on, and jobs are accepted. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /**
   * Changes how many workers there may be. Who is busy is not disturbed.
   *
   * @param bounds - a number, or the least and the most
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  resize(bounds: number | { readonly min?: number; readonly max?: number }): void {
    this.#workforce.resize(bounds);
    this.#pump();
  }

  /**
   * Resolves when nothing waits, is delayed or runs; at once when that is so.
   *
   * @param options - `signal`: ends the wait
   */
  onIdle(options?: { readonly signal?: AbortSignal }): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const told = (): void => {
        unlink();
        this.#idle.delete(told);
        resolve();
      };
      this.#idle.add(told);
      const unlink = onAbort(options?.signal, (reason) => {
        this.#idle.delete(told);
        reject(reason as Error);
      });
    });
  }

  /** How many jobs are where, and how many workers there are. */
  stats(): QueueStats {
    const { waiting, delayed } = this.#depot;
    return {
      accepted: this.#accepted,
      waiting,
      delayed,
      leased: this.#leased,
      done: this.#done,
      dead: this.#dead,
      cancelled: this.#cancelled,
      workers: this.#pool.size,
      active: this.#engine.runs.size,
      blocked: this.#admission.size,
      started: this.#started,
      retried: this.#retried,
      crashes: this.#crashes,
      paused: this.#paused,
    };
  }

  /** The jobs that were given up: to look at, to put back, to forget. */
  get dead(): DeadJobs<D> {
    const { dead } = this.#depot;
    return {
      list: () => dead.list(),
      redrive: async (ids) => {
        const count = await dead.redrive(ids);
        this.#dead -= count;
        this.#pump();
        return count;
      },
      purge: (ids) => dead.purge(ids),
    };
  }

  /**
   * Closes the queue: accepts nothing more, waits, aborts, gives back, and says what became of all that was accepted. The
   * second call gets the promise of the first.
   *
   * @param options - how long to wait, and whether to work off first what waits
   */
  close(options?: CloseOptions): Promise<CloseReport> {
    return (this.#closing ??= this.#close(options));
  }

  /** Closes the queue with the defaults of `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(options: CloseOptions | undefined): Promise<CloseReport> {
    const { graceMs = 10_000, abortMs = 1_000, drain = false } = readOptions('close', options, {
      graceMs: number({ min: 0 }),
      abortMs: number({ min: 0 }),
      drain: anyBoolean,
    });
    const closed = new HoldfastError('CLOSED', 'the queue is closed');
    this.#admission.close(closed);
    if (!drain) this.#engine.stop();
    await this.#within(graceMs, () => this.#engine.runs.size === 0 && (!drain || this.#isIdle));
    this.#engine.stop();
    for (const run of this.#engine.runs) this.#engine.abort(run, { reason: closed, fate: 'release' });
    await this.#within(abortMs, () => this.#engine.runs.size === 0);
    const abandoned = this.#engine.abandon();
    this.#consumers.close();
    this.#workforce.close();
    await Promise.all([this.#pool.close({ graceMs: 0 }), this.#depot.close()]);
    return this.#report(abandoned);
  }
}
