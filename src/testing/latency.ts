import { check, func, number } from '../core/options.ts';
import type { Random } from '../core/random.ts';

/** What a server's speed may depend on, as a {@link Latency} sees it. */
export interface ServerLoad {
  /** Requests that are with the server, the one in question included. */
  readonly inFlight: number;
  /** Milliseconds since the server's condition last changed. */
  readonly sinceMs: number;
}

/**
 * How long the work on one request takes, in milliseconds: a draw from a distribution. Write your own, or take one of
 * {@link latency}. Below 0 counts as 0.
 */
export type Latency = (random: Random, load: ServerLoad) => number;

/** The members of {@link latency}. */
export interface Latencies {
  /** Always the same. */
  constant(ms: number): Latency;
  /** Uniform from `minMs` to below `maxMs`. */
  uniform(minMs: number, maxMs: number): Latency;
  /** Exponential: most are short, a few long. Without memory, so queueing theory has formulas for it. */
  exponential(meanMs: number): Latency;
  /** Normal; what falls below 0 is 0. */
  normal(meanMs: number, deviationMs: number): Latency;
  /** Lognormal, the usual shape of a service's latency: `sigma` is the deviation of the logarithm; the mean is `medianMs · exp(sigma²/2)`. */
  logNormal(medianMs: number, sigma: number): Latency;
  /** The one or the other: `rare` with a probability of `share`. */
  bimodal(usual: Latency, rare: Latency, share: number): Latency;
  /** From the one to the other, in a straight line over the first `overMs` of the server's condition: a recovery, a cold cache. */
  ramp(from: Latency, to: Latency, overMs: number): Latency;
}

const amount = number({ min: 0 });
const latencyRule = func<Latency>();

/**
 * Distributions for {@link SimulatedServer}: functions of a {@link Random}. Each makes a fixed number of draws for a
 * request, so that with the same seed the n-th request has the same luck whatever the parameters are.
 *
 * Each throws `INVALID_OPTION` for parameters that are negative, not finite or the wrong way round.
 *
 * @example
 * ```ts
 * import { latency, seededRandom } from 'holdfast/testing';
 *
 * const idle = { inFlight: 1, sinceMs: 0 };
 * const stalls = latency.bimodal(latency.exponential(10), latency.constant(200), 0.01); // 1 % of the requests stall
 * const random = seededRandom(1);
 * const drawn = Array.from({ length: 10_000 }, () => stalls(random, idle));
 * drawn.filter((ms) => ms === 200).length // => 103
 * ```
 */
export const latency: Latencies = {
  constant(ms) {
    check('ms', ms, amount);
    return () => ms;
  },
  uniform(minMs, maxMs) {
    check('minMs', minMs, amount);
    check('maxMs', maxMs, number({ min: minMs }));
    return (random) => minMs + (maxMs - minMs) * random();
  },
  exponential(meanMs) {
    check('meanMs', meanMs, amount);
    return (random) => -meanMs * Math.log1p(-random());
  },
  normal(meanMs, deviationMs) {
    check('meanMs', meanMs, amount);
    check('deviationMs', deviationMs, amount);
    return (random) => Math.max(0, meanMs + deviationMs * standardNormal(random));
  },
  logNormal(medianMs, sigma) {
    check('medianMs', medianMs, amount);
    check('sigma', sigma, amount);
    return (random) => medianMs * Math.exp(sigma * standardNormal(random));
  },
  bimodal(usual, rare, share) {
    check('usual', usual, latencyRule);
    check('rare', rare, latencyRule);
    check('share', share, number({ min: 0, max: 1 }));
    return (random, load) => (random() < share ? rare : usual)(random, load);
  },
  ramp(from, to, overMs) {
    check('from', from, latencyRule);
    check('to', to, latencyRule);
    check('overMs', overMs, amount);
    return (random, load) => {
      const [first, last] = [from(random, load), to(random, load)];
      return load.sinceMs >= overMs ? last : first + (last - first) * (load.sinceMs / overMs);
    };
  },
};

/** Box and Muller (1958), one of the pair. */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log1p(-random())) * Math.cos(2 * Math.PI * random());
}
