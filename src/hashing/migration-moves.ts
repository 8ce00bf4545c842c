import type { KeySpace } from './key-space.ts';
import type { PlacementNode } from './placement.ts';

/** A range of places, `from <= place < to`, whose keys change owner. */
export interface MigrationMove<N extends PlacementNode = PlacementNode> {
  /** The first place: a ring's position from 0 to 2^53 - 1, or the slot. */
  readonly from: number;
  /** The first place beyond: at most 2^53, or the slot + 1. */
  readonly to: number;
  /**
   * Who owns the keys before; undefined where nobody does, because no node has weight. As `after` has the node, when it
   * stays: its address may be another.
   */
  readonly source: N | undefined;
  /** Who owns them after; undefined where nobody does. */
  readonly target: N | undefined;
  /** Share of all places, from 0 to 1. */
  readonly fraction: number;
}

/**
 * @internal The places whose owners differ, ascending. Neighbouring positions of one source and one target are one move;
 * each slot is a move by itself. O(intervals).
 *
 * @param newest - the node as it is now: who gives may have moved to another address
 */
export function movesBetween<N extends PlacementNode>(
  before: KeySpace<N>,
  after: KeySpace<N>,
  newest: (node: N) => N,
): MigrationMove<N>[] {
  const { size, unit } = before;
  const moves: MigrationMove<N>[] = [];
  let b = 0;
  let a = 0;
  for (let from = 0; from < size;) {
    while (before.ends[b]! <= from) b++;
    while (after.ends[a]! <= from) a++;
    const to = Math.min(before.ends[b]!, after.ends[a]!);
    const was = before.owners[b];
    const source = was && newest(was);
    const target = after.owners[a];
    if (source?.id !== target?.id) {
      const last = moves.at(-1);
      const start =
        unit === 'position' && last?.to === from && last.source?.id === source?.id && last.target?.id === target?.id
          ? moves.pop()!.from
          : from;
      moves.push({ from: start, to, source, target, fraction: (to - start) / size });
    }
    from = to;
  }
  return moves;
}

/** @internal The move that has a place, by bisection. */
export function moveWith<N extends PlacementNode>(
  moves: readonly MigrationMove<N>[],
  place: number,
): MigrationMove<N> | undefined {
  let low = 0;
  let high = moves.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (moves[middle]!.to <= place) low = middle + 1;
    else high = middle;
  }
  const move = moves[low];
  return move !== undefined && move.from <= place ? move : undefined;
}
