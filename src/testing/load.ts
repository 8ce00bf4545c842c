import { invoke } from '../core/scope.ts';
import { check, func, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { LoadReport, type SentCall } from './load-report.ts';

/** A stretch of time, by the start of the calls, in milliseconds since the load began. */
export interface LoadWindow {
  /**
   * The first instant.
   *
   * @defaultValue 0
   */
  readonly fromMs?: number | undefined;
  /**
   * The end, exclusive.
   *
   * @defaultValue `Infinity`
   */
  readonly toMs?: number | undefined;
}

/** A load that was started, and what has come of it so far. */
export interface Load {
  /**
   * What has become of the calls up to now.
   *
   * @param window - only calls that were started in it
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  report(window?: LoadWindow): LoadReport;
}

/** Options of {@link openLoop}. */
export interface OpenLoopOptions {
  /** How many calls start in a second, on average. */
  readonly perSecond: number;
  /** For how long, in milliseconds. */
  readonly durationMs: number;
  /**
   * `'poisson'`: as many independent users call, at random; `'constant'`: evenly, the first at once.
   *
   * @defaultValue `'poisson'`
   */
  readonly arrivals?: 'poisson' | 'constant' | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** Options of {@link closedLoop}. */
export interface ClosedLoopOptions {
  /** How many callers there are, each with one call at a time. */
  readonly clients: number;
  /** How many calls they make together. */
  readonly calls: number;
  /**
   * How long a caller waits between an answer and his next call, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly thinkMs?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/**
 * Calls at a rate that does not depend on the answers, as the users of a service do: when it is slow, calls pile up. That
 * is the load to judge overload and outages by. (A closed loop waits with the service and hides what users would see.)
 *
 * Every call's promise is handled; a call that throws has failed. One timer at a time.
 *
 * @param call - makes one call; gets its number, from 0
 * @param options - rate, length, kind
 * @returns the load; move the clock, then ask for its report
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { openLoop, seededRandom, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const load = openLoop(() => clock.sleep(30), {
 *   perSecond: 100,
 *   durationMs: 1_000,
 *   arrivals: 'constant',
 *   runtime: { clock, random: seededRandom(1) },
 * });
 * await clock.runUntilIdle();
 * const { sent, ok, meanMs } = load.report();
 * [sent, ok, meanMs] // => [100, 100, 30]
 * ```
 */
export function openLoop(call: (n: number) => unknown, options: OpenLoopOptions): Load {
  check('call', call, func());
  const values = readOptions('openLoop', options, {
    perSecond: number({ min: 1e-9 }),
    durationMs: number({ min: 0 }),
    arrivals: oneOf('poisson', 'constant'),
    runtime: runtimeRule,
  });
  const everyMs = 1_000 / check('perSecond', values.perSecond, number({ min: 1e-9 }));
  const durationMs = check('durationMs', values.durationMs, number({ min: 0 }));
  const { clock, random } = values.runtime ?? systemRuntime;
  const recorder = new Recorder(call, clock);
  const poisson = values.arrivals !== 'constant';
  const gapMs = (): number => -everyMs * Math.log1p(-random());
  const next = (dueMs: number): void => {
    if (dueMs >= durationMs) return;
    // From the start and not from the last one: gaps of fractions would add up their rounding.
    clock.setTimer(
      dueMs - recorder.elapsedMs,
      () => {
        const n = recorder.count;
        void recorder.send();
        next(poisson ? dueMs + gapMs() : (n + 1) * everyMs);
      },
      { ref: true },
    );
  };
  next(poisson ? gapMs() : 0);
  return recorder;
}

/**
 * Calls by a fixed number of callers, each of whom waits for the answer before he calls again: workers of a pool, a load
 * generator, a batch. When the service is slow, they call less.
 *
 * @param call - makes one call; gets its number, from 0
 * @param options - how many callers, how many calls
 * @returns the load; move the clock, then ask for its report
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { closedLoop, seededRandom, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const load = closedLoop(() => clock.sleep(30), {
 *   clients: 2,
 *   calls: 10,
 *   runtime: { clock, random: seededRandom(1) },
 * });
 * await clock.runUntilIdle();
 * load.report().wallMs // => 150
 * ```
 */
export function closedLoop(call: (n: number) => unknown, options: ClosedLoopOptions): Load {
  check('call', call, func());
  const count = number({ min: 1, integer: true });
  const values = readOptions('closedLoop', options, {
    clients: count,
    calls: count,
    thinkMs: number({ min: 0 }),
    runtime: runtimeRule,
  });
  const clients = check('clients', values.clients, count);
  const calls = check('calls', values.calls, count);
  const { thinkMs = 0, runtime: { clock } = systemRuntime } = values;
  const recorder = new Recorder(call, clock);
  const client = async (): Promise<void> => {
    while (recorder.count < calls) {
      await recorder.send();
      if (thinkMs > 0) await clock.sleep(thinkMs);
    }
  };
  for (let i = 0; i < clients; i++) void client();
  return recorder;
}

/** Makes calls and writes down what becomes of them. */
class Recorder implements Load {
  readonly #call: (n: number) => unknown;
  readonly #clock: Runtime['clock'];
  readonly #startMs: number;
  readonly #calls: SentCall[] = [];

  constructor(call: (n: number) => unknown, clock: Runtime['clock']) {
    this.#call = call;
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  get count(): number {
    return this.#calls.length;
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startMs;
  }

  /** Resolves when the call has settled, either way. */
  send(): Promise<void> {
    const startMs = this.elapsedMs;
    const sent: SentCall = { startMs, tookMs: Infinity, ok: false };
    const n = this.#calls.push(sent) - 1;
    const settled = (ok: boolean): void => {
      sent.ok = ok;
      sent.tookMs = this.elapsedMs - startMs;
    };
    return invoke(() => this.#call(n)).then(
      () => settled(true),
      () => settled(false),
    );
  }

  report(window?: LoadWindow): LoadReport {
    const bound: Rule<number> = {
      expected: 'a number of milliseconds',
      accepts: (value) => typeof value === 'number' && !Number.isNaN(value),
    };
    const { fromMs = 0, toMs = Infinity } = readOptions('report', window, { fromMs: bound, toMs: bound });
    return new LoadReport(this.#calls.filter(({ startMs }) => startMs >= fromMs && startMs < toMs));
  }
}
