import type { PlacementNode } from './placement.ts';

/**
 * @internal The first `count` nodes of a ranking dealt out by zone: the best of each zone, then the second best of each, …
 * Reads the ranking until `count` zones are seen.
 */
export function zoneByZone<N extends PlacementNode>(ranked: Iterable<N>, count: number): N[] {
  if (count === 0) return [];
  const taken = new Map<string | undefined, number>();
  const turns: N[][] = [];
  for (const node of ranked) {
    const turn = taken.get(node.zone) ?? 0;
    taken.set(node.zone, turn + 1);
    (turns[turn] ??= []).push(node);
    if (taken.size === count) break;
  }
  return turns.flat().slice(0, count);
}
