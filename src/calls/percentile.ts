import { check, having, number, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { SteadyTime } from '../core/steady-time.ts';
import { Durations, silentShareMs } from './survival.ts';

/** Options of {@link percentile}. */
export interface PercentileOptions {
  /**
   * How far back to look, in milliseconds. Where there are few calls, longer, until `warmUp` have answered.
   *
   * @defaultValue 30,000
   */
  readonly windowMs?: number | undefined;
  /**
   * How many originals must have answered before the first hedge.
   *
   * @defaultValue 100
   */
  readonly warmUp?: number | undefined;
  /**
   * The shortest delay, in milliseconds.
   *
   * @defaultValue 1
   */
  readonly minMs?: number | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/**
 * A delay that follows the calls: what {@link percentile} makes, for `after` of a hedge. One of your own may be given too.
 * If it throws, rejects or says a delay that is none (`NaN`, `Infinity`, less than 0), that is reported as a process warning,
 * once, and the call goes on as if nothing were known: no hedge for silence.
 */
export interface Percentile {
  /** After so many milliseconds all but the share asked for have answered; undefined while too little is known. */
  readonly delayMs: number | undefined;
  /**
   * An original has answered.
   *
   * @param ms - how long it took
   */
  answered(ms: number): void;
  /**
   * An original was still silent when it was called off, or it has failed: an answer would have taken longer.
   *
   * @param ms - how long it had been under way
   */
  silent(ms: number): void;
}

/**
 * The delay after which all but a share of calls have answered, learnt from the calls: `percentile(0.95)` hedges 5 % of
 * them. Make one for each kind of call and keep it; one made for a single call never learns.
 *
 * Promises: undefined, so no hedge, until `warmUp` originals have answered; the share of calls that it hedges stays at
 * `1 − p`, whatever the distribution and although the answers of originals that lost are never seen, and below it where many
 * latencies are the same; when more than that never answer, as with a dead replica, the delay stays where answers are.
 * Values are known to 2 % and rounded up. Memory is constant, 17 kB; O(1) for each call, amortised.
 *
 * Does not promise to tell kinds of calls apart: give `after` a function that returns a percentile for each kind.
 *
 * An original that lost, failed or was called off counts as "longer than that", which is all that is known of it. To leave
 * it out (tower) hedges twice as much as asked for; to take it as measured raises the delay without end while a replica is
 * dead.
 *
 * Source: E. Kaplan, P. Meier (1958) for incomplete observations; C. Masson et al., "DDSketch" (2019) for the buckets.
 *
 * @param p - the share of calls that shall not be hedged, 0.01 to 0.9999
 * @param options - window, warm-up, least delay
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { hedge, percentile } from 'holdfast/calls';
 *
 * const p95 = percentile(0.95, { warmUp: 20 });
 * const ask = hedge(async (key: string) => key.length, { after: p95 });
 * p95.delayMs // => undefined
 * for (let i = 0; i < 20; i++) await ask('tea');
 * p95.delayMs // => 1
 * ```
 */
export function percentile(p: number, options?: PercentileOptions): Percentile {
  check('p', p, number({ min: 0.01, max: 0.9999 }));
  const values = readOptions('percentile', options, {
    windowMs: number({ min: 1 }),
    warmUp: number({ min: 1, integer: true }),
    minMs: number({ min: 0 }),
    runtime: runtimeRule,
  });
  const { windowMs = 30_000, warmUp = 100, minMs = 1, runtime = systemRuntime } = values;
  return new LearntPercentile(1 - p, { windowMs, warmUp, minMs }, new SteadyTime(runtime.clock));
}

/** Two half windows that take turns. One ends when its time is over and it has enough: what is warm stays warm. */
class LearntPercentile implements Percentile {
  readonly #share: number;
  readonly #options: { readonly windowMs: number; readonly warmUp: number; readonly minMs: number };
  readonly #time: SteadyTime;
  #current = new Durations();
  #previous = new Durations();
  #startMs: number;
  #unseen = 0;
  #delayMs: number | undefined;

  constructor(share: number, options: Readonly<Record<'windowMs' | 'warmUp' | 'minMs', number>>, time: SteadyTime) {
    this.#share = share;
    this.#options = options;
    this.#time = time;
    this.#startMs = time.now();
  }

  get delayMs(): number | undefined {
    return this.#delayMs;
  }

  answered(ms: number): void {
    this.#add(ms, true);
  }

  silent(ms: number): void {
    this.#add(ms, false);
  }

  #add(ms: number, answered: boolean): void {
    const { windowMs, warmUp } = this.#options;
    const nowMs = this.#time.now();
    if (nowMs - this.#startMs >= windowMs / 2 && this.#current.answered >= warmUp) this.#turn(nowMs);
    this.#current.add(ms, answered);
    this.#unseen++;
    this.#look();
  }

  #turn(nowMs: number): void {
    [this.#current, this.#previous] = [this.#previous, this.#current];
    this.#current.clear();
    this.#startMs = nowMs;
  }

  /** Reckons anew when about 3 % are new: a thousand buckets a look would be much for each call. */
  #look(): void {
    const { warmUp, minMs } = this.#options;
    const parts = [this.#previous, this.#current];
    if (this.#previous.answered + this.#current.answered < warmUp) return;
    const enough = Math.max(8, (this.#previous.total + this.#current.total) / 32);
    if (this.#delayMs !== undefined && this.#unseen < enough) return;
    this.#unseen = 0;
    this.#delayMs = Math.max(minMs, silentShareMs(parts, this.#share)!);
  }
}

/** @internal Something that gives a delay and wants to learn. */
export const percentileRule: Rule<Percentile> = having<Percentile>('a percentile(p)', 'answered', 'silent');
