import { HoldfastError } from '../core/errors.ts';
import { describe, number, type Rule } from '../core/options.ts';
import type { Key } from './key.ts';

/** A member that keys are placed on. Extend it with what your service needs; a bare string stands for `{ id }`. */
export interface PlacementNode {
  /** Identity. Placement depends on it and not on the address, the order or the history of the node. */
  readonly id: string;
  /**
   * Share of the keys in proportion to the others', from 0 to 1,000,000. 0 is a drained member: known, but owner of
   * nothing.
   *
   * @defaultValue 1
   */
  readonly weight?: number;
  /** Failure domain, for `spread: 'zone'`. */
  readonly zone?: string;
}

/** Options of {@link Placement.getN}. */
export interface GetManyOptions<N extends PlacementNode> {
  /** Nodes to leave out, as if they were not members. */
  readonly exclude?: (node: N) => boolean;
  /**
   * `'zone'`: take one node of each zone before a second of any, in the key's own order. Still fills up to `count` when
   * there are fewer zones than copies. Nodes without a zone count as one zone.
   */
  readonly spread?: 'zone';
}

/**
 * Which node a key belongs to. Immutable: `with`, `without` and `withWeight` return another placement, so work in flight
 * keeps the one it began with, and a change is one assignment.
 *
 * Promises: answers depend on the algorithm, the hasher, the seed and `{id → weight}` alone (and on zones, when a list is
 * spread over them), whatever the order or the history of the nodes, in every process. Adding a node moves keys only to it, removing one only from it, changing a
 * weight only to or from that node.
 */
export interface Placement<N extends PlacementNode> {
  /** How many nodes there are, the drained included. */
  readonly size: number;
  /** The nodes by id. */
  readonly nodes: ReadonlyMap<string, N>;
  /**
   * Two placements with one fingerprint answer alike, zones included: compare it across processes. The reverse does not
   * hold; a drained node is part of it and changes no answer.
   */
  readonly fingerprint: string;
  /**
   * The owner of a key; undefined when no node has weight.
   *
   * @param key - string or bytes
   */
  get(key: Key): N | undefined;
  /**
   * The first `count` nodes in the key's own order of preference, distinct, the owner first: replicas, or where to try
   * next. A longer list begins with the shorter one. Fewer when there are not so many nodes with weight.
   *
   * @param key - string or bytes
   * @param count - how many, a whole number of 0 or more
   * @param options - what to leave out, and how to spread
   */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[];
  /** The exact share of all keys that each node owns, by id; sums to 1 unless no node has weight. */
  ownership(): ReadonlyMap<string, number>;
  /**
   * This placement with nodes added; one of a known id replaces that node.
   *
   * @param nodes - nodes or bare ids
   */
  with(...nodes: readonly (N | string)[]): Placement<N>;
  /**
   * This placement without some nodes. Unknown ids change nothing.
   *
   * @param ids - ids of nodes
   */
  without(...ids: readonly string[]): Placement<N>;
  /**
   * This placement with another weight for one node.
   *
   * @param id - id of a node
   * @param weight - from 0 to 1,000,000
   */
  withWeight(id: string, weight: number): Placement<N>;
}

/** @internal A `weight`. Bounded, so that no sum or ratio of weights loses its meaning. */
export const weightRule: Rule<number> = number({ min: 0, max: 1_000_000 });

/** @internal A `seed` option: 64 bits. */
export const seedRule: Rule<bigint> = {
  expected: 'a bigint from 0n to 2n ** 64n - 1n',
  accepts: (value) => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n,
};

/** @internal A seed's halves: bigints stay at the door. */
export function halvesOf(seed: bigint): readonly [low: number, high: number] {
  return [Number(seed & 0xffff_ffffn), Number(seed >> 32n)];
}

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

/** @internal The same nodes in the order of their ids, by UTF-16 code units. */
export function inOrder<N extends PlacementNode>(byId: ReadonlyMap<string, N>): ReadonlyMap<string, N> {
  return new Map([...byId].sort(([a], [b]) => (a < b ? -1 : 1)));
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

/** @internal One node, checked; a bare id becomes a node. */
export function checkNode<N extends PlacementNode>(given: N | string): N {
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
