import { currentOf, type Dyn } from '../core/live.ts';
import { check, func, having } from '../core/options.ts';
import type { Key, Placement, PlacementNode } from '../hashing/index.ts';
import type { Branches, LaneOptions } from './copy.ts';
import type { Flow } from './delivery.ts';
import { lanes } from './split.ts';

const placementRule = having<Placement<PlacementNode>>('a Placement or a Live of one', 'get');

/** DOC */
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
  return lanes('shard', flow, route, names ?? [...nodes.keys()], options) as Branches<T, N>;
}
