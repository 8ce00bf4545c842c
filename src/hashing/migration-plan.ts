import { check, number, readOptions } from '../core/options.ts';
import type { Key } from './key.ts';
import { sameKeySpace } from './key-space.ts';
import { leastMoved } from './least-moved.ts';
import { batchesOf } from './migration-batches.ts';
import { type MigrationMove, movesBetween, moveWith } from './migration-moves.ts';
import type { Placement, PlacementNode } from './placement.ts';

/** Options of {@link MigrationPlan.batches}. */
export interface BatchOptions {
  /** In how many moves of a batch a node may take part, as source or as target: a whole number of 1 or more. */
  readonly perNode: number;
}

/** What {@link planMigration} found. Never changed. */
export interface MigrationPlan<N extends PlacementNode = PlacementNode> {
  /** What a place is: a position on a ring, or a slot. */
  readonly unit: 'position' | 'slot';
  /** How many places there are: 2^53 positions, or the number of slots. */
  readonly size: number;
  /** All that changes owner and nothing else, ascending and disjoint. */
  readonly moves: readonly MigrationMove<N>[];
  /** Share of all places that changes owner, from 0 to 1; exact. */
  readonly fraction: number;
  /**
   * The least share of the keys that any placement must move for this change of weights, if its nodes' shares are exactly
   * as their weights: `½ Σ |share'(i) − share(i)|`, where `share(i)` is the weight over the sum of weights, and what nobody
   * owns, because no node has weight, counts as one more node's. So adding one to n equal nodes moves `1 / (n + 1)`.
   *
   * Shares that differ from the weights' may move less, for example when a ring gives a newcomer less than its weight asks
   * for. By no more than they differ: `fraction >= lowerBound − d − d'`, where `d = ½ Σ |ownership(i) − share(i)|` before,
   * and `d'` after.
   */
  readonly lowerBound: number;
  /** By id of each node that gives: the share of all places that leaves it. */
  readonly bySource: ReadonlyMap<string, number>;
  /** By id of each node that takes: the share of all places that comes to it. */
  readonly byTarget: ReadonlyMap<string, number>;
  /**
   * The place of a key: what an index on the keys of a store has to hold, so that a move is a scan of a range.
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  placeOf(key: Key): number;
  /**
   * The move that a key belongs to; undefined when it stays where it is. O(log moves).
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  moveOf(key: Key): MigrationMove<N> | undefined;
  /**
   * The move that has a place; undefined when it has the same owner before and after. O(log moves).
   *
   * @param place - a whole number from 0 to `size - 1`
   * @throws {@link HoldfastError} `INVALID_OPTION` for anything else
   */
  moveAt(place: number): MigrationMove<N> | undefined;
  /**
   * The moves in batches to do one after another, the moves of a batch at once: each move in one batch, no node in more
   * than `perNode` moves of a batch. Greedy and deterministic: fewer than twice as many batches as the busiest node needs.
   * O(moves) where one node takes part in all of them, O(moves × batches) at worst.
   *
   * @param options - `perNode`
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  batches(options: BatchOptions): readonly (readonly MigrationMove<N>[])[];
}

/**
 * What has to be moved when one placement takes the place of another: exact ranges of positions for two `HashRing`s,
 * exact slots for two `SlotTable`s.
 *
 * Promises: with the plan applied to `before`, every key has the owner that it has in `after`; no key is in a move that
 * has one owner in both; moves do not overlap; neighbouring ranges of one source and one target are one move, while a slot
 * is a move of its own. The plan depends on the two placements alone. Owners are told apart by id: a node whose other
 * fields change does not move. Does not promise to be the shortest list on the circle: a range that goes over the end of
 * the ring is two. It moves nothing itself; `transition` keeps keys readable while you do.
 *
 * Complexity: O(points) or O(slots), in time and in memory while it works; the plan itself keeps O(moves).
 *
 * @param before - the placement that keys lie by
 * @param after - the placement that they shall lie by, of the same kind, seed, hasher and number of slots; `vnodes` and
 * nodes may differ
 * @throws {@link HoldfastError} `INVALID_OPTION` for what is no placement; `UNSUPPORTED` where what changes owner is no
 * list of ranges: for `Rendezvous`, `Maglev`, a ring with `compat: 'envoy'` (its points lie between the positions), two
 * kinds, and two placements that find one key at different places
 * @example
 * ```ts
 * import { planMigration, SlotTable } from 'holdfast/hashing';
 *
 * const before = new SlotTable(['db-a', 'db-b', 'db-c']);
 * const plan = planMigration(before, before.with('db-d'));
 * plan.lowerBound // => 0.25
 * Math.abs(plan.fraction - plan.lowerBound) < 0.05 // => true
 * Array.from(plan.byTarget.keys()) // => ['db-d']
 *
 * for (const batch of plan.batches({ perNode: 2 })) {
 *   batch.length <= 2 // => true
 * }
 * plan.moveOf('user:42')?.target?.id // => undefined
 * plan.moveOf('user:46')?.target?.id // => 'db-d'
 * ```
 */
export function planMigration<N extends PlacementNode>(before: Placement<N>, after: Placement<N>): MigrationPlan<N> {
  const [was, is] = sameKeySpace(before, after);
  const { unit, size, placeOf } = is;
  const moves = Object.freeze(movesBetween(was, is, (node) => after.nodes.get(node.id) ?? node));
  const placeRule = number({ min: 0, max: size - 1, integer: true });
  return {
    unit,
    size,
    moves,
    fraction: shareOf(moves, size),
    lowerBound: leastMoved(before.nodes, after.nodes),
    bySource: shares(moves, size, ({ source }) => source),
    byTarget: shares(moves, size, ({ target }) => target),
    placeOf,
    moveOf: (key) => moveWith(moves, placeOf(key)),
    moveAt: (place) => moveWith(moves, check('place', place, placeRule)),
    batches(options) {
      const given = readOptions('batches', options, { perNode: perNodeRule });
      return batchesOf(moves, check('perNode', given.perNode, perNodeRule));
    },
  };
}

const perNodeRule = /* @__PURE__ */ number({ min: 1, integer: true });

/** Exact: the sum is one of whole numbers, and what it is divided by a power of two. */
function shareOf(moves: readonly MigrationMove[], size: number): number {
  return moves.reduce((sum, { from, to }) => sum + (to - from), 0) / size;
}

function shares<N extends PlacementNode>(
  moves: readonly MigrationMove<N>[],
  size: number,
  nodeOf: (move: MigrationMove<N>) => N | undefined,
): ReadonlyMap<string, number> {
  const byId = new Map<string, number>();
  for (const move of moves) {
    const id = nodeOf(move)?.id;
    if (id !== undefined) byId.set(id, (byId.get(id) ?? 0) + (move.to - move.from) / size);
  }
  return byId;
}
