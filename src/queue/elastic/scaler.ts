import type { Timer } from '../../core/clock.ts';
import { Following } from '../../core/following.ts';
import { currentOf, type Dyn } from '../../core/live.ts';
import { anything, boolean, check, having, number, object, readOptions, type Rule } from '../../core/options.ts';
import { reportError } from '../../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import { SteadyTime } from '../../core/steady-time.ts';
import { type Bounds, boundsFrom, type WorkerBounds } from './bounds.ts';
import { decide, type ElasticDecision, type ElasticState, elasticState, type ScaleReason } from './law.ts';
import { LoopLag } from './loop-lag.ts';
import { Workload } from './meters.ts';
import type { ElasticOptions } from './options.ts';
import { plateau, type PlateauState, plateauState } from './plateau.ts';

/** A pool that a {@link Scaler} makes larger and smaller. It is read when the number of workers is decided, not for each job. */
export interface ScalerHost {
  /** How many jobs wait that could run now. */
  queued(): number;
  /** How many jobs run. */
  busy(): number;
  /** How long a worker takes to start, measured, in milliseconds; 0 while unknown. */
  coldStartMs(): number;
  /**
   * Called within `onEnqueue`, `onSettle`, `follow` and the scaler's timer: from now on there should be so many workers.
   * Busy ones may stay until they are done. What it throws is reported, not thrown.
   *
   * @param change - how many, from how many, and why
   */
  resize(change: ScaleChange): void;
}

/** A change of the number of workers. */
export interface ScaleChange {
  /** How many there were. */
  readonly from: number;
  /** How many there should be. */
  readonly to: number;
  /** Why. */
  readonly reason: ScaleReason;
}

/** Options of {@link Scaler}. */
export interface ScalerOptions {
  /**
   * Between how many workers, or how many: then nothing scales and no timer is set. A live value may change.
   *
   * @defaultValue `{ min: 1, max: suggestedMax }`
   */
  readonly workers?: Dyn<number | WorkerBounds> | undefined;
  /**
   * The most workers where `workers` does not say, a whole number.
   *
   * @defaultValue 64
   */
  readonly suggestedMax?: number | undefined;
  /**
   * The constants of the law.
   *
   * @defaultValue see {@link ElasticOptions}
   */
  readonly elastic?: ElasticOptions | undefined;
  /**
   * Whether the workers run in this thread: then none is added while its event loop is late.
   *
   * @defaultValue true
   */
  readonly sharesLoop?: boolean | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What a {@link Scaler} knows, and has done. */
export interface ScalerStats {
  /** How many workers there should be. */
  readonly workers: number;
  /** The bounds. */
  readonly min: number;
  /** The bounds. */
  readonly max: number;
  /** What the formula wanted when it was asked last. */
  readonly want: number;
  /** Jobs that become ready to run, a second; not counted where the number is fixed. */
  readonly arrivalsPerSecond: number;
  /** How long a job takes; undefined while unknown. */
  readonly serviceMs: number | undefined;
  /** How many workers the arrivals keep busy. */
  readonly load: number;
  /** Whether the event loop is too late for more workers. */
  readonly lagging: boolean;
  /** The most that the guard allows; undefined without one. */
  readonly limit: number | undefined;
  /** How often the number was changed, for each reason. */
  readonly changes: Readonly<Record<ScaleReason, number>>;
}

const suggestedRule: Rule<number> = number({ min: 1, max: 1_000_000, integer: true });
const hostRule: Rule<ScalerHost> = having('a host', 'queued', 'busy', 'coldStartMs', 'resize');

/**
 * Makes a pool follow its work by {@link decide}: measures arrivals, service times and the event loop's lag, asks the law
 * every `tickMs` while there is work, and when a job finds no idle worker, and tells the pool. `WorkQueue` has one; it is
 * of use by itself for whatever runs jobs and has a number that can be set, a worker of another queue, say.
 *
 * Promises: `workers` is always within the bounds. Its timer does not keep the process alive, and is not set while the pool
 * is idle at its minimum, nor ever where the number is fixed. Between two ticks the law is asked when a job first finds no
 * idle worker, and then each time that as many again wait: adding 100,000 jobs in one turn asks it 17 times. The
 * bounds, where they are live, are looked at each time.
 *
 * The first number is `workers`; the host begins with it. All jobs are of one type, or of up to 16 that are told apart; the
 * 17th and later ones are taken for one.
 *
 * Complexity: O(1) for a job, without allocation.
 *
 * @example
 * ```ts
 * import { Scaler } from 'holdfast/queue';
 *
 * const waiting: number[] = [];
 * let slots = 0;
 * const scaler = new Scaler(
 *   { queued: () => waiting.length, busy: () => slots, coldStartMs: () => 0, resize: ({ to }) => (slots = to) },
 *   { workers: { min: 0, max: 8 } },
 * );
 * scaler.workers // => 0
 * waiting.push(1);
 * scaler.onEnqueue(waiting.length); // nobody is idle, and one waits
 * slots // => 1
 * scaler.close();
 * ```
 */
export class Scaler {
  readonly #host: ScalerHost;
  readonly #runtime: Runtime;
  readonly #time: SteadyTime;
  readonly #state: ElasticState;
  readonly #workload: Workload;
  readonly #lag: LoopLag;
  readonly #following: Following<number | WorkerBounds>;
  readonly #changes: Record<ScaleReason, number> = { backlog: 0, rate: 0, bounds: 0, idle: 0, guard: 0 };
  readonly #guard: PlateauState | undefined;
  #bounds: Bounds = { min: 1, max: 1 };
  #workers: number;
  #want: number;
  /** The number is given and will not change. */
  #fixed = false;
  #closed = false;
  #timer: Timer | undefined;
  #dueMs = 0;
  /** The law is asked when so many wait. */
  #askAt = 1;
  /** Whether a job has ended already. */
  #served = false;

