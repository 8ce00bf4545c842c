/**
 * A request and a promise of its answer, and what can be put around it.
 *
 * @module holdfast/calls
 */
export type { Attempt, Call, CallLimits, CallOptions, Layer } from './call.ts';
export { hedge, type HedgeOptions, type HedgePolicy } from './hedge.ts';
