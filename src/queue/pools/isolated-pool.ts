import type { Clock, Timer } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { Emitter } from '../../core/events.ts';
import { check, number } from '../../core/options.ts';
import { reportError } from '../../core/report.ts';
import { systemRuntime } from '../../core/runtime.ts';
import { onAbort } from '../../core/signals.ts';
import { WorkerLostError } from '../errors.ts';
import type { JobContext, PoolJob, WorkerPool } from '../worker-pool.ts';
import { type ErrorRecord, type FromWorker, recordReason, reviveError, type ToWorker } from './crossing.ts';
import { type Isolate, type Launch, type Loss, type Running, wayOf, type Worker } from './isolate.ts';
import type { IsolatedPoolEvents, IsolatedPoolHealth } from './isolated-events.ts';
import type { IsolatedPoolSettings } from './isolated-options.ts';
import { afterFailure, allowed, degradedAt, type Respawn, sound } from './respawn.ts';

/** A worker that lived for so long before it was lost idle has not failed to start. */
const soundAfterMs = 10_000;
/** What a worker that was told to go, or was killed, may take before `close` no longer waits for it. */
const lastWaitMs = 1_000;
/** Weight of the newest cold start. */
const newest = 0.3;

/**
 * What {@link ThreadPool} and {@link ProcessPool} have in common: workers that may be lost.
 *
 * Promises: a worker has one job at a time; one that ends, whatever the reason, rejects that job with `WORKER_LOST` once it has
 * ended, and is replaced; no other job is touched. Workers that die at their start are started again after pauses that double,
 * from 100 ms to 30 s; each such failure rejects one job at most, with `NO_WORKER` and the reason as its cause. Idle workers do
 * not keep the process alive; busy and starting ones do.
 */