  /**
   * @param host - the pool
   * @param options - bounds and constants
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(host: ScalerHost, options?: ScalerOptions) {
    this.#host = check('host', host, hostRule);
    const values = readOptions('Scaler', options, {
      workers: anything<Dyn<number | WorkerBounds>>(),
      suggestedMax: suggestedRule,
      elastic: object<ElasticOptions>(),
      sharesLoop: boolean,
      runtime: runtimeRule,
    });
    const { workers = {}, suggestedMax = 64, elastic, sharesLoop = true, runtime = systemRuntime } = values;
    this.#runtime = runtime;
    this.#time = new SteadyTime(runtime.clock);
    this.#state = elasticState(elastic);
    this.#workload = new Workload(this.#time.now());
    this.#lag = new LoopLag(sharesLoop ? this.#state.law.maxLagMs : Infinity);
    this.#following = new Following('the number of workers', workers, (value) => {
      this.#bounds = boundsFrom(value, suggestedMax);
    });
    this.#fixed = isFixed(workers, this.#bounds);
    this.#guard = this.#state.law.guard === 'plateau' ? plateauState() : undefined;
    this.#workers = this.#bounds.min;
    this.#want = this.#bounds.min;
  }

  /** How many workers there should be. */
  get workers(): number {
    return this.#workers;
  }

