import type { PoolView } from './cost.ts';

/** While a member has answered less often, the pool's median counts for more than its answers. */
const coldAnswers = 5;
/** So many times the pool's median is the most that is remembered: the longer it is, the longer the way back. */
const mostTimesMedian = 10;
/** @internal The least latency there is, in milliseconds: with none at all, calls in flight would count nothing. */
export const leastMs = 0.1;

/**
 * @internal How long a member takes: a peak-sensitive average (peak EWMA). It jumps up to a slow answer at once and comes
 * down with the time constant τ.
 *
 * - without an answer for a while the reading falls, so that a member that was slow is tried again
 * - failures and calls that were given up only raise it: who fails fast is not fast
 * - the first five answers each move it a fifth of the way to them, from the pool's median at first: a cold answer says little
 */
export class LatencyEstimate {
  readonly #tauMs: number;
  readonly #pool: PoolView;
  #ms: number | undefined;
  #stampMs = 0;
  #answers = 0;

  constructor(tauMs: number, pool: PoolView) {
    this.#tauMs = tauMs;
    this.#pool = pool;
  }

  /** The estimate as of the last call, undefined before. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** What to reckon with now; the pool's median while nothing is known, 0 while nothing is known of the pool. */
  read(now: number): number {
    return this.#ms === undefined ? (this.#pool.medianMs(now) ?? 0) : this.#decayed(this.#ms, now);
  }

  /** A call was served in `ms`. */
  answered(ms: number, now: number): void {
    if (this.#answers < coldAnswers) {
      const before = this.#ms === undefined ? (this.#pool.medianMs(now) ?? ms) : this.#decayed(this.#ms, now);
      this.#set(before + (this.#within(ms, now) - before) / coldAnswers, now);
    } else {
      const weight = Math.exp(Math.min(0, this.#stampMs - now) / this.#tauMs);
      const before = this.#ms! * weight;
      this.#set(ms >= before ? ms : ms + (before - ms) * weight, now);
    }
    this.#answers++;
  }

  /** A call failed after `ms`. */
  failed(ms: number, now: number): void {
    // The time since the last call earns nothing: a member that fails is not tried more often for it.
    this.#set(Math.max(ms, this.#ms ?? this.#pool.medianMs(now) ?? ms), now);
  }

  /** A call was given up after `ms`. */
  waited(ms: number, now: number): void {
    if (ms > this.read(now)) this.#set(ms, now);
  }

  #set(ms: number, now: number): void {
    this.#ms = this.#within(ms, now);
    this.#stampMs = now;
  }

  /** What is remembered of a slow answer: no more than was before, or so many times the median. */
  #within(ms: number, now: number): number {
    const before = this.#ms ?? 0;
    const median = ms > before ? this.#pool.medianMs(now) : undefined;
    const most = median === undefined ? Infinity : mostTimesMedian * Math.max(leastMs, median);
    return Math.min(ms, Math.max(before, most));
  }

  #decayed(ms: number, now: number): number {
    return ms * Math.exp(Math.min(0, this.#stampMs - now) / this.#tauMs);
  }
}
