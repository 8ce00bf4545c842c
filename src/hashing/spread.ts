import type { PlacementNode } from './placement.ts';

/** @internal Nodes in the order of a key's preference, dealt out by zone: the best of each, then the second best of each, … */
export function zoneByZone<N extends PlacementNode>(ranked: readonly N[]): N[] {
  const taken = new Map<string | undefined, number>();
  const turns = ranked.map((node) => {
    const turn = taken.get(node.zone) ?? 0;
    taken.set(node.zone, turn + 1);
    return { node, turn };
  });
  return turns.sort((a, b) => a.turn - b.turn).map(({ node }) => node);
}
