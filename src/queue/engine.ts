import { SteadyTime } from '../core/steady-time.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, number } from '../core/options.ts';
import { Alarms } from './alarms.ts';
import type { Ending } from './backlog/backlog.ts';
import type { Job } from './backlog/job.ts';
import type { Depot } from './depot.ts';
import { isWorkerLost, WorkerLostError } from './errors.ts';
import { Run, type RunEnd, type RunHost } from './run.ts';
import type { Settings } from './settings.ts';
import { verdict } from './verdict.ts';
import type { WorkerPool } from './worker-pool.ts';

/** @internal What an engine tells its queue. */
export interface EngineListener<D> {
  onStart(run: Run<D>): void;
  /** The function has settled, or is given up; its worker is free. */
  onFree(run: Run<D>, endedMs: number): void;
  /** A job was taken and is not worked on; it is settled next. */
  onRefused(job: Job<D>): void;
  /** The lease is over, and this came of it; `job.state` says where the job is now. */
  onSettled(job: Job<D>, ending: Ending, error: unknown): void;
  onProgress(run: Run<D>, value: unknown): void;
  onStuck(run: Run<D>): void;
  /** Something was taken: there may be room. */
  onTaken(): void;
}

interface Slot<D, R> {
  run: Run<D> | undefined;
  readonly onDone: (value: R) => void;
  readonly onFailed: (error: unknown) => void;
}

const noDetails: { readonly expiresAtMs?: number | undefined } = {};
/** So much later than its start may the budget hear of an original. */
const sliceMs = 100;
const done = { kind: 'done' } as const;
const extensionRule = number({ min: 1 });
// eslint-disable-next-line @typescript-eslint/unbound-method -- compared, not called
const { then: nativeThen } = Promise.prototype;

/** @internal May the next job start? `false`: `onChange` is called when it may. */
export interface Gate {
  tryPass(): boolean;
  /** Nobody has passed after all. */
  giveBack(): void;
}

/**
 * @internal The slot loop: takes jobs while workers are free, runs them, and says what becomes of each. A slot is held until
 * the function in it has settled; only a pool that ends its workers, or `onStuck: 'release'`, frees it before.
 */
export class Engine<D, R> implements RunHost<D> {
  readonly #depot: Depot<D>;
  readonly #pool: WorkerPool<D, R>;
  readonly #settings: Settings<D>;
  readonly #listener: EngineListener<D>;
  readonly #gate: Gate | undefined;
  readonly #runs: Run<D>[] = [];
  readonly #freeSlots: Slot<D, R>[] = [];
  readonly time: SteadyTime;
  readonly alarms: Alarms;
  /** How many attempts have started. */
  started = 0;
  paused = false;
  #pumping = false;
  #open = true;
  /** Originals that the budget has not been told of. */
  #uncounted = 0;

  constructor(
    depot: Depot<D>,
    pool: WorkerPool<D, R>,
    settings: Settings<D>,
    listener: EngineListener<D>,
    gate: Gate | undefined,
  ) {
    this.#depot = depot;
    this.#pool = pool;
    this.#settings = settings;
    this.#listener = listener;
    this.#gate = gate;
    this.alarms = new Alarms(settings.runtime.clock, { ref: depot.vigil === undefined });
    this.time = new SteadyTime(settings.runtime.clock);
  }

  /** The functions under way, those that nobody waits for any more among them. */
  get runs(): readonly Run<D>[] {
    return this.#runs;
  }

  /** Whether jobs are taken. */
  get isTaking(): boolean {
    return this.#open && !this.paused;
  }

  /** No other job is taken. */
  stop(): void {
    this.#open = false;
  }

