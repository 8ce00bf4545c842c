import { check, number } from '../core/options.ts';

/** @internal One call of a load. */
export interface SentCall {
  /** Since the load began. */
  readonly startMs: number;
  /** `Infinity` while it is open. */
  tookMs: number;
  ok: boolean;
}

/**
 * What became of a load's calls. Latencies are those of calls that succeeded; shares are of all calls that were sent, so a
 * call that failed or never settled counts against them.
 *
 * @example
 * ```ts
 * import { closedLoop, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const load = closedLoop((n) => clock.sleep(n === 9 ? 500 : 10), { clients: 1, calls: 10, runtime: { clock, random: Math.random } });
 * await clock.runUntilIdle();
 * const report = load.report();
 * [report.percentileMs(0.9), report.percentileMs(1), report.meanMs] // => [10, 500, 59]
 * report.within(100) // => 0.9
 * ```
 */
export class LoadReport {
  /** Calls that were made. */
  readonly sent: number;
  /** Calls that succeeded. */
  readonly ok: number;
  /** Calls that failed. */
  readonly failed: number;
  /** Calls that have not settled yet. */
  readonly open: number;
  /** The mean latency; NaN when none succeeded. */
  readonly meanMs: number;
  /** From the start of the first call to the end of the last that has settled, in milliseconds; 0 when none has. */
  readonly wallMs: number;
  readonly #sortedMs: Float64Array;

  /** @internal */
  constructor(calls: readonly SentCall[]) {
    const settled = calls.filter(({ tookMs }) => tookMs !== Infinity);
    const good = settled.filter(({ ok }) => ok);
    this.sent = calls.length;
    this.ok = good.length;
    this.failed = settled.length - good.length;
    this.open = calls.length - settled.length;
    this.#sortedMs = Float64Array.from(good, ({ tookMs }) => tookMs).sort();
    this.meanMs = this.#sortedMs.reduce((sum, ms) => sum + ms, 0) / good.length;
    this.wallMs = settled.reduce(
      (most, { startMs, tookMs }) => Math.max(most, startMs + tookMs - calls[0]!.startMs),
      0,
    );
  }

  /** The share of calls that succeeded; NaN when none was sent. */
  get successShare(): number {
    return this.ok / this.sent;
  }

  /**
   * The latency that a share `p` of the calls that succeeded did not exceed, by nearest rank: 0.99 is the 99th percentile,
   * 1 the longest, 0 the shortest. NaN when none succeeded. O(1).
   *
   * @param p - from 0 to 1
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  percentileMs(p: number): number {
    check('p', p, number({ min: 0, max: 1 }));
    return this.#sortedMs[Math.max(0, Math.ceil(p * this.ok) - 1)] ?? NaN;
  }

  /**
   * The share of all calls sent that succeeded within a bound; NaN when none was sent. O(log n).
   *
   * @param ms - the bound, inclusive
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  within(ms: number): number {
    check('ms', ms, number({ min: 0 }));
    let [low, high] = [0, this.ok];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sortedMs[middle]! <= ms) low = middle + 1;
      else high = middle;
    }
    return low / this.sent;
  }
}
