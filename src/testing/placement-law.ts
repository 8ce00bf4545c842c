import type { Hasher, Placement, PlacementNode } from '../hashing/index.ts';
import type { Draw } from './placement-cases.ts';

/** @internal What a law is told of the placement beside how to make one. */
export interface Promised {
  readonly make: (
    nodes: readonly (PlacementNode | string)[],
    draw: Pick<Draw, 'seed' | 'hasher'>,
  ) => Placement<PlacementNode>;
  readonly restore?: ((json: unknown, hasher: Hasher) => Placement<PlacementNode>) | undefined;
  readonly minimal: boolean;
  readonly proportional: boolean;
  readonly spread: boolean;
  readonly seeded: boolean;
}

/** @internal Throws when the placement of a draw breaks the law. */
export type Law = (promised: Promised, draw: Draw) => void;

/** @internal All that a placement says of some keys. */
export function answers(placement: Placement<PlacementNode>, { keys }: Draw): unknown {
  return [keys.map((key) => [placement.get(key)?.id ?? null, ...idsOf(placement.rank(key))]), placement.fingerprint];
}

/** @internal Who owns some keys. */
export function owners(placement: Placement<PlacementNode>, { keys }: Draw): (string | undefined)[] {
  return keys.map((key) => placement.get(key)?.id);
}

/** @internal One of the nodes, or none where there are none. */
export function picked({ nodes, pick }: Draw): PlacementNode | undefined {
  return nodes.length === 0 ? undefined : nodes[pick % nodes.length];
}

/** @internal */
export function idsOf(nodes: Iterable<PlacementNode>): string[] {
  return Array.from(nodes, ({ id }) => id);
}

/** @internal */
export function weightOf({ weight = 1 }: PlacementNode): number {
  return weight;
}
