import type { Cost } from './cost.ts';

/**
 * The cost is the calls in flight, this one included, over the weight. Right for work whose length says nothing about the
 * member: connections that are held, streams. Blind to latency and to failure.
 *
 * Source: Envoy's `LEAST_REQUEST`, Finagle's `leastLoaded`.
 *
 * @example
 * ```ts
 * import { leastRequest, LoadBalancer } from 'holdfast/balancing';
 *
 * const pool = new LoadBalancer(['a', 'b'], { cost: leastRequest(), probation: false });
 * const held = [pool.pick(), pool.pick()];
 * held.map(({ member }) => member).sort() // => ['a', 'b']
 * ```
 */
export function leastRequest(): Cost {
  return () => (member) => ({ cost: () => (member.pending + 1) / member.weight });
}
