/**
 * Which node a key belongs to: placement that never moves a key without cause.
 *
 * @module holdfast/hashing
 */
export type { Hasher } from './hasher.ts';
export type { Key } from './key.ts';
export type { GetManyOptions, Placement, PlacementJSON, PlacementNode } from './placement.ts';
export { Rendezvous, type RendezvousOptions } from './rendezvous.ts';
export { xxh64 } from './xxh64.ts';
