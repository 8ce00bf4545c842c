/**
 * Which node a key belongs to: placement that never moves a key without cause.
 *
 * @module holdfast/hashing
 */
export { boundedLoad, type BoundedLoad, type BoundedLoadOptions, type BoundedLoadStats } from './bounded-load.ts';
export { isNoNodes } from './errors.ts';
export type { Hasher } from './hasher.ts';
export { jumpHash, type JumpHashOptions } from './jump-hash.ts';
export type { Key } from './key.ts';
export { Maglev, type MaglevOptions } from './maglev.ts';
export {
  type GetManyOptions,
  isPlacement,
  type Placement,
  type PlacementJSON,
  type PlacementNode,
} from './placement.ts';
export { type FromJSONOptions, placementFromJSON } from './from-json.ts';
export { fromXxhash, type XxhashApi } from './from-xxhash.ts';
export { HashRing } from './hash-ring.ts';
export type { HashRingOptions } from './ring-options.ts';
export type { MigrationMove } from './migration-moves.ts';
export { type BatchOptions, type MigrationPlan, planMigration } from './migration-plan.ts';
export { redisSlot } from './redis-slot.ts';
export type { Lease } from './lease.ts';
export { Rendezvous, type RendezvousOptions } from './rendezvous.ts';
export { sipHash13 } from './siphash.ts';
export { SlotTable, type SlotTableOptions } from './slot-table.ts';
export { type MoveLike, transition, type Transition } from './transition.ts';
export { xxh64 } from './xxh64.ts';
