import { HoldfastError } from '../core/errors.ts';
import { check, describe, number, type Rule } from '../core/options.ts';
import type { PlacementNode } from './placement.ts';

/** A `weight`. Bounded, so that no sum or ratio of weights loses its meaning. */
const weightRule: Rule<number> = number({ min: 0, max: 1_000_000 });

/** @internal The weight that counts. */
export function weightOf(node: PlacementNode): number {
  return node.weight ?? 1;
}

/**
 * @internal Nodes by id in the order of their ids, which makes the result independent of how they were given.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION` for a node that is neither a string nor has a string `id`, for an id that
 * has no UTF-8 form, for a duplicate id, a bad weight or zone
 */
export function nodesById<N extends PlacementNode>(nodes: Iterable<N | string>): ReadonlyMap<string, N> {
  const byId = new Map<string, N>();
  for (const node of listOf(nodes)) {
    const checked = checkNode(node);
    if (byId.has(checked.id))
      throw new HoldfastError('INVALID_OPTION', `nodes must have distinct ids, got ${describe(checked.id)} twice`);
    byId.set(checked.id, checked);
  }
  return inOrder(byId);
}

/** The same nodes in the order of their ids, by UTF-16 code units. */
function inOrder<N extends PlacementNode>(byId: ReadonlyMap<string, N>): ReadonlyMap<string, N> {
  return new Map([...byId].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @internal With nodes added or replaced; see `Placement.with`. */
export function withNodes<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  added: readonly (N | string)[],
): ReadonlyMap<string, N> {
  const changed = new Map(nodes);
  for (const node of added.map((given) => checkNode(given))) changed.set(node.id, node);
  return inOrder(changed);
}

/** @internal Without some nodes; see `Placement.without`. */
export function withoutNodes<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  ids: readonly string[],
): ReadonlyMap<string, N> {
  const changed = new Map(nodes);
  for (const id of ids) changed.delete(id);
  return changed;
}

/** @internal With another weight for a node, of which prototype and fields stay; see `Placement.withWeight`. */
export function reweighted<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  id: string,
  weight: number,
): ReadonlyMap<string, N> {
  check('weight', weight, weightRule);
  const node = nodes.get(id);
  if (node === undefined)
    throw new HoldfastError('INVALID_OPTION', `id must be one of the nodes' ids, got ${describe(id)}`);
  const copy = Object.assign(Object.create(Object.getPrototypeOf(node) as object | null) as N, node);
  // Defined, not assigned: the class may have a getter of this name.
  Object.defineProperty(copy, 'weight', { value: weight, writable: true, enumerable: true, configurable: true });
  return new Map(nodes).set(id, copy);
}

function listOf<N>(nodes: Iterable<N | string>): Iterable<N | string> {
  if (
    typeof nodes === 'object' &&
    typeof (nodes as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function'
  )
    return nodes;
  throw new HoldfastError(
    'INVALID_OPTION',
    `nodes must be an array or another iterable of nodes or ids, got ${describe(nodes)}`,
  );
}

/** One node, checked; a bare id becomes a node. */
function checkNode<N extends PlacementNode>(given: N | string): N {
  const node = (typeof given === 'string' ? { id: given } : given) as N | null | undefined;
  const { id, weight, zone } = (node ?? {}) as Partial<PlacementNode>;
  const refuse = (what: string, value: unknown): HoldfastError =>
    new HoldfastError('INVALID_OPTION', `a node must ${what}, got ${describe(value)}`);
  if (typeof node !== 'object' || node === null) throw refuse('be a string or an object with an id', given);
  if (typeof id !== 'string') throw refuse('have a string id', id);
  if (!hasUtf8Form(id)) throw refuse('have an id without lone surrogates', id);
  if (weight !== undefined && !weightRule.accepts(weight)) {
    throw refuse(`have a weight that is ${weightRule.expected}`, weight);
  }
  if (zone !== undefined && typeof zone !== 'string') throw refuse('have a string zone or none', zone);
  return node;
}

/** Two ids that UTF-8 folds into one would hash alike, and the second would never own a key. */
function hasUtf8Form(id: string): boolean {
  return !/\p{Surrogate}/u.test(id);
}
