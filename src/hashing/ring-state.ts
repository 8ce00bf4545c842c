import { weightOf } from './membership.ts';
import type { PlacementNode } from './placement.ts';
import { merged, type RingPoints } from './ring-points.ts';
import { checkCount, type Member, type RingScheme } from './ring-scheme.ts';

/** @internal A ring under one membership. Never changed. */
export interface RingState<N> {
  readonly nodes: ReadonlyMap<string, N>;
  /** The nodes by number. */
  readonly members: readonly N[];
  readonly points: RingPoints;
  /** How many members have weight. */
  readonly living: number;
}

/** @internal The ring of these nodes. */
export function built<N extends PlacementNode>(scheme: RingScheme, nodes: ReadonlyMap<string, N>): RingState<N> {
  const members = [...nodes.values()];
  return stateOf(nodes, members, scheme.pointsOf(members.map((node, owner) => ({ node, owner }))));
}

/** @internal The ring of these nodes, with the points of those whose count of points is as before. */
export function changedTo<N extends PlacementNode>(
  scheme: RingScheme,
  before: RingState<N>,
  nodes: ReadonlyMap<string, N>,
): RingState<N> {
  const { countFor, pointsOf } = scheme;
  if (countFor === undefined) return built(scheme, nodes);
  const members = [...nodes.values()];
  const count = members.reduce((sum, node) => sum + countFor(node), 0);
  checkCount(count);
  const numbers = new Map(before.members.map(({ id }, owner) => [id, owner]));
  const renumbered = new Int32Array(before.members.length).fill(-1);
  const fresh: Member[] = [];
  for (const [owner, node] of members.entries()) {
    const was = numbers.get(node.id);
    if (was !== undefined && countFor(before.members[was]!) === countFor(node)) renumbered[was] = owner;
    else fresh.push({ node, owner });
  }
  return stateOf(nodes, members, merged(before.points, renumbered, pointsOf(fresh), count));
}

function stateOf<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  members: readonly N[],
  points: RingPoints,
): RingState<N> {
  return { nodes, members, points, living: members.reduce((sum, node) => sum + (weightOf(node) > 0 ? 1 : 0), 0) };
}

/** @internal The owners of the points from one onwards, each once. */
export function* ownersFrom<N extends PlacementNode>(
  { members, points: { owners, length }, living }: RingState<N>,
  from: number,
): Generator<N, void> {
  const seen = new Set<number>();
  for (let i = 0; i < length && seen.size < living; i++) {
    const owner = owners[(from + i) % length]!;
    if (seen.has(owner)) continue;
    seen.add(owner);
    yield members[owner]!;
  }
}
