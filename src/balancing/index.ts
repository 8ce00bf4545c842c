/**
 * A balancer over clients of any kind.
 *
 * @module holdfast/balancing
 */
export { isNoMembers } from './errors.ts';
export {
  type BalancerEvents,
  type BalancerLease,
  type BalancerStats,
  LoadBalancer,
  type LoadBalancerOptions,
  type RunOptions,
} from './load-balancer.ts';
