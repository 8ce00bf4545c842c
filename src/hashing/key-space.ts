import { HoldfastError } from '../core/errors.ts';
import { invalid } from '../core/options.ts';
import type { Key } from './key.ts';
import { isPlacement, type Placement, type PlacementNode } from './placement.ts';

/** @internal Method of the placements that divide their keys into intervals. A registered symbol: known to all copies. */
export const keySpace: unique symbol = Symbol.for('holdfast.keySpace');

/** @internal Places in a row from 0, each key on one of them, cut into intervals of one owner each. */
export interface KeySpace<N> {
  readonly unit: 'position' | 'slot';
  /** How many places there are. */
  readonly size: number;
  /** Equal for two spaces in which every key has the same place. May hold the seed: not for messages. */
  readonly identity: string;
  readonly placeOf: (key: Key) => number;
  /** Where each interval ends, itself not of it: ascending, the last is `size`. An interval may be empty. */
  readonly ends: ArrayLike<number>;
  /** By interval. */
  readonly owners: ArrayLike<N | undefined>;
}

/**
 * @internal The key spaces of two placements, if they are one and the same.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION` for what is no placement, `UNSUPPORTED` where no list of ranges says what
 * changes owner
 */
export function sameKeySpace<N extends PlacementNode>(
  before: Placement<N>,
  after: Placement<N>,
): readonly [before: KeySpace<N>, after: KeySpace<N>] {
  const [was, is] = [spaceOf('before', before), spaceOf('after', after)];
  if (was.unit !== is.unit) throw unsupported('before and after must both be a HashRing or both be a SlotTable');
  if (was.size !== is.size)
    throw unsupported(
      `before and after must have the same number of slots, got ${String(was.size)} and ${String(is.size)}`,
    );
  if (was.identity !== is.identity)
    throw unsupported('before and after must have the same seed, hasher and compat, so that each key keeps its place');
  return [was, is];
}

function spaceOf<N extends PlacementNode>(name: string, placement: Placement<N>): KeySpace<N> {
  if (!isPlacement(placement)) throw invalid(name, 'a placement', placement);
  const cut = (placement as { readonly [keySpace]?: () => KeySpace<N> | undefined })[keySpace];
  const space = cut?.call(placement);
  if (space !== undefined) return space;
  throw unsupported(
    `${name} must be a HashRing (not with compat "envoy") or a SlotTable: elsewhere the keys that change owner are no ranges`,
  );
}

function unsupported(what: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `${what}. Without a plan, go through the keys and move each whose before.get(key) and after.get(key) differ`,
  );
}
