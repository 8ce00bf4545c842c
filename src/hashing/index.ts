/**
 * Which node a key belongs to: placement that never moves a key without cause.
 *
 * @module holdfast/hashing
 */
export { boundedLoad, type BoundedLoad, type BoundedLoadOptions, type BoundedLoadStats } from './bounded-load.ts';
export { isNoNodes } from './errors.ts';
export type { Hasher } from './hasher.ts';
export type { Key } from './key.ts';
export type { Lease } from './lease.ts';
export type { GetManyOptions, Placement, PlacementNode } from './placement.ts';
export { Rendezvous, type RendezvousOptions } from './rendezvous.ts';
export { xxh64 } from './xxh64.ts';
