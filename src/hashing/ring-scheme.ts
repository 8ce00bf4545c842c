import { HoldfastError } from '../core/errors.ts';
import { weightOf } from './membership.ts';
import { score53 } from './mix.ts';
import type { PlacementNode } from './placement.ts';
import { type LoosePoints, sorted, type RingPoints } from './ring-points.ts';
import { hashId, type Settings } from './settings.ts';

/** @internal How a ring gets its points. */
export interface RingScheme {
  readonly settings: Settings;
  readonly options: Readonly<Record<string, number | string>>;
  /**
   * How many points a node has, whoever else is there; undefined where that depends on the others, so that any change
   * makes all points anew.
   */
  readonly countFor?: (node: PlacementNode) => number;
  /** The points of some members, each under its own number. */
  readonly pointsOf: (members: readonly Member[]) => RingPoints;
}

/** @internal A node under its number, its place in the order of ids. */
export interface Member {
  readonly node: PlacementNode;
  readonly owner: number;
}

/** @internal Above this a ring is refused: some 150 MB. */
export const maxPoints = 8_388_608;

/** @internal So many points, if a ring may have them. */
export function checkCount(count: number): number {
  if (count > maxPoints) {
    throw new HoldfastError(
      'INVALID_OPTION',
      `the points of a ring must be at most ${String(maxPoints)}, got ${String(count)}: lower the weights, or the points for a weight of 1`,
    );
  }
  return count;
}

/** @internal Room for so many points. */
export function roomFor(count: number): LoosePoints {
  return { positions: new Float64Array(count), owners: new Uint32Array(count) };
}

/**
 * @internal holdfast's own: `vnodes` points for a weight of 1, whatever the other nodes. The points of a lighter node are
 * among those it would have when heavier, so that a change of weight moves nothing between others.
 */
export function ownScheme(vnodes: number, settings: Settings): RingScheme {
  const countFor = (node: PlacementNode): number => {
    const weight = weightOf(node);
    return weight === 0 ? 0 : Math.max(1, Math.round(vnodes * weight));
  };
  const hash = new Uint32Array(2);
  return {
    settings,
    options: { vnodes },
    countFor,
    pointsOf(members) {
      const counts = members.map(({ node }) => countFor(node));
      const points = roomFor(checkCount(counts.reduce((sum, count) => sum + count, 0)));
      let at = 0;
      for (const [m, { node, owner }] of members.entries()) {
        hashId(settings, node.id, hash);
        // The number of the point goes in as a number: joined as text, "a1" + "0" and "a" + "10" would be one point.
        for (let i = 0; i < counts[m]!; i++, at++) {
          points.positions[at] = score53(i, 0, hash[0]!, hash[1]!);
          points.owners[at] = owner;
        }
      }
      return sorted(points);
    },
  };
}
