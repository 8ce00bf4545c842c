import { weightOf } from './membership.ts';
import type { PlacementNode } from './placement.ts';

/**
 * @internal `½ Σ |share'(i) − share(i)|`, over the shares that the weights ask for. What nobody owns, because no node has
 * weight, counts as owned by one more node.
 */
export function leastMoved(
  before: ReadonlyMap<string, PlacementNode>,
  after: ReadonlyMap<string, PlacementNode>,
): number {
  const [was, is] = [sharesOf(before), sharesOf(after)];
  // All that is gained is lost elsewhere: the half of both is either, and has fewer roundings.
  let gained = 0;
  for (const [id, share] of is) gained += Math.max(0, share - (was.get(id) ?? 0));
  return gained;
}

function sharesOf(nodes: ReadonlyMap<string, PlacementNode>): Map<string | undefined, number> {
  const total = [...nodes.values()].reduce((sum, node) => sum + weightOf(node), 0);
  if (total === 0) return new Map([[undefined, 1]]);
  return new Map([...nodes.values()].map((node) => [node.id, weightOf(node) / total]));
}
