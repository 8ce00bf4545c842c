import { currentOf, type Dyn } from '../core/live.ts';
import { check, func, having } from '../core/options.ts';
import type { Key, Placement, PlacementNode } from '../hashing/index.ts';
import type { Branches, LaneOptions } from './copy.ts';
import type { Flow } from './delivery.ts';
import { lanes } from './split.ts';

const placementRule = having<Placement<PlacementNode>>('a Placement or a Live of one', 'get');

/**
 * The sharder: every delivery to the branch of the node that a placement gives its key.
 *
 * Promises: as {@link split}. The same key goes to the same branch, in its order, as long as the placement is the same. A live
 * placement is asked for each delivery, and what it places on a node without a branch is nacked.
 *
 * @param flow - what to read; nothing is read before a branch is
 * @param placement - of `holdfast/hashing`: `Rendezvous`, `HashRing`, `Maglev`, `SlotTable`
 * @param key - what a value is placed by
 * @param names - of the branches; the ids of the placement's nodes where absent
 * @param options - how much may wait in a branch
 * @returns a flow for each name, each to be read once
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { flow, merge, map, shard, values } from 'holdfast/flow';
 * import { Rendezvous } from 'holdfast/hashing';
 *
 * const workers = ['w1', 'w2'] as const;
 * const lanes = shard(flow(['a', 'b', 'c']), new Rendezvous(workers), (name) => name, workers);
 * const done: string[] = [];
 * for await (const name of values(merge(...workers.map((w) => map(lanes[w], (n) => n.toUpperCase()))))) done.push(name);
 * done.sort() // => ['A', 'B', 'C']
 * ```
 */
export function shard<T, const N extends string = string>(
  flow: Flow<T>,
  placement: Dyn<Placement<PlacementNode>>,
  key: (value: T) => Key,
  names?: readonly N[],
  options?: LaneOptions,
): Branches<T, N> {
  const { nodes } = check('placement', currentOf(placement), placementRule);
  check('key', key, func());
  const route = (value: T): string | undefined => currentOf(placement).get(key(value))?.id;
  return lanes('shard', flow, route, names ?? [...nodes.keys()], options);
}
