import type { CallLimits } from '../calls/call.ts';
import { check } from '../core/options.ts';
import type { Runtime } from '../core/runtime.ts';
import { onAbort, signalRule } from '../core/signals.ts';
import { checkCondition, type Condition, workUnder } from './condition.ts';
import { fault } from './errors.ts';
import { type Job, jobOf, type Served } from './job.ts';
import type { Latency, ServerLoad } from './latency.ts';
import { serverSettings, type SimulatedServerOptions } from './server-options.ts';
import { type ServerStats, Station } from './station.ts';

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
  readonly #drops: boolean;
  readonly #runtime: Runtime;
  readonly #station: Station;
  readonly #load: ServerLoad;
  #condition: Condition = 'healthy';
  #conditionSinceMs: number;

  /**
   * @param options - how fast, how many at a time, what happens to it
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options: SimulatedServerOptions) {
    const { id, latency, workers, maxQueued, onAbort, phases, runtime } = serverSettings(options);
    this.id = id;
    this.#latency = latency;
    this.#drops = onAbort === 'drop';
    this.#runtime = runtime;
    this.#station = new Station(workers, maxQueued);
    this.#conditionSinceMs = runtime.clock.now();
    this.#load = loadOf(
      () => this.#station.size,
      () => runtime.clock.now() - this.#conditionSinceMs,
    );
    for (const { fromMs, condition } of phases) {
      if (fromMs === 0) this.become(condition);
      else runtime.clock.setTimer(fromMs, () => this.become(condition));
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
      const job = jobOf(this.#runtime.clock.now(), resolve, reject);
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
    if (condition === 'dead') for (const job of this.#station.jobs()) this.#fail(job, 'the connection was lost');
    if (condition === 'stalled') return;
    for (const job of this.#station.jobs()) if (job.state === 'held') this.#finish(job);
    this.#startNext();
  }

  /** What has become of the requests. */
  stats(): ServerStats {
    return this.#station.stats();
  }

  #arrive(job: Job): void {
    const station = this.#station;
    station.arrive(job);
    if (this.#condition === 'dead') this.#fail(job, 'the connection was refused');
    else if (this.#condition === 'silent') station.swallow(job);
    else if (this.#mayStart()) this.#start(job);
    else if (station.isFull) this.#fail(job, 'the queue is full');
    else station.queue(job);
  }

  #mayStart(): boolean {
    return this.#station.hasFreeWorker && this.#condition !== 'stalled';
  }

  #start(job: Job): void {
    const { clock, random } = this.#runtime;
    this.#station.work(job);
    job.startedMs = clock.now();
    const { workMs, fails } = workUnder(this.#condition, this.#latency, random, this.#load);
    job.fails = fails;
    job.timer = clock.setTimer(workMs, () => {
      if (this.#condition === 'stalled') this.#station.hold(job);
      else this.#finish(job);
    });
  }

  #startNext(): void {
    while (this.#mayStart()) {
      const job = this.#station.next();
      if (job === undefined) return;
      this.#start(job);
    }
  }

  #finish(job: Job): void {
    if (job.fails) {
      this.#fail(job, 'the request failed');
    } else {
      const { arrivedMs, startedMs } = job;
      this.#leave(job, 'done');
      const workedMs = this.#runtime.clock.now() - startedMs;
      if (!job.abandoned) job.resolve({ id: this.id, waitedMs: startedMs - arrivedMs, workedMs });
    }
    this.#startNext();
  }

  #fail(job: Job, why: string): void {
    this.#leave(job, 'failed');
    if (!job.abandoned) job.reject(fault(`${this.id}: ${why}`));
  }

  /** The caller has gone; the work goes only where the server notices. */
  #abandon(job: Job, reason: unknown): void {
    job.reject(reason);
    job.abandoned = true;
    if (!this.#drops) return;
    this.#leave(job, 'cancelled');
    this.#startNext();
  }

  #leave(job: Job, how: 'done' | 'failed' | 'cancelled'): void {
    this.#station.leave(job, how);
    job.timer?.cancel();
    job.unlink?.();
  }
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
