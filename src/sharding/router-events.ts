import type { Key, Placement, PlacementNode } from '../hashing/index.ts';
import type { HotKeys, KeyChange } from './hot-keys.ts';
import type { Placements } from './placements.ts';

/** Events of `ShardRouter`. */
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

/** @internal An event and what it says. */
export type RouterEvent<N extends PlacementNode> = {
  [E in keyof ShardRouterEvents<N>]: readonly [name: E, event: ShardRouterEvents<N>[E]];
}[keyof ShardRouterEvents<N>];

/** @internal What listeners are told of a change, when it may have been some time ago. */
export function eventOf<N extends PlacementNode>(
  { key, does, from, to, rate, reason }: KeyChange,
  keys: HotKeys<N>,
  placements: Placements<N>,
): RouterEvent<N> {
  const sizes = { key, before: from, replicas: to, rate };
  const between = (): N[] => placements.first(key, Math.max(from, to)).slice(Math.min(from, to));
  switch (does) {
    case 'hot':
      return ['hot', { ...sizes, reason: reason === 'node' ? 'node' : 'rate', added: between() }];
    case 'cool': {
      const byPlacement = reason === 'placement';
      const retiring = byPlacement ? without(keys.reached(key), keys.live(key)) : between();
      return ['cool', { ...sizes, reason: byPlacement ? 'placement' : 'cooled', retiring }];
    }
    case 'retired':
      return ['retired', { key, nodes: without(between(), keys.reached(key)) }];
  }
}

/** @internal What listeners are told of another placement. */
export function movedOf<N extends PlacementNode>(
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

/** @internal The nodes that are not among others. */
export function without<N extends PlacementNode>(nodes: readonly N[], others: readonly N[]): N[] {
  const ids = new Set(others.map(({ id }) => id));
  return nodes.filter(({ id }) => !ids.has(id));
}
