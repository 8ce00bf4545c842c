/**
 * Sharded services whose hot keys spread: which keys are hot, how many replicas they get, and where to read and write them.
 *
 * @module holdfast/sharding
 */
export { type HotKey, HotKeyDetector, type HotKeyDetectorOptions } from './hot-key-detector.ts';
export type { ReplicationOptions, ShardRouterOptions } from './options.ts';
export { shard, type ShardOptions } from './shard.ts';
export type { ShardRouterEvents } from './router-events.ts';
export { type ChoiceOptions, ShardRouter } from './shard-router.ts';
export type { HeatReason, KeyHeat, NodeHeat, ShardRouterSnapshot } from './snapshot.ts';
