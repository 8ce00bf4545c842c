import { callerContext } from '../core/caller-context.ts';
import { Deadline, deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { boolean, number, readOptions } from '../core/options.ts';
import type { Dyn } from '../core/live.ts';
import { onAbort } from '../core/signals.ts';
import type { Flow } from '../flow/index.ts';
import { SteadyTime } from '../core/steady-time.ts';
import { AddAll, type AddAllOptions } from './add-all.ts';
import { Admission } from './admission.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import type { Job, JobDetails, Ticket } from './backlog/job.ts';
import { Consumers } from './consume.ts';
import type { Depot } from './depot.ts';
import { depotOf } from './depot-of.ts';
import { Engine, type EngineListener } from './engine.ts';
import { isWorkerLost } from './errors.ts';
import type { WorkQueueEvents } from './events.ts';
import { type HandleHost, JobHandle, type Settled } from './job-handle.ts';
import { type JobOptions, type JobValues, readJobOptions } from './job-options.ts';
import { Scaler } from './elastic/scaler.ts';
import { type WorkerBounds } from './elastic/bounds.ts';
import type { Handler } from './pools/tasks.ts';
import type { DeadJobs, DeadReason } from './queue-store.ts';
import { Rate } from './rate.ts';
import { readSettings, type Settings, type WorkQueueOptions } from './settings.ts';
import type { CloseReport, QueueStats } from './stats.ts';
import { syncFrom, type SyncReport, type WorkSource } from './sync.ts';
import { poolOf } from './pool-of.ts';
import type { WorkerPool } from './worker-pool.ts';
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
  /** Undefined when others work the jobs off. */
  readonly #scaler: Scaler | undefined;
  readonly #opened: Promise<void> | undefined;
  readonly #idle = new Set<() => void>();
  readonly #closers = new Set<() => void>();
  readonly #handles: HandleHost<D, R>;
  readonly #time: SteadyTime;
  readonly #rate: Rate | undefined;
  readonly #unlink: () => void;
  #paused: boolean;
  #closing: Promise<CloseReport> | undefined;
  #closed = false;
  #accepted = 0;
  #leased = 0;
  #done = 0;
  #dead = 0;
  #cancelled = 0;
  #started = 0;
  #retried = 0;
  #crashes = 0;
  #released = 0;

  /**
   * @param worker - a function, a pool, or nothing for a queue that others work off (`consume`, another process)
   * @param options - store, workers, retry, room
   * @throws {@link HoldfastError} `INVALID_OPTION`; `UNSUPPORTED` for what the store cannot do
   */
  constructor(worker?: Handler<D, R> | WorkerPool<D, R>, options?: WorkQueueOptions<D>) {
    super();
    const settings = readSettings<D>(options);
    this.#settings = settings;
    this.#paused = settings.paused;
    this.#handles = {
      idOf: (job) => this.#depot.idOf(job),
      resultOf: (job) => this.#promise(job),
      cancel: (id, reason) => this.cancel(id, reason),
    };
    this.#pool = poolOf(worker);
    this.#depot = depotOf(settings, {
      demand: () => this.#demand,
      onError: (error) => {
        this.emit('storeError', { error });
      },
    });
    this.#time = new SteadyTime(settings.runtime.clock);
    this.#admission = new Admission(this.#depot, this.#time);
    const pump = (): void => {
      this.#pump();
    };
    this.#rate = settings.rate && new Rate(settings.rate, pump);
    this.#engine = new Engine(this.#depot, this.#pool, settings, this.#listen(), this.#rate);
    this.#consumers = new Consumers(this.#depot, this.#engine, (job) => {
      this.#onLease(job);
    });
    this.#pool.open(pump);
    if (worker !== undefined) this.#scaler = this.#elastic();
    const opened = this.#depot.open({
      onReady: pump,
      onLost: (job, error) => {
        this.#onLost(job, error);
      },
    });
    if (opened !== undefined) {
      this.#opened = opened;
      opened.then(pump, () => undefined); // told to whoever adds
    }
    this.#unlink = onAbort(settings.signal, () => void this.close({ graceMs: 0 }));
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
      job.ticket = new ResultTicket<D, R>(resolve, reject);
      const accepted = this.#accept(job, options);
      if (accepted instanceof Promise) {
        accepted.then((offer) => {
          this.#followTwin(job, offer, resolve, reject);
        }, reject);
      } else if (accepted.status === 'duplicate') this.#followTwin(job, accepted, resolve, reject);
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
    return syncFrom(
      source,
      options,
      (id) => this.#depot.find(id) !== undefined,
      (data, id) => this.add(data, { id }),
    );
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
  async cancel(
    id: string,
    reason: unknown = new HoldfastError('CANCELLED', 'the job was taken back'),
  ): Promise<boolean> {
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
  resize(bounds: Dyn<number | WorkerBounds>): void {
    if (this.#scaler === undefined)
      throw new HoldfastError('UNSUPPORTED', 'a queue without a worker has none to resize');
    this.#scaler.follow(bounds);
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
      active: this.#engine.runs.length,
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
    const { graceMs = 10_000, abortMs = 1_000, drain = false } = readOptions('close', options, closeShape);
    const closed = new HoldfastError('CLOSED', 'the queue is closed');
    this.#unlink();
    this.#admission.close(closed);
    if (!drain) this.#engine.stop();
    await this.#until(graceMs, () => (drain ? this.#isIdle : this.#engine.runs.length === 0));
    this.#engine.stop();
    for (const run of this.#engine.runs) this.#engine.abort(run, { reason: closed, fate: 'release' });
    await this.#until(abortMs, () => this.#engine.runs.length === 0);
    this.#consumers.close();
    const abandoned = this.#engine.abandon();
    this.#scaler?.close();
    this.#rate?.close();
    this.#engine.alarms.close();
    await this.#flush(abortMs);
    for (const told of [...this.#idle]) told();
    this.#forgetAll(closed);
    return this.#report(abandoned);
  }

  /** Resolves when it is so, or after so long. */
  #until(ms: number, isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#settings.runtime.clock.setTimer(
        ms,
        () => {
          this.#closers.delete(look);
          resolve();
        },
        { ref: true },
      );
      const look = (): void => {
        if (!isSo()) return;
        timer.cancel();
        this.#closers.delete(look);
        resolve();
      };
      this.#closers.add(look);
    });
  }

  /** Ends the pool and hands the store what was settled; a store that does not answer is left. */
  async #flush(ms: number): Promise<void> {
    let flushed = false;
    void Promise.allSettled([this.#pool.close({ graceMs: 0 }), this.#depot.close()]).then(() => {
      flushed = true;
      this.#look();
    });
    await Promise.resolve();
    await this.#until(ms, () => flushed);
  }

  /** Nobody will work on what is left: whoever waits for a result is told. */
  #forgetAll(closed: HoldfastError): void {
    this.#closed = true;
    for (const job of [...this.#depot.jobs()]) {
      if (job.owner !== this) continue;
      job.result = closed;
      this.#tell(job);
    }
  }

  #report(abandoned: number): CloseReport {
    const { accepted, done, dead, cancelled, leased } = this.stats();
    const released = this.#released + leased;
    const waiting = accepted - done - dead - cancelled - released;
    return { accepted, done, dead, cancelled, released, waiting, abandoned };
  }

  /** How many jobs could be worked on at once. */
  get #demand(): number {
    if (this.#paused) return 0;
    return Math.max(0, this.#pool.size - this.#engine.runs.length) + this.#consumers.waiting;
  }

  get #isIdle(): boolean {
    return (
      this.#depot.waiting + this.#depot.delayed + this.#leased + this.#admission.size + this.#engine.runs.length === 0
    );
  }

  #make(data: D, options: JobOptions | undefined): Job<D> {
    if (this.#closing !== undefined) throw new HoldfastError('CLOSED', 'the queue is closed');
    if (options === undefined) {
      const job = this.#depot.make(data, 0, undefined);
      return this.#own(job);
    }
    const values = readJobOptions(options, this.#depot.caps);
    const { priority = 0, signal } = values;
    signal?.throwIfAborted();
    const job = this.#depot.make(data, priority, this.#detailsOf(values));
    return this.#own(job);
  }

  #own(job: Job<D>): Job<D> {
    job.caller = callerContext();
    job.owner = this;
    return job;
  }

  #detailsOf({ id, key, dedupe, attempts, timeoutMs, type, transfer, deadline }: JobValues): JobDetails<D> {
    const { clock } = this.#settings.runtime;
    const leftMs =
      deadline === undefined
        ? Infinity
        : (typeof deadline === 'number' ? Deadline.after(deadline, clock) : deadline).remaining();
    const own = attempts !== undefined || timeoutMs !== undefined || type !== undefined;
    return {
      id,
      keyName: key,
      dedupe,
      transfer,
      settings: own ? { attempts, timeoutMs, type } : undefined,
      expiresAtMs: leftMs === Infinity ? undefined : clock.now() + leftMs,
    };
  }

  /** Has the store accept a job; when it answers at once, so does this. */
  #accept(job: Job<D>, options: JobOptions | undefined): Offer<D> | Promise<Offer<D>> {
    const delayMs = options === undefined ? 0 : this.#delayOf(options);
    if (this.#opened !== undefined) return this.#acceptLater(job, delayMs, options?.signal);
    const offer =
      this.#admission.size > 0 && this.#settings.overflow === 'wait'
        ? full
        : this.#depot.put(job, delayMs, this.#time.now());
    if (offer instanceof Promise) return offer.then((later) => this.#afterOffer(job, delayMs, later, options?.signal));
    return this.#afterOffer(job, delayMs, offer, options?.signal);
  }

  async #acceptLater(job: Job<D>, delayMs: number, signal: AbortSignal | undefined): Promise<Offer<D>> {
    await this.#opened;
    if (this.#closing !== undefined) throw new HoldfastError('CLOSED', 'the queue is closed');
    const offer =
      this.#admission.size > 0 && this.#settings.overflow === 'wait'
        ? full
        : await this.#depot.put(job, delayMs, this.#time.now());
    return this.#afterOffer(job, delayMs, offer, signal);
  }

  #afterOffer(
    job: Job<D>,
    delayMs: number,
    offer: Offer<D>,
    signal: AbortSignal | undefined,
  ): Offer<D> | Promise<Offer<D>> {
    if (offer.status === 'full') {
      if (this.#settings.overflow !== 'wait') throw new HoldfastError('QUEUE_FULL', 'the queue is full');
      return this.#admission.wait(job, delayMs, signal).then((later) => this.#onAccepted(job, delayMs, later, signal));
    }
    return this.#onAccepted(job, delayMs, offer, signal);
  }

  #onAccepted(job: Job<D>, delayMs: number, offer: Offer<D>, signal: AbortSignal | undefined): Offer<D> {
    if (offer.status === 'added') {
      this.#accepted++;
      if (offer.dropped !== undefined) this.#onDropped(offer.dropped);
      if (signal !== undefined || job.details?.expiresAtMs !== undefined) this.#link(job, signal);
    }
    if (delayMs <= 0) this.#scaler?.onEnqueue(this.#stuck, job.details?.settings?.type);
    this.#pump();
    return offer;
  }

  /** How many wait because nobody is idle. */
  get #stuck(): number {
    return this.#engine.runs.length < this.#pool.size ? 0 : this.#depot.runnable;
  }

  #delayOf({ delayMs, runAt }: JobOptions): number {
    if (runAt === undefined) return delayMs ?? 0;
    return Math.max(0, Number(runAt) - this.#settings.runtime.clock.wallNow());
  }

  /** Ends the job when its signal aborts or its deadline comes. */
  #link(job: Job<D>, signal: AbortSignal | undefined): void {
    const details = (job.details ??= {});
    const unlink = onAbort(signal, (reason) => void this.cancel(this.#depot.idOf(job), reason));
    const leftMs = (details.expiresAtMs ?? Infinity) - this.#settings.runtime.clock.now();
    const alarm =
      leftMs === Infinity
        ? undefined
        : this.#engine.alarms.set(leftMs, () => {
            this.#expire(job);
          });
    details.unlink = () => {
      unlink();
      this.#engine.alarms.cancel(alarm);
    };
  }

  #expire(job: Job<D>): void {
    const error = deadlineExceeded('a job');
    if (job.state === 'leased') this.#stop(job, error, 'expired');
    else if (this.#depot.expire(job) === true) {
      job.result = error;
      this.#onDead(job, 'expired', error);
    }
  }

  /** Asks a job that runs to stop, and tells whoever waits for its result. */
  #stop(job: Job<D>, reason: unknown, fate: 'cancelled' | 'expired'): boolean {
    for (const run of this.#engine.runs) {
      if (run.job !== job) continue;
      if (run.end !== undefined && run.end.fate !== 'retry') return false;
      this.#engine.abort(run, { reason, fate });
      job.ticket?.stopping?.(reason);
      return true;
    }
    return false;
  }

  /** The result of a job that is a duplicate is that of the one that lives. */
  #followTwin(
    job: Job<D>,
    { status, job: live }: Offer<D>,
    resolve: (value: R) => void,
    reject: (error: Error) => void,
  ): void {
    if (status === 'duplicate' && live !== undefined && live !== job) this.#promise(live).then(resolve, reject);
  }

  #handle(job: Job<D>, { status, job: live = job }: Offer<D>): JobHandle<D, R> {
    return new JobHandle<D, R>(live, this.#handles, status === 'duplicate');
  }

  /** The end of a job as a promise, of a job that may have ended long ago. */
  #promise(asked: Job<D>): Promise<R> {
    let job = asked;
    while (job.details?.successor !== undefined) job = job.details.successor;
    return new Promise((resolve, reject) => {
      const ticket = new ResultTicket<D, R>(resolve, reject);
      if (!job.isLive || (this.#closed && job.owner === this)) {
        ticket.ended(job);
        return;
      }
      const { ticket: other } = job;
      job.ticket = other === undefined ? ticket : bothOf(other, ticket);
    });
  }

  #pump(): void {
    if (this.#paused) return;
    if (this.#consumers.waiting > 0) this.#consumers.serve();
    this.#engine.pump();
  }

  #elastic(): Scaler {
    const pool = this.#pool;
    const { workers, elastic, runtime } = this.#settings;
    const scaler = new Scaler(
      {
        queued: () => this.#depot.runnable,
        busy: () => this.#engine.runs.length,
        coldStartMs: () => pool.coldStartMs,
        resize: (change) => {
          pool.resize(change.to);
          this.emit('scale', change);
          this.#pump();
        },
      },
      { workers, elastic, suggestedMax: pool.suggestedMax, sharesLoop: pool.coldStartMs === 0, runtime },
    );
    pool.resize(scaler.workers);
    return scaler;
  }

  #listen(): EngineListener<D> {
    return {
      onStart: (run) => {
        this.#onLease(run.job);
        this.#started++;
        this.#scaler?.onStart(run.startedMs, run.job.details?.settings?.type);
      },
      onFree: ({ job, startedMs }, endedMs) => {
        this.#scaler?.onSettle(startedMs, endedMs, job.details?.settings?.type);
        if (this.#closing !== undefined) this.#look();
      },
      onSettled: (job, ending, error) => {
        this.#onSettled(job, ending, error);
      },
      onProgress: ({ id, attempt }, value) => {
        this.emit('progress', { id, attempt, value });
      },
      onStuck: ({ id, attempt }) => {
        this.emit('stuck', { id, attempt, released: this.#settings.onStuck === 'release' });
      },
      onTaken: () => {
        this.#admission.admit();
      },
    };
  }

  #onLease(job: Job<D>): void {
    this.#leased++;
    if (job.owner === this) return;
    // Of an earlier process, or of another queue on the same store.
    job.owner = this;
    this.#accepted++;
  }

  #onSettled(job: Job<D>, ending: Ending, error: unknown): void {
    this.#leased--;
    if (isWorkerLost(error)) this.#crashes++;
    const { state } = job;
    if (state === 'done') this.#onDone(job);
    else if (state === 'dead') this.#onDead(job, (ending as { readonly reason: DeadReason }).reason, error);
    else if (state === 'cancelled') this.#onCancelled(job, error);
    else this.#onAgain(job, ending, error);
    if (this.#admission.size > 0) this.#admission.admit();
    this.#look();
  }

  #onDone(job: Job<D>): void {
    this.#done++;
    this.#tell(job);
    if (this.listens('done')) {
      this.emit('done', { id: this.#depot.idOf(job), attempt: job.attempt, value: job.result as R });
    }
  }

  #onDead(job: Job<D>, reason: DeadReason, error: unknown): void {
    this.#dead++;
    this.#tell(job);
    if (this.listens('dead')) {
      this.emit('dead', { id: this.#depot.idOf(job), attempt: job.attempt, reason, error });
    }
    this.#look();
  }

  #onCancelled(job: Job<D>, reason: unknown): void {
    this.#cancelled++;
    job.result = reason;
    this.#tell(job);
    if (this.listens('cancelled')) this.emit('cancelled', { id: this.#depot.idOf(job), reason });
    this.#look();
  }

  #onDropped(job: Job<D>): void {
    const id = this.#depot.idOf(job);
    this.emit('dropped', { id });
    this.#onCancelled(job, new HoldfastError('QUEUE_FULL', 'the job was dropped to make room for another'));
  }

  /** It is back in the line. */
  #onAgain(job: Job<D>, ending: Ending, error: unknown): void {
    const delayMs = ending.kind === 'retry' || ending.kind === 'release' ? ending.delayMs : 0;
    if (ending.kind === 'retry') {
      this.#retried++;
      if (this.listens('retry')) {
        this.emit('retry', { id: this.#depot.idOf(job), attempt: job.attempt, delayMs, error });
      }
    }
    if (ending.kind === 'release' && this.#closing !== undefined) this.#released++;
    if (delayMs === 0) this.#scaler?.onEnqueue(this.#stuck, job.details?.settings?.type);
  }

  #onLost(job: Job<D>, error: Error): void {
    for (const run of this.#engine.runs) {
      if (run.job === job) this.#engine.abort(run, { reason: error, fate: 'lost' });
    }
    this.#consumers.lost(job);
    this.emit('leaseLost', { id: this.#depot.idOf(job), attempt: job.attempt });
  }

  #tell(job: Job<D>): void {
    const { ticket, details } = job;
    job.ticket = undefined;
    ticket?.ended(job);
    if (details?.unlink !== undefined) {
      details.unlink();
      details.unlink = undefined;
    }
  }

  /** Something has ended: there may be somebody who waits for that. */
  #look(): void {
    if (this.#closers.size > 0) for (const look of [...this.#closers]) look();
    if ((this.#idle.size > 0 || this.listens('idle')) && this.#isIdle) {
      for (const told of [...this.#idle]) told();
      this.emit('idle', { done: this.#done, dead: this.#dead });
    }
  }
}

const full = { status: 'full' } as const;

const closeShape = { graceMs: number({ min: 0 }), abortMs: number({ min: 0 }), drain: boolean };

class ResultTicket<D, R> implements Ticket<D> {
  readonly #resolve: (value: R) => void;
  readonly #reject: (reason: Error) => void;

  constructor(resolve: (value: R) => void, reject: (reason: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  ended({ state, result }: Job<D>): void {
    if (state === 'done') this.#resolve(result as R);
    else this.#reject(result as Error);
  }

  stopping(reason: unknown): void {
    this.#reject(reason as Error);
  }
}

function bothOf<D>(one: Ticket<D>, other: Ticket<D>): Ticket<D> {
  return {
    ended: (job) => {
      one.ended(job);
      other.ended(job);
    },
    stopping: (reason) => {
      one.stopping?.(reason);
      other.stopping?.(reason);
    },
  };
}