  /** Starts what can be started. */
  pump(atMs?: number): void {
    if (this.#runs.length >= this.#pool.size) return; // most calls: not even the clock is read
    if (this.#pumping) return; // a handler that adds: the loop that has started it goes on
    this.#pumping = true;
    try {
      const nowMs = atMs ?? this.time.now();
      while (this.isTaking && this.#runs.length < this.#pool.size) {
        if (this.#gate !== undefined && (this.#depot.runnable === 0 || !this.#gate.tryPass())) break;
        const job = this.#depot.take(nowMs);
        if (job === undefined) {
          this.#gate?.giveBack();
          break;
        }
        if (this.mayStart(job, nowMs)) this.#start(job, nowMs);
        this.#listener.onTaken();
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Whether a job that was taken is to be worked on; if not, it has been settled. */
  mayStart(job: Job<D>, nowMs: number): boolean {
    const refusal = this.#refusalOf(job, nowMs);
    if (refusal === undefined) return true;
    this.#listener.onRefused(job);
    void this.settle(job, refusal.ending, refusal.error, nowMs);
    return false;
  }

  #refusalOf(job: Job<D>, nowMs: number): { readonly ending: Ending; readonly error?: Error } | undefined {
    const { maxCrashes, budget, retry, runtime } = this.#settings;
    const { expiresAtMs = Infinity } = job.details ?? noDetails;
    if (expiresAtMs <= nowMs) {
      const error = deadlineExceeded('a job');
      return { ending: { kind: 'dead', reason: 'expired', error: error.message }, error };
    }
    if (job.crashes >= maxCrashes) {
      const error = new WorkerLostError(`the job has cost ${String(job.crashes)} workers`);
      return { ending: { kind: 'dead', reason: 'poison', error: error.message }, error };
    }
    if (budget === undefined) return undefined;
    if (job.attempt === 1) {
      if (this.#uncounted++ === 0) this.alarms.set(sliceMs, this.#countOriginals);
      return undefined;
    }
    this.#countOriginals();
    if (budget.tryWithdraw()) return undefined;
    return { ending: { kind: 'release', delayMs: retry.baseMs * (0.5 + runtime.random()) } };
  }

  /** The budget is told of originals by the slice, not one by one: it would cost as much as the job. */
  readonly #countOriginals = (): void => {
    if (this.#uncounted === 0) return;
    this.#settings.budget?.deposit(this.#uncounted);
    this.#uncounted = 0;
  };

  #start(job: Job<D>, nowMs: number): void {
    const run = new Run(job, this, nowMs);
    run.place = this.#runs.push(run) - 1;
    this.#arm(run, job.details?.settings?.timeoutMs ?? this.#settings.timeoutMs);
    this.started++;
    this.#listener.onStart(run);
    let promise: Promise<R>;
    try {
      const result =
        job.caller === undefined ? this.#call(job, run) : job.caller.runInAsyncScope(this.#call, this, job, run);
      promise = isPlainPromise(result) ? result : adopted(result);
    } catch (error) {
      promise = Promise.reject(error);
    }
    const slot = this.#freeSlots.pop() ?? this.#slot();
    slot.run = run;
    promise.then(slot.onDone, slot.onFailed);
  }

  /** What hears of the end of a function; used again, so that a job does not cost two closures. */
  #slot(): Slot<D, R> {
    const slot: Slot<D, R> = {
      run: undefined,
      onDone: (value) => {
        const run = this.#vacate(slot);
        if (run.isOpen) this.#onDone(run, value);
      },
      onFailed: (error) => {
        const run = this.#vacate(slot);
        if (run.isOpen) this.#onFailed(run, error);
      },
    };
    return slot;
  }

  #vacate(slot: Slot<D, R>): Run<D> {
    const run = slot.run!;
    slot.run = undefined;
    this.#freeSlots.push(slot);
    return run;
  }

  readonly #call = (job: Job<D>, run: Run<D>): R | PromiseLike<R> => this.#pool.run(job, run);

  #arm(run: Run<D>, timeoutMs: number | undefined): void {
    this.alarms.cancel(run.alarm);
    run.alarm =
      timeoutMs === undefined || timeoutMs === Infinity
        ? undefined
        : this.alarms.set(timeoutMs, () => {
            this.abort(run, { reason: deadlineExceeded('an attempt of a job'), fate: 'retry' });
          });
  }

  /** Asks the function of a run to stop. */
  abort(run: Run<D>, end: RunEnd): void {
    if (!run.abort(end)) return;
    this.alarms.cancel(run.alarm);
    run.alarm = this.alarms.set(this.#settings.patienceMs, () => {
      this.#listener.onStuck(run);
      if (this.#settings.onStuck === 'release' && run.isOpen) this.#onFailed(run, end.reason);
    });
  }

  #onDone(run: Run<D>, value: R): void {
    const { job, end } = run;
    const nowMs = this.#free(run);
    if (end === undefined || end.fate === 'retry' || end.fate === 'release') {
      job.result = value;
      void this.settle(job, done, undefined, nowMs);
    } else this.#settleAs(job, end, nowMs);
    this.pump(nowMs);
  }

  #onFailed(run: Run<D>, error: unknown): void {
    const { job, end } = run;
    const nowMs = this.#free(run);
    // A worker that had to be ended for its job's timeout was lost to it all the same.
    if (end === undefined || (end.fate === 'retry' && isWorkerLost(error))) void this.fail(job, error, nowMs);
    else if (end.fate === 'retry') void this.fail(job, end.reason, nowMs);
    else this.#settleAs(job, end, nowMs);
    this.pump(nowMs);
  }