export abstract class IsolatedPool<D, R>
  extends Emitter<IsolatedPoolEvents>
  implements WorkerPool<D, R>, AsyncDisposable
{
  /** The most workers that make sense here: the option `max`. */
  readonly suggestedMax: number;
  readonly #launch: Launch;
  readonly #kind: 'thread' | 'process';
  readonly #url: string;
  readonly #killAfterMs: number;
  readonly #startTimeoutMs: number;
  readonly #maxJobs: number;
  readonly #maxHeapBytes: number;
  readonly #clock: Clock;
  readonly #workers = new Set<Worker<R>>();
  /** The longest idle in front. */
  readonly #idle: Worker<R>[] = [];
  #starting = 0;
  #busy = 0;
  #wanted = 0;
  #seq = 0;
  #coldStartMs = 0;
  #respawn: Respawn = sound;
  #startError: unknown;
  /** No worker is there because starting one has failed: one job is taken, to be told so. */
  #refuses = false;
  #pause: Timer | undefined;
  #onChange: () => void = () => {};
  #closing: Promise<void> | undefined;
  #onGone: (() => void) | undefined;

  /** @internal */
  constructor(settings: IsolatedPoolSettings, launch: Launch) {
    super();
    this.suggestedMax = settings.max;
    this.#launch = launch;
    this.#kind = settings.kind;
    this.#url = settings.url;
    this.#killAfterMs = settings.killAfterMs ?? 5_000;
    this.#startTimeoutMs = settings.startTimeoutMs ?? 30_000;
    this.#maxJobs = settings.maxJobs ?? Infinity;
    this.#maxHeapBytes = (settings.maxHeapMb ?? Infinity) * 1024 * 1024;
    this.#clock = (settings.runtime ?? systemRuntime).clock;
  }

  /** How many workers could run a job now, busy ones included. */
  get size(): number {
    return this.#ready || Number(this.#refuses);
  }

  /** How many do. */
  get busy(): number {
    return this.#busy;
  }

  /** How long a worker takes from its start until it can run a job, in milliseconds, recent ones weighted; 0 while unknown. */
  get coldStartMs(): number {
    return this.#coldStartMs;
  }

  get #ready(): number {
    return this.#idle.length + this.#busy;
  }

  /** How the pool is. */
  health(): IsolatedPoolHealth {
    const { failures } = this.#respawn;
    return {
      status: failures >= degradedAt ? 'degraded' : 'ok',
      failures,
      ...(failures > 0 && { error: this.#startError }),
      starting: this.#starting,
    };
  }

  /**
   * Called once, before all else.
   *
   * @param onChange - called when `size` has changed by itself
   */
  open(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /**
   * How many workers there should be. Grows at once; shrinks by those that are starting, then by those that are idle, the
   * longest idle first, then by busy ones when their job is over.
   *
   * @param workers - a whole number, 0 too
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  resize(workers: number): void {
    check('workers', workers, number({ min: 0, integer: true }));
    if (this.#closing !== undefined) return;
    this.#wanted = workers;
    if (workers === 0) this.#refuses = false;
    for (const worker of [...this.#workers].reverse()) {
      if (this.#starting + this.#ready <= workers) break;
      if (worker.state === 'starting') this.#dismiss(worker);
    }
    while (this.#starting + this.#ready > workers && this.#idle.length > 0) this.#dismiss(this.#idle[0]!);
    this.#start();
  }

  /**
   * Runs a job on a worker that is free.
   *
   * @param job - what to hand to the worker
   * @param context - what the handler is told of it
   * @returns what the handler has returned
   * @throws {@link HoldfastError} as a rejection: `WORKER_LOST`, `NO_WORKER`, `CLOSED`; and what the handler has thrown
   */
  run(job: PoolJob<D>, context: JobContext): Promise<R> {
    const worker = this.#idle.pop();
    if (worker === undefined) return Promise.reject(this.#refusal());
    return new Promise((resolve, reject) => {
      const seq = ++this.#seq;
      const running: Running<R> = { seq, context, resolve, reject, unlink: () => {}, patience: undefined };
      worker.state = 'busy';
      worker.job = running;
      this.#busy++;
      worker.isolate.hold(true);
      const { id, attempt, crashes, fence } = context;
      try {
        worker.isolate.post({ type: 'job', seq, id, attempt, crashes, fence, data: job.data }, job.transfer);
      } catch (error) {
        // Nothing was sent: the worker is as it was.
        this.#release(worker);
        this.#rest(worker);
        reject(error);
        return;
      }
      running.unlink = onAbort(context.signal, (reason) => {
        this.#abort(worker, running, reason);
      });
    });
  }

  /**
   * Ends all workers: those that are idle at once, busy ones when their job is over, or by force after `graceMs`. Always
   * ends, at the latest a second after that.
   *
   * @param options - `graceMs`: how long to wait
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
    this.#refuses = false;
    this.#pause?.cancel();
    for (const worker of [...this.#workers]) {
      worker.isolate.hold(true);
      if (worker.state !== 'busy' && worker.state !== 'leaving') this.#dismiss(worker);
    }
    await this.#allGone(graceMs);
    for (const worker of this.#workers) this.#kill(worker, 'the pool was closed');
    await this.#allGone(lastWaitMs);
    // One that not even force has ended yet, a thread within a long native call: its job is told all the same.
    for (const worker of [...this.#workers]) this.#gone(worker, {});
  }

  #allGone(ms: number): Promise<void> {
    if (this.#workers.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#onGone = undefined;
        resolve();
      };
      const timer = this.#clock.setTimer(ms, done, { ref: true });
      this.#onGone = () => {
        if (this.#workers.size === 0) done();
      };
    });
  }

  #refusal(): HoldfastError {
    if (this.#closing !== undefined) return new HoldfastError('CLOSED', 'the pool is closed');
    if (!this.#refuses) return new HoldfastError('NO_WORKER', 'no worker is free');
    this.#refuses = false;
    const cause = this.#startError;
    return new HoldfastError('NO_WORKER', `no worker could be started: ${textOf(cause)}`, { cause });
  }

  #start(): void {
    if (this.#closing !== undefined) return;
    while (this.#mayStart()) this.#launchOne();
    this.#pause?.cancel();
    this.#pause = undefined;
    const waitMs = this.#respawn.notBefore - this.#clock.now();
    if (waitMs <= 0 || this.#starting + this.#ready >= this.#wanted) return;
    this.#pause = this.#clock.setTimer(waitMs, () => {
      this.#start();
    });
  }

  #mayStart(): boolean {
    const crew = { wanted: this.#wanted, starting: this.#starting, ready: this.#ready };
    return allowed(this.#respawn, this.#clock.now(), crew) > 0;
  }

  #launchOne(): void {
    let isolate: Isolate;
    try {
      isolate = this.#launch(
        (message) => {
          this.#hear(worker, message);
        },
        (loss) => {
          this.#gone(worker, loss);
        },
      );
    } catch (error) {
      this.#failed(error);
      this.#onChange();
      return;
    }
    const startedAt = this.#clock.now();
    const worker: Worker<R> = { isolate, startedAt, state: 'starting', job: undefined, jobs: 0, spent: undefined, why: undefined, timer: undefined }; // prettier-ignore
    this.#workers.add(worker);
    this.#starting++;
    this.#load(worker);
  }

  #load(worker: Worker<R>): void {
    worker.isolate.hold(true);
    worker.timer = this.#clock.setTimer(this.#startTimeoutMs, () => {
      this.#kill(worker, `its module was not loaded within ${String(this.#startTimeoutMs)} ms`);
    });
    this.#post(worker, { type: 'load', url: this.#url, maxHeapBytes: this.#maxHeapBytes });
  }

  #hear(worker: Worker<R>, message: FromWorker): void {
    const { job } = worker;
    switch (message.type) {
      case 'ready':
        this.#loaded(worker);
        return;
      case 'unready':
        this.#kill(worker, 'its module could not be loaded', reviveError(message.error));
        return;
      case 'broken':
        this.#broken(worker, message.seq, message.error);
        return;
      default:
        if (job?.seq !== message.seq) return; // of a job that is over
    }
    switch (message.type) {
      case 'done':
        if (message.spent) worker.spent ??= 'heap';
        this.#finish(worker, () => {
          job.resolve(message.value as R);
        });
        return;
      case 'failed':
        if (message.spent) worker.spent ??= 'heap';
        this.#finish(worker, () => {
          job.reject(reviveError(message.error));
        });
        return;
      case 'progress':
        guard('progress', () => {
          job.context.progress(message.value);
        });
        return;
      case 'extend':
        void this.#extend(worker, job, message.call, message.ms);
    }
  }

  #loaded(worker: Worker<R>): void {
    if (worker.state !== 'starting') return;
    const tookMs = this.#clock.now() - worker.startedAt;
    worker.timer?.cancel();
    this.#starting--;
    this.#coldStartMs = this.#coldStartMs === 0 ? tookMs : this.#coldStartMs + newest * (tookMs - this.#coldStartMs);
    this.#refuses = false;
    this.#rest(worker);
    this.emit('ready', { coldStartMs: tookMs });
    this.#changed();
  }

  #rest(worker: Worker<R>): void {
    worker.state = 'idle';
    this.#idle.push(worker);
    worker.isolate.hold(false);
  }

  /** The others are started too, and the queue is told. */
  #changed(): void {
    this.#start();
    this.#onChange();
  }

  /** A job is over, and its worker is there. */
  #finish(worker: Worker<R>, settle: () => void): void {
    this.#release(worker);
    worker.jobs++;
    const { failures } = this.#respawn;
    this.#respawn = sound;
    if (worker.jobs >= this.#maxJobs) worker.spent ??= 'jobs';
    settle();
    // Above what is wanted, or killed when it was about to be done.
    const leaves =
      worker.spent !== undefined || worker.why !== undefined || this.#ready + this.#starting >= this.#wanted;
    if (!leaves) this.#rest(worker);
    else this.#replace(worker);
    if (failures >= degradedAt) this.emit('restored', { failures });
  }

  #replace(worker: Worker<R>): void {
    const reason = worker.spent;
    this.#dismiss(worker);
    if (reason !== undefined) this.emit('recycled', { reason });
    this.#changed();
  }

  /** Its job is no longer its own. */
  #release(worker: Worker<R>): Running<R> | undefined {
    const { job } = worker;
    if (job === undefined) return undefined;
    worker.job = undefined;
    this.#busy--;
    job.unlink();
    job.patience?.cancel();
    return job;
  }

  #abort(worker: Worker<R>, job: Running<R>, reason: unknown): void {
    this.#post(worker, { type: 'abort', seq: job.seq, reason: recordReason(reason) });
    job.patience = this.#clock.setTimer(this.#killAfterMs, () => {
      this.#kill(worker, `it had not ended ${String(this.#killAfterMs)} ms after it was told to`, reason);
    });
  }

  async #extend(worker: Worker<R>, job: Running<R>, call: number, ms: number | undefined): Promise<void> {
    let error: ErrorRecord | undefined;
    try {
      await job.context.extend(ms);
    } catch (thrown) {
      error = recordReason(thrown);
    }
    if (worker.job === job) this.#post(worker, { type: 'extended', seq: job.seq, call, ...(error && { error }) });
  }

  /** To a worker that may be gone: its end is told by itself. */
  #post(worker: Worker<R>, message: ToWorker): void {
    try {
      worker.isolate.post(message);
    } catch {
      // See above.
    }
  }

  #broken(worker: Worker<R>, seq: number | undefined, record: ErrorRecord): void {
    const error = reviveError(record);
    if (worker.state === 'starting' || (seq !== undefined && worker.job?.seq === seq)) {
      this.#kill(worker, 'nobody has caught an error', error);
      return;
    }
    this.emit('fault', { error });
    worker.spent ??= 'fault';
    if (worker.state === 'idle') this.#replace(worker);
  }

  /** It goes, and its place is free at once. */
  #dismiss(worker: Worker<R>): void {
    if (worker.state === 'starting') this.#starting--;
    this.#forget(worker);
    worker.state = 'leaving';
    worker.timer?.cancel();
    worker.timer = this.#clock.setTimer(lastWaitMs, () => {
      worker.isolate.kill();
    });
    worker.isolate.dismiss();
  }

  #forget(worker: Worker<R>): void {
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** It goes by force; its place is free when it is gone. */
  #kill(worker: Worker<R>, message: string, cause?: unknown): void {
    worker.why ??= { message, cause };
    worker.isolate.kill();
  }

  #gone(worker: Worker<R>, loss: Loss): void {
    if (!this.#workers.delete(worker)) return;
    worker.timer?.cancel();
    const { state } = worker;
    if (state === 'starting') this.#starting--;
    this.#forget(worker);
    const job = this.#release(worker);
    if (state !== 'leaving') this.#lost(worker, state, job, loss);
    this.#onGone?.();
    if (state !== 'leaving') this.#changed();
  }

  #lost(worker: Worker<R>, state: 'starting' | 'idle' | 'busy', job: Running<R> | undefined, loss: Loss): void {
    const cause = worker.why === undefined ? loss.cause : worker.why.cause;
    const message = `the ${this.#kind} has ended: ${worker.why?.message ?? wayOf(loss)}`;
    const error = new WorkerLostError(message, loss, cause === undefined ? undefined : { cause });
    const failed = state === 'starting' || (state === 'idle' && this.#diedYoung(worker));
    if (failed) this.#failed(cause ?? error);
    job?.reject(error);
    this.emit('lost', { error, job: job?.context.id });
  }

  #diedYoung(worker: Worker<R>): boolean {
    return worker.jobs === 0 && this.#clock.now() - worker.startedAt < soundAfterMs;
  }

  #failed(error: unknown): void {
    this.#startError = error;
    const now = this.#clock.now();
    this.#respawn = afterFailure(this.#respawn, now);
    this.#refuses = this.#ready === 0 && this.#wanted > 0;
    const { failures, notBefore } = this.#respawn;
    if (failures === degradedAt) this.emit('degraded', { failures, error, retryInMs: notBefore - now });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function guard(what: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    reportError(`${what} of a job failed`, error);
  }
}
