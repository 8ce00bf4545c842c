import type { Key, PlacementNode } from '../hashing/index.ts';
import type { HotKeys } from './hot-keys.ts';
import { keyOf } from './key-text.ts';
import type { NodeLoads } from './node-loads.ts';
import type { Settings } from './options.ts';
import type { Placements } from './placements.ts';
import { without } from './router-events.ts';

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

/** @internal The snapshot of a router at `nowMs`, when all was looked at. */
export function snapshotOf<N extends PlacementNode>(
  settings: Settings,
  placements: Placements<N>,
  keys: HotKeys<N>,
  loads: NodeLoads,
  nowMs: number,
): ShardRouterSnapshot {
  const hot = new Map(keys.hotNodes().map((node) => [node.id, node.keys.map(({ key }) => key)]));
  const { nodeFactor, targetRate } = settings;
  return {
    placement: placements.current.fingerprint,
    formerPlacements: placements.former,
    keys: Array.from(keys.keys, (text) => keyHeat(text, settings, keys)),
    nodes: loads.of(placements.current, nodeFactor, targetRate, nowMs).map(({ id, rate }) => {
      return { id, inFlight: loads.inFlight(id), rate, hot: hot.has(id), keys: hot.get(id) ?? [] };
    }),
  };
}

function keyHeat<N extends PlacementNode>(text: string, { detector }: Settings, keys: HotKeys<N>): KeyHeat {
  const key = keyOf(text);
  const { reason, sinceMs } = keys.heat(text);
  const { rate, lower, upper } = detector.estimate(key);
  const live = keys.live(key);
  const ids = (nodes: readonly N[]): string[] => nodes.map(({ id }) => id);
  return {
    key,
    replicas: live.length,
    reason,
    sinceMs,
    nodes: ids(live),
    retiring: ids(without(keys.reached(key), live)),
    rate,
    lower,
    upper,
  };
}
