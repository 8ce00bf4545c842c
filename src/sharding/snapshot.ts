import type { Key } from '../hashing/index.ts';

/**
 * Why a key has the replicas that it has: its own rate, a node that was hot because of it, having cooled, or nodes that have
 * left.
 */
export type HeatReason = 'rate' | 'node' | 'cooled' | 'placement';

/** A key with more replicas than `base`, or with some that are retiring. */
export interface KeyHeat {
  /** The key. */
  readonly key: Key;
  /** How many replicas may be read. */
  readonly replicas: number;
  /** Why: its own rate, a hot node, having cooled, or nodes that left. */
  readonly reason: HeatReason;
  /** Since when, on the router's scale of time: the clock's `now()`, had it never gone back. */
  readonly sinceMs: number;
  /** Ids of the nodes that may be read, in the key's order, the primary first. */
  readonly nodes: readonly string[];
  /** Ids of further nodes that are written but not read any more. */
  readonly retiring: readonly string[];
  /** Reads a second: the middle of the bounds. */
  readonly rate: number;
  /** It was at least this, a second; what decides. */
  readonly lower: number;
  /** It was at most this, a second. */
  readonly upper: number;
}

/** How busy a node is. */
export interface NodeHeat {
  /** Its id. */
  readonly id: string;
  /** Leases that are held. */
  readonly inFlight: number;
  /** Reads a second. */
  readonly rate: number;
  /** Whether it is read more than `nodeFactor` times its fair share. */
  readonly hot: boolean;
  /** The keys that bring a hot node most of its load, the hottest first. */
  readonly keys: readonly Key[];
}

/** A snapshot of a {@link ShardRouter}. */
export interface ShardRouterSnapshot {
  /** Fingerprint of the placement. */
  readonly placement: string;
  /** How many former placements writes still reach. */
  readonly formerPlacements: number;
  /** The keys that are not as cold as all others. */
  readonly keys: readonly KeyHeat[];
  /** The nodes, in the placement's order. */
  readonly nodes: readonly NodeHeat[];
}
