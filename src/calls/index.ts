/**
 * A request and a promise of its answer, and what can be put around it.
 *
 * @module holdfast/calls
 */
export { Budget, type BudgetOptions, type BudgetStats } from './budget.ts';
export type { Attempt, Call, CallLimits, CallOptions, Layer } from './call.ts';
export { hedge, type HedgeOptions } from './hedge.ts';
export type { HedgePolicy } from './hedge-policy.ts';
export { percentile, type Percentile, type PercentileOptions } from './percentile.ts';
export type { RaceOptions } from './race-options.ts';
export { retry, type RetryOptions } from './retry.ts';
export type { RetryPolicy } from './retry-policy.ts';
export type { Shadowed, ShadowStats } from './mirror.ts';
export { shadow, type ShadowedCall, type ShadowOptions } from './shadow.ts';
export { type Keyless, splitTraffic, type SplitTrafficOptions, type TrafficSplit } from './split-traffic.ts';
export { stack } from './stack.ts';
export { timebox, type TimeboxOptions } from './timebox.ts';
export { withDeadline, type WithDeadlineOptions } from './with-deadline.ts';