  /**
   * Jobs have become ready to run: they were added, their delay is over, or they are to be tried again.
   *
   * @param stuck - how many wait now because no worker is idle; 0 when one is, or when something else holds them back
   * @param type - of which type they are
   * @param count - how many they are, 1 when absent; 0 when they were told of before and may run again: a pause is over
   */
  onEnqueue(stuck: number, type?: string, count = 1): void {
    if (this.#fixed) return;
    if (this.#timer === undefined) this.#begin();
    this.#workload.arrived(type, count);
    if (stuck >= this.#askAt) this.#ask(this.#time.now());
  }

  /**
   * A worker has begun with a job.
   *
   * @param atMs - when, on the clock of `runtime`
   * @param type - of which type it is
   */
  onStart(atMs: number, type?: string): void {
    this.#workload.started(type, atMs);
  }

  /**
   * A worker is done with a job, whatever came of it.
   *
   * @param startedMs - what `onStart` was told
   * @param endedMs - when, on the clock of `runtime`
   * @param type - of which type it is
   */
  onSettle(startedMs: number, endedMs: number, type?: string): void {
    this.#workload.ended(type, startedMs, endedMs);
    // Now something is known, and those that wait for it should not wait for the tick.
    if (!this.#served) {
      this.#served = true;
      if (this.#timer !== undefined && this.#host.queued() > 0) this.#ask(this.#time.now());
    }
  }

  /**
   * Other bounds, from now on.
   *
   * @param workers - the bounds, or a number
   * @throws {@link HoldfastError} `INVALID_OPTION`, and then the ones before stay
   */
  follow(workers: Dyn<number | WorkerBounds>): void {
    this.#following.follow(workers);
    if (this.#closed) return;
    this.#fixed = isFixed(workers, this.#bounds);
    this.#ask(this.#time.now());
    if (this.#timer === undefined) this.#begin();
  }

  /** What is known now, and what was done. */
  stats(): ScalerStats {
    const nowMs = this.#time.now();
    return {
      workers: this.#workers,
      ...this.#bounds,
      want: this.#want,
      arrivalsPerSecond: this.#workload.perSecond,
      serviceMs: this.#workload.serviceMs(nowMs),
      load: this.#workload.load(nowMs),
      lagging: this.#lag.lagging,
      limit: this.#guard?.limit,
      changes: { ...this.#changes },
    };
  }

  /** Nothing changes any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#fixed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The ticks begin: there is work. */
  #begin(): void {
    if (this.#fixed) return;
    const nowMs = this.#time.now();
    // So that what comes now is not spread over the rest before it.
    this.#workload.fold(nowMs);
    this.#lag.reset();
    this.#arm(nowMs);
  }

  #arm(nowMs: number): void {
    const { tickMs } = this.#state.law;
    this.#dueMs = nowMs + tickMs;
    this.#timer = this.#runtime.clock.setTimer(tickMs, () => {
      this.#tick();
    });
  }

  #tick(): void {
    const nowMs = this.#time.now();
    this.#lag.late(nowMs - this.#dueMs);
    // Set before the law is asked: the host may close the scaler, or add jobs.
    this.#arm(nowMs);
    this.#ask(nowMs, true);
    const atRest = this.#workers === this.#bounds.min && this.#host.queued() === 0 && this.#host.busy() === 0;
    if (atRest || this.#fixed) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #ask(nowMs: number, onTick = false): void {
    this.#following.look();
    this.#workload.fold(nowMs);
    const { min, max } = this.#bounds;
    const [queued, busy] = [this.#host.queued(), this.#host.busy()];
    this.#askAt = Math.max(1, 2 * queued);
    const limit = this.#guard === undefined ? max : this.#guarded(nowMs, queued, busy, onTick);
    const decision = decide(
      {
        nowMs,
        workers: this.#workers,
        busy,
        queued,
        load: this.#workload.load(nowMs),
        serviceMs: this.#workload.serviceMs(nowMs),
        coldStartMs: this.#host.coldStartMs(),
        min,
        max: limit,
        lagging: this.#lag.lagging,
      },
      this.#state,
    );
    this.#want = decision.want;
    if (decision.workers !== this.#workers) this.#resize(decision, limit < max);
  }

  /** The most that the guard allows. It looks at ticks only. */
  #guarded(nowMs: number, queued: number, busy: number, onTick: boolean): number {
    const guard = this.#guard!;
    const { min, max } = this.#bounds;
    if (!onTick) return Math.max(min, Math.min(guard.limit, max));
    const saturated = queued > 0 && busy >= this.#workers && this.#workers >= Math.min(guard.limit, max);
    const coldStartMs = this.#host.coldStartMs();
    return plateau({ nowMs, settled: this.#workload.settled, saturated, coldStartMs, min, max }, guard);
  }

  #resize({ workers, reason }: ElasticDecision, guarded: boolean): void {
    const from = this.#workers;
    const why = guarded && workers < from && reason === 'bounds' ? 'guard' : reason!;
    this.#workers = workers;
    this.#changes[why]++;
    try {
      this.#host.resize({ from, to: workers, reason: why });
    } catch (error) {
      reportError('a pool could not be resized', error);
    }
  }
}

/** Whether the number will never change by itself. */
function isFixed(workers: Dyn<number | WorkerBounds>, { min, max }: Bounds): boolean {
  return min === max && currentOf(workers) === workers;
}