  #settleAs(job: Job<D>, { fate, reason }: RunEnd, nowMs: number): void {
    if (fate === 'cancelled') void this.settle(job, { kind: 'cancelled' }, reason, nowMs);
    else if (fate === 'expired') {
      void this.settle(job, { kind: 'dead', reason: 'expired', error: 'its deadline has passed' }, reason, nowMs);
    } else if (fate === 'release') void this.settle(job, { kind: 'release', delayMs: 0 }, reason, nowMs);
    else this.#listener.onSettled(job, { kind: 'release', delayMs: 0 }, reason);
  }

  /** What becomes of a job whose attempt has failed. */
  fail(job: Job<D>, error: unknown, nowMs = this.time.now()): void | Promise<void> {
    const { retry, maxCrashes, runtime } = this.#settings;
    const attempts = job.details?.settings?.attempts ?? retry.attempts;
    const failure = { error, attempt: job.attempt, attempts, crashes: job.crashes };
    return this.settle(job, verdict(failure, { retry, maxCrashes, random: runtime.random }, job.data), error, nowMs);
  }

  /** Ends a lease. */
  settle(job: Job<D>, ending: Ending, error: unknown, nowMs = this.time.now()): void | Promise<void> {
    if (ending.kind !== 'done') job.result = error;
    const answer = this.#depot.settle(job, ending, nowMs);
    if (answer instanceof Promise) {
      return answer.then(() => {
        this.#listener.onSettled(job, ending, error);
      });
    }
    this.#listener.onSettled(job, ending, error);
  }

  #free(run: Run<D>): number {
    const nowMs = this.time.now();
    run.close();
    if (run.alarm !== undefined) this.alarms.cancel(run.alarm);
    const last = this.#runs.pop()!;
    if (last !== run) {
      this.#runs[run.place] = last;
      last.place = run.place;
    }
    this.#listener.onFree(run, nowMs);
    return nowMs;
  }

  /** Gives up all functions that still run: what they come to goes unheard. */
  abandon(): number {
    const { length } = this.#runs;
    const closed = new HoldfastError('CLOSED', 'the queue is closed');
    for (const run of [...this.#runs]) this.#onFailed(run, run.end?.reason ?? closed);
    return length;
  }

  idOf(job: Job<D>): string {
    return this.#depot.idOf(job);
  }

  onProgress(run: Run<D>, value: unknown): void {
    this.#listener.onProgress(run, value);
  }

  async onExtend(run: Run<D>, ms: number | undefined): Promise<void> {
    if (ms !== undefined) check('ms', ms, extensionRule);
    if (run.end !== undefined) throw run.end.reason;
    if (!run.isOpen) throw new HoldfastError('LEASE_LOST', 'the attempt is over');
    const timeoutMs = ms ?? run.job.details?.settings?.timeoutMs ?? this.#settings.timeoutMs;
    this.#arm(run, timeoutMs);
    await this.#depot.extend(run.job);
  }
}

function isPlainPromise<R>(result: R | PromiseLike<R>): result is Promise<R> {
  // `then` asks for the constructor, outside of what is caught here.
  return result instanceof Promise && result.then === nativeThen && result.constructor === Promise;
}

/** A thenable of somebody else may call twice, or throw. */
function adopted<R>(result: R | PromiseLike<R>): Promise<R> {
  // No thenable: and this way without a closure.
  if (typeof result !== 'object' && typeof result !== 'function') return Promise.resolve(result);
  return new Promise((resolve) => {
    resolve(result);
  });
}
