import { having, type Rule } from '../core/options.ts';
import type { Key } from './key.ts';

/**
 * A member that keys are placed on. Extend it with what your service needs; a bare string stands for `{ id }`.
 *
 * Id, weight and zone are taken for constant: to change a node, give another object to `with`. `withWeight` copies the
 * node's own properties, so a class with private fields is better replaced by `with`.
 */
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
  /**
   * All nodes with weight in the key's own order of preference, the owner first: what `getN` takes from. Lazy: who stops
   * early pays for what was read. May be iterated again, and answers for this placement whatever is derived from it.
   *
   * @param key - string or bytes
   */
  rank(key: Key): Iterable<N>;
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
  /** What `placementFromJSON` makes an equal placement of: plain data, in the order of the ids. */
  toJSON(): PlacementJSON;
}

/**
 * A placement as plain data. Of a node it has `id`, `weight` and `zone` and nothing of what users add; of the hasher its
 * name alone. It holds the seed: where that is secret, so is this.
 */
export interface PlacementJSON {
  /** Which class it is of. */
  readonly algorithm: string;
  /** Of the algorithm: rises when the same data would place a key elsewhere. */
  readonly version: number;
  /** Name of the hasher. */
  readonly hasher: string;
  /** The 64-bit seed in decimal. */
  readonly seed: string;
  /** The algorithm's own options. */
  readonly options: Readonly<Record<string, number | string>>;
  /** The nodes, in the order of their ids. */
  readonly nodes: readonly PlacementNode[];
}

const methods = having<Placement<PlacementNode>>('a Placement', 'get', 'getN', 'rank');

/**
 * Whether a value has what is asked of a placement, whoever made it: its methods, its nodes as a `Map`, its fingerprint.
 *
 * @param value - anything
 * @example
 * ```ts
 * import { isPlacement, Rendezvous } from 'holdfast/hashing';
 *
 * isPlacement(new Rendezvous(['a'])) // => true
 * isPlacement(['a']) // => false
 * ```
 */
export function isPlacement(value: unknown): value is Placement<PlacementNode> {
  if (!methods.accepts(value)) return false;
  const { nodes, fingerprint } = value as Partial<Placement<PlacementNode>>;
  return nodes instanceof Map && typeof fingerprint === 'string';
}

/** @internal A placement as an option, fixed or live. */
export const placementRule: Rule<Placement<PlacementNode>> = {
  expected: 'a Placement or a Live of one',
  accepts: isPlacement,
};
