import { callerContext } from '../core/caller-context.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import type { Dyn } from '../core/live.ts';
import { readOptions } from '../core/options.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import { SteadyTime } from '../core/steady-time.ts';
import type { Flow } from '../flow/index.ts';
import { AddAll, type AddAllOptions } from './add-all.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import type { Job } from './backlog/job.ts';
import { type CloseOptions, closeDown, type ClosingParts, readCloseOptions } from './closing.ts';
import { Consumers } from './consume.ts';
import { deadDoor } from './dead-door.ts';
import type { Depot } from './depot.ts';
import { depotOf } from './depot-of.ts';
import type { WorkerBounds } from './elastic/bounds.ts';
import { Scaler } from './elastic/scaler.ts';
import { Endings } from './endings.ts';
import { Engine, type EngineListener } from './engine.ts';
import type { WorkQueueEvents } from './events.ts';
import { Intake } from './intake.ts';
import { type HandleHost, JobHandle, type Settled } from './job-handle.ts';
import type { JobOptions } from './job-options.ts';
import { poolOf } from './pool-of.ts';
import { type Handler, TaskPool } from './pools/tasks.ts';
import type { DeadJobs } from './queue-store.ts';
import { Rate } from './rate.ts';
import { lastTicket, newResult, rejectThrough } from './result-ticket.ts';
import { Results } from './results.ts';
import { readSettings, type Settings, type WorkQueueOptions } from './settings.ts';
import type { CloseReport, QueueStats } from './stats.ts';
import { syncFrom, type SyncReport, type WorkSource } from './sync.ts';
import { Tally } from './tally.ts';
import { Vigil } from './vigil.ts';
import { Waits } from './waits.ts';
import type { WorkerPool } from './worker-pool.ts';

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
 * - nothing keeps an idle process alive; what somebody waits for does, and with a store in memory each job for later
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
  readonly #pool: WorkerPool<D, R>;
  readonly #depot: Depot<D>;
  readonly #intake: Intake<D>;
  readonly #engine: Engine<D, R>;
  readonly #consumers: Consumers<D>;
  readonly #tally: Tally<D, R>;
  readonly #results: Results<D, R>;
  readonly #endings: Endings<D>;
  readonly #waits: Waits;
  readonly #rate: Rate | undefined;
  /** Undefined when others work the jobs off. */
  readonly #scaler: Scaler | undefined;
  readonly #handles: HandleHost<D, R>;
  readonly #dead: DeadJobs<D>;
  /** Of a pool whose workers have died nothing but the time until it starts others may be left. */
  readonly #crew: Vigil;
  #isShortHanded = false;
  #unlink: Unlink | undefined;
  #closing: Promise<CloseReport> | undefined;
  /** That nothing is there has been told. */
  #resting = false;
  /** Nobody works on anything any more. */
  #over = false;

  /**
   * @param worker - a function, a pool, or nothing for a queue that others work off (`consume`, another process)
   * @param options - store, workers, retry, room
   * @throws {@link HoldfastError} `INVALID_OPTION`; `UNSUPPORTED` for what the store cannot do
   */
  constructor(worker?: Handler<D, R> | WorkerPool<D, R>, options?: WorkQueueOptions<D>) {
    super();
    const settings = readSettings<D>(options);
    const { runtime, rate, signal, paused } = settings;
    const pump = (): void => {
      this.#pump();
    };
    this.#settings = settings;
    this.#crew = new Vigil(runtime.clock);
    this.#pool = poolOf(worker);
    this.#depot = depotOf(settings, {
      owner: this,
      demand: () => this.#demand,
      onError: (error) => {
        this.emit('storeError', { error });
      },
    });
    const idOf = (job: Job<D>): string => this.#depot.idOf(job);
    this.#tally = new Tally(this, {
      idOf,
      listens: (event) => this.listens(event),
      emit: (event, value) => {
        this.emit(event, value);
      },
    });
    this.#handles = {
      idOf,
      resultOf: (job) => this.#watched(this.#results.of(job)),
      cancel: (id, reason) => this.#endings.cancel(id, reason),
    };
    this.#results = new Results(this.#depot, () => this.#over);
    this.#waits = new Waits(runtime.clock);
    const time = new SteadyTime(runtime.clock);
    this.#intake = new Intake(this.#depot, time, settings, (job, offer, delayMs, signal, nowMs) => {
      this.#onOffer(job, offer, delayMs, signal, nowMs);
    });
    this.#rate = rate && new Rate(rate, pump);
    this.#engine = new Engine(this.#depot, this.#pool, settings, this.#listen(), this.#rate);
    this.#engine.paused = paused;
    this.#endings = new Endings(this.#depot, this.#engine, this.#tally, {
      onEnded: () => {
        this.#look();
        this.#stir();
      },
      onStoreError: (error) => {
        this.emit('storeError', { error });
      },
    });
    this.#consumers = new Consumers(
      this.#depot,
      this.#engine,
      (job) => {
        this.#tally.onLeased(job);
      },
      () => {
        this.#stir();
      },
    );
    this.#pool.open(pump);
    if (worker !== undefined) this.#scaler = this.#elastic();
    const opening = this.#depot.open({
      onReady: () => {
        this.#stir();
        this.#look(); // for who waits until nothing is there: it may have been believed too long
      },
      onRedriven: (count, jobs) => this.#tally.onRedriven(count, jobs),
      onPerishable: (job) => {
        this.#endings.onPerishable(job);
      },
      onExpired: (job) => {
        this.#endings.expire(job);
      },
      onLost: (job, error) => {
        this.#onLost(job, error);
      },
    });
    this.#dead = deadDoor(this.#depot.dead, () => this.#intake.opening);
    if (opening !== undefined) {
      const look = (): void => {
        this.#look();
      };
      const onOpened = (): void => {
        this.#stir(); // what it holds need not wait for a job to be added
        look();
      };
      this.#intake.opensWith(opening, onOpened, look);
    }
    this.#unlink = onAbort(signal, () => void this.close({ graceMs: 0 }));
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
    return this.#add(data, options, this.#handles);
  }

  #add(data: D, options: JobOptions | undefined, host: HandleHost<D, R>): Promise<JobHandle<D, R>> {
    try {
      const job = this.#intake.make(data, options);
      const accepted = this.#intake.accept(job, options);
      if (accepted instanceof Promise) return this.#watched(accepted.then((offer) => handleOf(job, offer, host)));
      return Promise.resolve(handleOf(job, accepted, host));
    } catch (error) {
      return Promise.reject(error);
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
    const result = newResult<R>();
    const ticket = lastTicket();
    try {
      const job = this.#intake.make(data, options);
      job.ticket = ticket;
      const accepted = this.#intake.accept(job, options);
      if (accepted instanceof Promise) {
        accepted.then(
          (offer) => {
            this.#results.follow(job, offer, ticket);
          },
          (error: unknown) => {
            rejectThrough(ticket, error);
          },
        );
        return this.#watched(result);
      } else this.#results.follow(job, accepted, ticket);
    } catch (error) {
      rejectThrough(ticket, error);
    }
    return result;
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
    const caller = callerContext();
    return new AddAll<D, R>(source, options, {
      offer: (data, jobOptions, ticket) => {
        const job = this.#intake.make(data, jobOptions, caller);
        job.ticket = ticket;
        const accepted = this.#intake.accept(job, jobOptions);
        return accepted instanceof Promise
          ? accepted.then((offer) => this.#results.follow(job, offer, ticket))
          : this.#results.follow(job, accepted, ticket);
      },
      idOf: (job) => this.#depot.idOf(job),
      vigil: this.#depot.vigil,
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
    // Nobody waits for these results: the source is told of what is done here.
    const host = { ...this.#handles, resultOf: (job: Job<D>) => this.#results.of(job) };
    return syncFrom(
      source,
      options,
      (id) => this.#depot.find(id) !== undefined,
      (data, id) => this.#add(data, { id }, host),
    );
  }

  /**
   * The jobs as deliveries, for whoever works them off by himself: `ack` ends a job, `nack` has it tried again. Leases are
   * kept while the iterator is in use; leaving it gives back what was not acknowledged. Who holds a delivery is not asked to
   * stop: it has no timeout, its deadline ends it only before it is handed out, and `cancel` answers false meanwhile.
   */
  consume(): Flow<D> {
    return this.#consumers.flow();
  }

  /**
   * Takes a job back. One that waits ends at once. One that runs is asked to stop: its result rejects at once, and it counts
   * as cancelled when its handler has settled, whatever with. Of one that another queue on the same store runs, it answers
   * false and changes nothing; the deadline of such a job is for that one to keep.
   *
   * @param id - the job's
   * @param reason - what its result rejects with; absent: an error with code `CANCELLED`
   * @returns whether there was such a job
   */
  cancel(id: string, reason?: unknown): Promise<boolean> {
    return this.#watched(this.#endings.cancel(id, reason));
  }

  /** Starts no more jobs until `resume`. What runs goes on, jobs are accepted, and idle workers go as if nothing waited. */
  pause(): void {
    this.#engine.paused = true;
    this.#hold();
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#engine.paused = false;
    this.#stir();
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
   * Resolves when nothing waits, is delayed or runs; at once when that is so. A store is opened first, for it may hold jobs.
   *
   * @param options - `signal`: ends the wait
   */
  async onIdle(options?: { readonly signal?: AbortSignal }): Promise<void> {
    const { signal } = readOptions('onIdle', options, { signal: signalRule });
    return this.#watched(this.#waits.when(() => this.#isIdle, signal));
  }

  /** How many jobs are where, and how many workers there are. */
  stats(): QueueStats {
    const { accepted, leased, done, dead, cancelled, retried, crashes } = this.#tally;
    const { waiting, delayed } = this.#depot;
    return {
      accepted,
      waiting,
      delayed,
      leased,
      done,
      dead,
      cancelled,
      workers: this.#pool.size,
      active: this.#engine.runs.length,
      blocked: this.#intake.waiting,
      started: this.#engine.started,
      retried,
      crashes,
      paused: this.#engine.paused,
    };
  }

  /** The jobs that were given up: to look at, to put back, to forget. */
  get dead(): DeadJobs<D> {
    return this.#dead;
  }

  /**
   * Closes the queue: accepts nothing more, waits, aborts, gives back, and says what became of all that was accepted. The
   * second call gets the promise of the first.
   *
   * @param options - how long to wait, and whether to work off first what waits
   */
  close(options?: CloseOptions): Promise<CloseReport> {
    if (this.#closing !== undefined) return this.#closing;
    try {
      const read = readCloseOptions(options);
      this.#unlink?.();
      return (this.#closing = closeDown(this.#parts(), read));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Closes the queue with the defaults of `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #parts(): ClosingParts<D> {
    return {
      owner: this,
      depot: this.#depot,
      pool: this.#pool,
      intake: this.#intake,
      engine: this.#engine,
      consumers: this.#consumers,
      tally: this.#tally,
      waits: this.#waits,
      closers: [this.#scaler, this.#rate, this.#engine.alarms],
      isIdle: () => this.#isIdle,
      over: () => {
        this.#over = true;
        this.#hold();
      },
    };
  }

  /** How many jobs could be worked on at once. */
  get #demand(): number {
    if (this.#over || !this.#engine.isTaking) return 0;
    return Math.max(0, this.#pool.size - this.#engine.runs.length) + this.#consumers.waiting;
  }

  get #isIdle(): boolean {
    if (this.#over) return true;
    const { waiting, delayed } = this.#depot;
    return !this.#intake.isAsking && waiting + delayed + this.#tally.leased + this.#intake.waiting === 0;
  }

  /** How many wait and could run now: none while the queue is paused. */
  get #runnable(): number {
    return this.#engine.isTaking ? this.#depot.runnable : 0;
  }

  /** How many wait because nobody is idle. */
  get #stuck(): number {
    return this.#engine.runs.length < this.#pool.size ? 0 : this.#runnable;
  }

  #pump(nowMs?: number): void {
    if (this.#over) return;
    if (this.#consumers.waiting > 0) this.#consumers.serve();
    this.#engine.pump(nowMs);
    this.#hold();
  }

  /** Keeps the process while jobs in memory wait for workers that are to be started again. */
  #hold(): void {
    const isShortHanded =
      this.#pool.size === 0 &&
      this.#depot.vigil === undefined &&
      !this.#over &&
      (this.#scaler?.workers ?? 0) > 0 &&
      this.#runnable > 0;
    if (isShortHanded === this.#isShortHanded) return;
    this.#isShortHanded = isShortHanded;
    if (isShortHanded) this.#crew.begin();
    else this.#crew.end();
  }

  /** Something may have become ready without being added: a delay is over, or a key free. There may be no worker left. */
  #stir(): void {
    this.#pump();
    const stuck = this.#stuck;
    if (stuck > 0) this.#scaler?.onEnqueue(stuck, undefined, 0);
  }

  #elastic(): Scaler {
    const pool = this.#pool;
    const { workers, elastic, runtime } = this.#settings;
    const scaler = new Scaler(
      {
        queued: () => this.#runnable,
        busy: () => this.#engine.runs.length,
        coldStartMs: () => pool.coldStartMs,
        resize: (change) => {
          pool.resize(change.to);
          this.emit('scale', change);
          this.#pump();
        },
      },
      { workers, elastic, suggestedMax: pool.suggestedMax, sharesLoop: pool instanceof TaskPool, runtime },
    );
    pool.resize(scaler.workers);
    return scaler;
  }

  #listen(): EngineListener<D> {
    return {
      onStart: ({ job, startedMs }) => {
        this.#resting = false;
        this.#tally.onLeased(job);
        this.#scaler?.onStart(startedMs, job.details?.settings?.type);
      },
      onFree: ({ job, startedMs }, endedMs) => {
        this.#scaler?.onSettle(startedMs, endedMs, job.details?.settings?.type);
      },
      onRefused: (job) => {
        this.#tally.onLeased(job);
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
        this.#intake.admit();
      },
    };
  }

  #onOffer(
    job: Job<D>,
    offer: Offer<D>,
    delayMs: number,
    signal: AbortSignal | undefined,
    nowMs: number | undefined,
  ): void {
    this.#resting = false;
    if (offer.status === 'added') {
      this.#tally.onAccepted(job);
      if (offer.dropped !== undefined) this.#tally.onDropped(offer.dropped);
      if (signal !== undefined || job.details?.expiresAtMs !== undefined) this.#endings.link(job, signal);
      if (delayMs <= 0) this.#scaler?.onEnqueue(this.#stuck, job.details?.settings?.type);
    } else if (offer.job === job) {
      job.owner = this; // it has taken the place of one that waited
      if (signal !== undefined || job.details?.expiresAtMs !== undefined) this.#endings.link(job, signal);
    } else if (offer.job !== undefined && offer.renewed === true) this.#endings.link(offer.job, signal);
    this.#pump(nowMs);
  }

  #onSettled(job: Job<D>, ending: Ending, error: unknown): void {
    this.#tally.onSettled(job, ending, error);
    this.#endings.onSettled(job);
    if (job.state === 'waiting') this.#scaler?.onEnqueue(this.#stuck, job.details?.settings?.type);
    this.#look();
  }

  #onLost(job: Job<D>, error: Error): void {
    for (const run of [...this.#engine.runs]) {
      if (run.job === job) this.#engine.abort(run, { reason: error, fate: 'lost' });
    }
    if (this.#consumers.lost(job)) {
      this.#onSettled(job, { kind: 'release', delayMs: 0 }, error);
    }
    this.emit('leaseLost', { id: this.#depot.idOf(job), attempt: job.attempt });
  }

  /** Something has ended: there may be room, and somebody who waits for that. */
  #look(): void {
    this.#intake.admit();
    this.#waits.look();
    this.#hold();
    if (this.#resting || !this.listens('idle') || !this.#isIdle) return;
    this.#resting = true;
    this.emit('idle', { done: this.#tally.done, dead: this.#tally.dead });
  }

  /** What somebody waits for. */
  #watched<T>(promise: Promise<T>): Promise<T> {
    const { vigil } = this.#depot;
    return vigil === undefined ? promise : vigil.over(promise);
  }
}

function handleOf<D, R>(job: Job<D>, { status, job: live = job }: Offer<D>, host: HandleHost<D, R>): JobHandle<D, R> {
  return new JobHandle<D, R>(live, host, status === 'duplicate');
}
