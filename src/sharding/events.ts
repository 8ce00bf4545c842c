import type { Key, Placement, PlacementNode } from '../hashing/index.ts';
import type { HotKeys, KeyChange } from './hot-keys.ts';
import type { Placements } from './placements.ts';

/** Events of {@link ShardRouter}. */
export interface ShardRouterEvents<N extends PlacementNode> {
  /** A key got more replicas. */
  hot: {
    /** The key. */
    readonly key: Key;
    /** How many it had. */
    readonly before: number;
    /** How many it has. */
    readonly replicas: number;
    /** Its own rate, or a hot node. */
    readonly reason: 'rate' | 'node';
    /** What it surely gets, reads a second. */
    readonly rate: number;
    /** The new ones: the next in the key's order. They have no copy yet. */
    readonly added: readonly N[];
  };
  /** A key lost replicas: one because it has cooled, or some because nodes left. */
  cool: {
    /** The key. */
    readonly key: Key;
    /** How many it had. */
    readonly before: number;
    /** How many it has. */
    readonly replicas: number;
    /** It has cooled, or there are not so many nodes any more. */
    readonly reason: 'cooled' | 'placement';
    /** What it surely gets, reads a second. */
    readonly rate: number;
    /** Not read any more, but written for another `coolDownMs`. */
    readonly retiring: readonly N[];
  };
  /** Writes of a key do not reach some nodes any more: a copy there must go. */
  retired: {
    /** The key. */
    readonly key: Key;
    /** Where it may still have a copy. */
    readonly nodes: readonly N[];
  };
  /** The placement has changed. For `coolDownMs`, writes reach the nodes of both. */
  moved: {
    /** Fingerprint of the old placement. */
    readonly before: string;
    /** Fingerprint of the new one. */
    readonly after: string;
    /** Ids that are new. */
    readonly added: readonly string[];
    /** Ids that are gone. */
    readonly removed: readonly string[];
  };
}

/** Tells the listeners of one event. */
type Tell<N extends PlacementNode> = <E extends keyof ShardRouterEvents<N>>(
  event: E,
  value: ShardRouterEvents<N>[E],
) => void;

/** @internal Tells what has happened to a key, with the nodes as they are when it is told. */
export function tellOfKey<N extends PlacementNode>(
  { key, does, from, to, rate, reason }: KeyChange,
  placements: Placements<N>,
  keys: HotKeys<N>,
  tell: Tell<N>,
): void {
  const sizes = { key, before: from, replicas: to, rate };
  if (does === 'hot') {
    const added = placements.first(key, to).slice(from);
    tell('hot', { ...sizes, reason: reason === 'node' ? 'node' : 'rate', added });
  } else if (does === 'cool') {
    const retiring = without(keys.reached(key), keys.live(key));
    tell('cool', { ...sizes, reason: reason === 'placement' ? 'placement' : 'cooled', retiring });
  } else {
    tell('retired', { key, nodes: without(placements.first(key, from), keys.reached(key)) });
  }
}

/** @internal What has moved when one placement took the place of another. */
export function moveBetween<N extends PlacementNode>(
  before: Placement<N>,
  after: Placement<N>,
): ShardRouterEvents<N>['moved'] {
  return {
    before: before.fingerprint,
    after: after.fingerprint,
    added: [...after.nodes.keys()].filter((id) => !before.nodes.has(id)),
    removed: [...before.nodes.keys()].filter((id) => !after.nodes.has(id)),
  };
}

function without<N extends PlacementNode>(nodes: readonly N[], others: readonly N[]): N[] {
  const ids = new Set(others.map(({ id }) => id));
  return nodes.filter(({ id }) => !ids.has(id));
}
