/**
 * A balancer over clients of any kind.
 *
 * @module holdfast/balancing
 */
export type { Cost, CostSignal, MemberView, PoolView, Verdict } from './cost.ts';
export { isNoMembers } from './errors.ts';
export type { BalancerEvents, RestoreReason } from './events.ts';
export type { EjectReason } from './health.ts';
export { latencyAndFailures, type LatencyAndFailuresOptions } from './latency-and-failures.ts';
export { leastRequest } from './least-request.ts';
export type { BalancerLease } from './lease.ts';
export { LoadBalancer } from './load-balancer.ts';
export type { LoadBalancerOptions, OutlierOptions } from './options.ts';
export type { CallOutcome, FailedOutcome, ResolvedOutcome } from './outcome.ts';
export { peakEwma, type PeakEwmaOptions } from './peak-ewma.ts';
export type { MemberProbe } from './prober.ts';
export { replicate, type ReplicatedCall } from './replicate.ts';
export { roundRobin } from './round-robin.ts';
export type { RunOptions } from './run-options.ts';
export type { SlowStart } from './slow-start.ts';
export type { BalancerStats, MemberStats } from './stats.ts';
