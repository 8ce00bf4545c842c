/**
 * Event-driven and coordinated batch processing: flows of deliveries, whose acknowledgements go back through every operator.
 *
 * @module holdfast/flow
 */
export type { Delivery, Flow } from './delivery.ts';
export { flow, type FlowOptions, type FlowSource } from './source.ts';
export type { Renew } from './renewal.ts';
export type { FlowContext } from './context.ts';
export { map, type MapOptions } from './map.ts';
export { filter } from './filter.ts';
export type { OperatorOptions } from './operator.ts';
export { expand } from './expand.ts';
export { type Branches, type BranchOptions, copy, type CopyOptions, type LaneOptions } from './copy.ts';
export type { Overflow } from './fan.ts';
export { split } from './split.ts';
export { shard } from './shard.ts';
export { type FlowValue, merge, type MergeOptions } from './merge.ts';
export { barrier, type BarrierOptions, type Joined } from './barrier.ts';
export { reduce, type ReduceOptions } from './reduce.ts';
export { all, type AllOf, count, histogram, type Monoid, sum, type ValueOfAll } from './monoids.ts';
export { each, type EachOptions, type EachReport, type EachRetry } from './each.ts';
export { values, type ValuesOptions } from './values.ts';
export { type FlowEventMap, FlowEvents } from './flow-events.ts';
export { isBufferFull, isIncomplete, isNoRoute } from './errors.ts';
