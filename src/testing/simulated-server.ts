import type { CallLimits } from '../calls/call.ts';
import type { Timer } from '../core/clock.ts';
import { anything, check, func, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import { checkCondition, checkPhases, type Condition, type Phase } from './condition.ts';
import { fault } from './errors.ts';
import type { Latency, ServerLoad } from './latency.ts';
import { WaitingLine } from './waiting-line.ts';

/** Options of {@link SimulatedServer}. */
export interface SimulatedServerOptions {
  /** How long the work on a request takes. */
  readonly latency: Latency;
  /**
   * How many requests are worked on at the same time; the others wait, first come, first served.
   *
   * @defaultValue `Infinity`: nobody waits
   */
  readonly workers?: number | undefined;
  /**
   * How many requests may wait; one more fails at once.
   *
   * @defaultValue `Infinity`
   */
  readonly maxQueued?: number | undefined;
  /**
   * What becomes of a request whose caller has called it off: `'drop'` frees its place or its worker at once, `'finish'`
   * does the work for nobody, as most servers do.
   *
   * @defaultValue `'drop'`
   */
  readonly onAbort?: 'drop' | 'finish' | undefined;
  /**
   * What happens to the server over time: from an instant on, counted from when it is made, it is in this condition.
   *
   * @defaultValue none: it is healthy until {@link SimulatedServer.become}
   */
  readonly phases?: readonly Phase[] | undefined;
  /**
   * Who it is; the identity that a `LoadBalancer` takes.
   *
   * @defaultValue `'server'`
   */
  readonly id?: string | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What a {@link SimulatedServer} answers. */
export interface Served {
  /** Who. */
  readonly id: string;
  /** Milliseconds in the queue. */
  readonly waitedMs: number;
  /** Milliseconds of work. */
  readonly workedMs: number;
}

/**
 * A snapshot of a {@link SimulatedServer}. Nothing is lost: `arrived` is the sum of `done`, `failed`, `cancelled`, `queued`,
 * `busy` and `swallowed`.
 */
export interface ServerStats {
  /** Requests that have come. */
  readonly arrived: number;
  /** Requests that were answered. */
  readonly done: number;
  /** Requests that failed, refused ones included. */
  readonly failed: number;
  /** Requests that were called off and dropped. */
  readonly cancelled: number;
  /** Requests that wait for a worker. */
  readonly queued: number;
  /** Requests that are worked on, or whose answer a stalled server holds back. */
  readonly busy: number;
  /** Requests that a silent server has taken and never answers. */
  readonly swallowed: number;
  /** Of those `done` and `failed`: whose caller had gone. */
  readonly wasted: number;
}

interface Job {
  readonly arrivedMs: number;
  readonly resolve: (served: Served) => void;
  readonly reject: (error: unknown) => void;
  unlink: Unlink | undefined;
  state: 'queued' | 'working' | 'held' | 'swallowed' | 'over';
  startedMs: number;
  fails: boolean;
  timer: Timer | undefined;
  abandoned: boolean;
}

/**
 * A server as queueing theory has it: requests come, wait for one of k workers, are worked on for a time that is drawn, and
 * are answered or fail. It may turn slow, fail, die, swallow what it gets or stall, and recover. Under a `VirtualClock` a
 * whole day of a service is some seconds, and what calls it is your real code.
 *
 * Promises: requests are served in the order of their arrival; none is lost or counted twice, whatever happens (see
 * {@link ServerStats}); a call that was called off rejects in that turn with the signal's reason; a run is a function of its
 * seed. Does not look at deadlines: a `LoadBalancer`, a hedge or a gather does, and calls off.
 *
 * Complexity: O(log n) for each request with n timers on the clock. Some 10⁵ to 10⁶ requests per second of processor time.
 *
 * Source: D. G. Kendall's G/G/k queue (1953), with failures.
 *
 * @example
 * ```ts
 * import { LoadBalancer } from 'holdfast/balancing';
 * import { latency, openLoop, seededRandom, SimulatedServer, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const random = seededRandom(1);
 * const servers = ['a', 'b', 'c'].map(
 *   (id) =>
 *     new SimulatedServer({
 *       id,
 *       latency: latency.exponential(20),
 *       workers: 4,
 *       phases: id === 'a' ? [{ fromMs: 2_000, condition: 'dead' }, { fromMs: 4_000, condition: 'healthy' }] : [],
 *       runtime: { clock, random: random.stream(id) },
 *     }),
 * );
 * const pool = new LoadBalancer(servers, { runtime: { clock, random: random.stream('pool') } });
 * const load = openLoop(() => pool.run((server, attempt) => server.call(undefined, attempt)), {
 *   perSecond: 300,
 *   durationMs: 10_000,
 *   runtime: { clock, random: random.stream('load') },
 * });
 * await clock.runUntilIdle();
 * load.report().successShare > 0.99 // => true
 * load.report().percentileMs(0.5) < 30 // => true
 * ```
 */
export class SimulatedServer {
  /** Who it is. */
  readonly id: string;
  readonly #latency: Latency;
  readonly #workers: number;
  readonly #maxQueued: number;
  readonly #drops: boolean;
  readonly #runtime: Runtime;
  readonly #load: ServerLoad;
  readonly #waiting = new WaitingLine<Job>();
  readonly #present = new Set<Job>();
  #condition: Condition = 'healthy';
  #conditionSinceMs: number;
  #arrived = 0;
  #done = 0;
  #failed = 0;
  #cancelled = 0;
  #busy = 0;
  #swallowed = 0;
  #wasted = 0;

  /**
   * @param options - how fast, how many at a time, what happens to it
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options: SimulatedServerOptions) {
    const values = readOptions('SimulatedServer', options, {
      latency: func<Latency>(),
      workers: countRule(1),
      maxQueued: countRule(0),
      onAbort: oneOf('drop', 'finish'),
      phases: anything<readonly Phase[]>(),
      id: idRule,
      runtime: runtimeRule,
    });
    this.#latency = check('latency', values.latency, func<Latency>());
    this.#workers = values.workers ?? Infinity;
    this.#maxQueued = values.maxQueued ?? Infinity;
    this.#drops = values.onAbort !== 'finish';
    this.#runtime = values.runtime ?? systemRuntime;
    this.id = values.id ?? 'server';
    this.#conditionSinceMs = this.#runtime.clock.now();
    this.#load = loadOf(
      () => this.#present.size,
      () => this.#runtime.clock.now() - this.#conditionSinceMs,
    );
    for (const { fromMs, condition } of checkPhases(values.phases)) {
      if (fromMs === 0) this.become(condition);
      else this.#runtime.clock.setTimer(fromMs, () => this.become(condition));
    }
  }

  /**
   * Sends a request. A `Call`, but for the `this`: hand on `(request, options) => server.call(request, options)`.
   *
   * @param _request - anything; only its arrival counts
   * @param options - `signal` calls it off
   * @returns who answered, and how long it took; rejects with `FAULT` when the server fails or refuses, and with the
   * signal's reason when it was called off
   * @throws {@link HoldfastError} `FAULT`, `INVALID_OPTION`, as a rejection
   */
  call(_request?: unknown, options?: CallLimits): Promise<Served> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal !== undefined && check('signal', signal, signalRule).aborted) {
        reject(signal.reason as Error);
        return;
      }
      const job: Job = {
        arrivedMs: this.#runtime.clock.now(),
        resolve,
        reject,
        unlink: undefined,
        state: 'queued',
        startedMs: 0,
        fails: false,
        timer: undefined,
        abandoned: false,
      };
      this.#arrive(job);
      if (job.state !== 'over' && signal !== undefined)
        job.unlink = onAbort(signal, (reason) => {
          this.#abandon(job, reason);
        });
    });
  }

  /**
   * Puts the server in another condition.
   *
   * @param condition - see {@link Condition}
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  become(condition: Condition): void {
    this.#condition = checkCondition(condition);
    this.#conditionSinceMs = this.#runtime.clock.now();
    if (condition === 'dead') for (const job of [...this.#present]) this.#fail(job, 'the connection was lost');
    if (condition === 'stalled') return;
    for (const job of [...this.#present]) if (job.state === 'held') this.#finish(job);
    this.#startNext();
  }

  /** What has become of the requests. */
  stats(): ServerStats {
    return {
      arrived: this.#arrived,
      done: this.#done,
      failed: this.#failed,
      cancelled: this.#cancelled,
      queued: this.#waiting.size,
      busy: this.#busy,
      swallowed: this.#swallowed,
      wasted: this.#wasted,
    };
  }

  #arrive(job: Job): void {
    this.#arrived++;
    this.#present.add(job);
    if (this.#condition === 'dead') {
      this.#fail(job, 'the connection was refused');
    } else if (this.#condition === 'silent') {
      job.state = 'swallowed';
      this.#swallowed++;
    } else if (this.#mayStart()) {
      this.#start(job);
    } else if (this.#waiting.size >= this.#maxQueued) {
      this.#fail(job, 'the queue is full');
    } else {
      this.#waiting.add(job);
    }
  }

  #mayStart(): boolean {
    return this.#busy < this.#workers && this.#condition !== 'stalled';
  }

  #start(job: Job): void {
    const { clock, random } = this.#runtime;
    const { latency = this.#latency, failRate = 0 } = typeof this.#condition === 'object' ? this.#condition : {};
    job.state = 'working';
    job.startedMs = clock.now();
    this.#busy++;
    const workMs = Math.max(0, latency(random, this.#load));
    job.fails = failRate > 0 && random() < failRate;
    job.timer = clock.setTimer(workMs, () => {
      if (this.#condition === 'stalled') job.state = 'held';
      else this.#finish(job);
    });
  }

  #startNext(): void {
    while (this.#waiting.size > 0 && this.#mayStart()) this.#start(this.#waiting.take()!);
  }

  #finish(job: Job): void {
    if (job.fails) {
      this.#fail(job, 'the request failed');
    } else {
      const { id } = this;
      const served = {
        id,
        waitedMs: job.startedMs - job.arrivedMs,
        workedMs: this.#runtime.clock.now() - job.startedMs,
      };
      this.#leave(job);
      this.#done++;
      if (job.abandoned) this.#wasted++;
      else job.resolve(served);
    }
    this.#startNext();
  }

  #fail(job: Job, why: string): void {
    this.#leave(job);
    this.#failed++;
    if (job.abandoned) this.#wasted++;
    else job.reject(fault(`${this.id}: ${why}`));
  }

  /** The caller has gone; the work goes only where the server notices. */
  #abandon(job: Job, reason: unknown): void {
    job.reject(reason);
    job.abandoned = true;
    if (!this.#drops) return;
    this.#leave(job);
    this.#cancelled++;
    this.#startNext();
  }

  /** Takes the job out, wherever it is. */
  #leave(job: Job): void {
    if (job.state === 'working' || job.state === 'held') this.#busy--;
    else if (job.state === 'swallowed') this.#swallowed--;
    else this.#waiting.delete(job);
    job.timer?.cancel();
    job.unlink?.();
    job.state = 'over';
    this.#present.delete(job);
  }
}

const idRule: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };

function countRule(min: number): Rule<number> {
  const finite = number({ min, integer: true });
  return {
    expected: `${finite.expected} or Infinity`,
    accepts: (value) => value === Infinity || finite.accepts(value),
  };
}

function loadOf(inFlight: () => number, sinceMs: () => number): ServerLoad {
  return {
    get inFlight() {
      return inFlight();
    },
    get sinceMs() {
      return sinceMs();
    },
  };
}
