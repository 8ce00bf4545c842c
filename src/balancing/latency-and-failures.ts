import { number, readOptions } from '../core/options.ts';
import type { Cost, CostSignal, MemberView, PoolView, Verdict } from './cost.ts';
import { LatencyEstimate, leastMs } from './latency-estimate.ts';
import { tauRule } from './peak-ewma.ts';
import { RecentFailures } from './recent-failures.ts';

/** Options of {@link latencyAndFailures}. */
export interface LatencyAndFailuresOptions {
  /**
   * The time constant in milliseconds with which a slow answer is forgotten.
   *
   * @defaultValue 10000
   */
  readonly tauMs?: number | undefined;
  /**
   * How many calls in flight a recent failure counts for.
   *
   * @defaultValue 15
   */
  readonly failureWeight?: number | undefined;
  /**
   * The time constant in milliseconds with which a failure is forgotten when no success halves it before.
   *
   * @defaultValue 5000
   */
  readonly failureTauMs?: number | undefined;
}

interface Settings {
  readonly tauMs: number;
  readonly failureWeight: number;
  readonly failureTauMs: number;
}

/**
 * The default cost: what a call would have to wait behind, were failures calls in flight.
 *
 * `max(latency, age of the oldest call in flight) × (calls in flight + 1 + failureWeight × recent failures) ÷ weight`
 *
 * The latency is that of {@link peakEwma}. The age shows a member that has gone silent before any of its calls ends. A failure
 * counts as calls in flight and not as milliseconds, so that it weighs the same whether calls take 2 ms or 2 s; it halves with
 * each success and is forgotten with `failureTauMs`.
 *
 * @param options - the constants
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { latencyAndFailures, LoadBalancer } from 'holdfast/balancing';
 *
 * const pool = new LoadBalancer(['a', 'b'], { cost: latencyAndFailures({ failureWeight: 30 }) });
 * await pool.run((member) => member.length) // => 1
 * ```
 */
export function latencyAndFailures(options?: LatencyAndFailuresOptions): Cost {
  const values = readOptions('latencyAndFailures', options, {
    tauMs: tauRule,
    failureWeight: number({ min: 0 }),
    failureTauMs: tauRule,
  });
  const { tauMs = 10_000, failureWeight = 15, failureTauMs = 5_000 } = values;
  return (pool) => (member) => new LatencyAndFailures({ tauMs, failureWeight, failureTauMs }, pool, member);
}

class LatencyAndFailures implements CostSignal {
  readonly #failureWeight: number;
  readonly #member: MemberView;
  readonly #latency: LatencyEstimate;
  readonly #failures: RecentFailures;

  constructor({ tauMs, failureWeight, failureTauMs }: Settings, pool: PoolView, member: MemberView) {
    this.#failureWeight = failureWeight;
    this.#member = member;
    this.#latency = new LatencyEstimate(tauMs, pool);
    this.#failures = new RecentFailures(failureTauMs);
  }

  cost(now: number): number {
    const member = this.#member;
    const waitMs = Math.max(leastMs, this.#latency.read(now), member.ageMs(now));
    return (waitMs * (member.pending + 1 + this.#failureWeight * this.#failures.read(now))) / member.weight;
  }

  settled(verdict: Verdict, ms: number, now: number): void {
    if (verdict === 'ok') {
      this.#latency.answered(ms, now);
      this.#failures.succeeded(now, now - ms);
    } else if (verdict === 'failed') {
      this.#latency.failed(ms, now);
      this.#failures.failed(now, now - ms);
    } else {
      this.#latency.waited(ms, now);
    }
  }

  latencyMs(): number | undefined {
    return this.#latency.ms;
  }

  failures(now: number): number {
    return this.#failures.read(now);
  }
}
