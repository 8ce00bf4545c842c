import { number, readOptions } from '../core/options.ts';
import type { Cost } from './cost.ts';
import { LatencyEstimate, leastMs } from './latency-estimate.ts';

/** Options of {@link peakEwma}. */
export interface PeakEwmaOptions {
  /**
   * The time constant in milliseconds with which a slow answer is forgotten.
   *
   * @defaultValue 10000
   */
  readonly tauMs?: number | undefined;
}

/** @internal A time constant. */
export const tauRule = number({ min: 1 });

/**
 * The cost is the latency that a member has shown lately, peaks first, times the calls in flight, this one included, over the
 * weight. Failures only raise it, but do not count otherwise; and a member that has gone silent is noticed late, when its calls
 * end. The default, {@link latencyAndFailures}, sees both.
 *
 * Source: Finagle's `p2cPeakEwma`.
 *
 * @param options - how long slowness is remembered
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { LoadBalancer, peakEwma } from 'holdfast/balancing';
 *
 * const pool = new LoadBalancer(['a', 'b'], { cost: peakEwma({ tauMs: 5_000 }), choices: 2 });
 * pool.stats().members.map(({ latencyMs }) => latencyMs) // => [undefined, undefined]
 * ```
 */
export function peakEwma(options?: PeakEwmaOptions): Cost {
  const { tauMs = 10_000 } = readOptions('peakEwma', options, { tauMs: tauRule });
  return (pool) => (member) => {
    const latency = new LatencyEstimate(tauMs, pool);
    return {
      cost: (now) => (Math.max(leastMs, latency.read(now)) * (member.pending + 1)) / member.weight,
      settled(verdict, ms, now) {
        if (verdict === 'ok') latency.answered(ms, now);
        else if (verdict === 'failed') latency.failed(ms, now);
        else latency.waited(ms, now);
      },
      latencyMs: () => latency.ms,
    };
  };
}
