import { fingerprintOf, type Identity, toJSONOf } from './fingerprint.ts';
import { takeFrom } from './get-many.ts';
import type { Key } from './key.ts';
import { keySpace, type KeySpace } from './key-space.ts';
import { nodesById, reweighted, withNodes, withoutNodes } from './membership.ts';
import type { GetManyOptions, Placement, PlacementJSON, PlacementNode } from './placement.ts';
import { type HashRingOptions, schemeOf } from './ring-options.ts';
import { circumference, positionOf, successor } from './ring-points.ts';
import type { RingScheme } from './ring-scheme.ts';
import { built, changedTo, ownersFrom, type RingState } from './ring-state.ts';
import type { Settings } from './settings.ts';

const version = 1;

/**
 * Consistent hashing: nodes have points on a ring, a key belongs to the owner of the next point.
 *
 * Promises, beside those of {@link Placement}: a lookup costs little more than the hash of the key, whatever the number of
 * nodes. A weight stands for a number of points, `round(vnodes × weight)` and at least one unless the weight is 0, and
 * says nothing about the other nodes' points; the points of a lighter node are among those it would have when heavier.
 * Points that fall together are ordered by node id, so nothing depends on history. Does not promise even shares: they vary
 * by about `1 / √vnodes` about the weight's ({@link HashRing.ownership} tells), and a weight below `1 / vnodes` counts as
 * that. With `compat`, promises about movement do not hold; see there.
 *
 * Complexity: `get` O(1) expected and without allocation; `getN` O(count) expected; building, `with`, `without` and
 * `withWeight` O(points), without sorting; some 16 bytes a point, 4 to 5 KB for a node of weight 1.
 *
 * Source: D. Karger et al., "Consistent hashing and random trees" (1997).
 *
 * @example
 * ```ts
 * import { HashRing } from 'holdfast/hashing';
 *
 * const ring = new HashRing(['cache-a', 'cache-b', { id: 'cache-c', weight: 2 }]);
 * const owner = ring.get('user:42');
 * owner?.id === ring.getN('user:42', 2)[0]?.id // => true
 * const grown = ring.with('cache-d'); // moves keys to cache-d and to nobody else
 * grown.size // => 4
 * ring.size // => 3
 * ```
 */
export class HashRing<N extends PlacementNode = PlacementNode> implements Placement<N> {
  readonly #scheme: RingScheme;
  /** The hash of a key; reused, for every method is done with it before it returns. */
  readonly #digest: Uint32Array = new Uint32Array(2);
  readonly #settings: Settings;
  readonly #identity: Identity;
  #state: RingState<N>;
  #fingerprint: string | undefined;

  /**
   * @param nodes - nodes or bare ids, in any order
   * @param options - points, seed and hasher, or which program to agree with
   * @throws {@link HoldfastError} `INVALID_OPTION` for a bad or duplicate node, a bad option or two that exclude each
   * other, and for weights that ask for more than 8,388,608 points
   */
  constructor(nodes: Iterable<N | string>, options?: HashRingOptions) {
    this.#scheme = schemeOf(options);
    this.#settings = this.#scheme.settings;
    this.#identity = { algorithm: 'ring', version, options: this.#scheme.options };
    this.#state = built(this.#scheme, nodesById(nodes));
  }

  /** The nodes by id, in the order of their ids. */
  get nodes(): ReadonlyMap<string, N> {
    return this.#state.nodes;
  }

  /** See {@link Placement.size}. */
  get size(): number {
    return this.#state.nodes.size;
  }

  /** See {@link Placement.fingerprint}. */
  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.#identity, this.#settings, this.#state.nodes);
    return this.#fingerprint;
  }

  /**
   * The owner of a key; undefined when no node has weight. O(1) expected, no allocation but the hasher’s.
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  get(key: Key): N | undefined {
    this.#hash(key);
    const { points, members } = this.#state;
    if (points.length === 0) return undefined;
    return members[points.owners[successor(points, this.#digest[0]!, this.#digest[1]!)]!];
  }

  /** See {@link Placement.getN}. */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[] {
    return takeFrom(this.rank(key), count, options);
  }

  /** See {@link Placement.rank}: the owners of the points from the key onwards. */
  rank(key: Key): Iterable<N> {
    this.#hash(key);
    const state = this.#state;
    const from = successor(state.points, this.#digest[0]!, this.#digest[1]!);
    return { [Symbol.iterator]: () => ownersFrom(state, from) };
  }

  /** See {@link Placement.ownership}: the arcs that lead to each node's points, over the circumference. */
  ownership(): ReadonlyMap<string, number> {
    const { points, members } = this.#state;
    const arcs = new Float64Array(members.length);
    let before = points.positions[points.length - 1]! - circumference;
    for (let i = 0; i < points.length; i++) {
      arcs[points.owners[i]!]! += points.positions[i]! - before;
      before = points.positions[i]!;
    }
    return new Map(members.map(({ id }, owner) => [id, arcs[owner]! / circumference]));
  }

  /** See {@link Placement.with}. */
  with(...nodes: readonly (N | string)[]): HashRing<N> {
    return this.#changedTo(withNodes(this.nodes, nodes));
  }

  /** See {@link Placement.without}. */
  without(...ids: readonly string[]): HashRing<N> {
    return this.#changedTo(withoutNodes(this.nodes, ids));
  }

  /**
   * See {@link Placement.withWeight}.
   *
   * @throws {@link HoldfastError} `INVALID_OPTION` for an unknown id or a bad weight
   */
  withWeight(id: string, weight: number): HashRing<N> {
    return this.#changedTo(reweighted(this.nodes, id, weight));
  }

  /** See {@link Placement.toJSON}. */
  toJSON(): PlacementJSON {
    return toJSONOf(this.#identity, this.#settings, this.nodes);
  }

  /** @internal Arcs as intervals of positions; undefined where points lie between two positions. */
  [keySpace](): KeySpace<N> | undefined {
    const { points, members } = this.#state;
    if (points.tails !== undefined) return undefined;
    const { hasher, seed } = this.#settings;
    return {
      unit: 'position',
      size: circumference,
      identity: JSON.stringify([hasher.name, String(seed)]),
      placeOf: (key) => {
        this.#hash(key);
        return positionOf(this.#digest[0]!, this.#digest[1]!);
      },
      ends: points.positions.map((position) => Math.min(position + 1, circumference)),
      owners: Array.from(points.owners, (owner) => (points.length === 0 ? undefined : members[owner])),
    };
  }

  #changedTo(nodes: ReadonlyMap<string, N>): HashRing<N> {
    const { options } = this.#scheme;
    const { seed, hasher } = this.#settings;
    const changed = new HashRing<N>([], 'compat' in options ? options : { ...options, seed, hasher });
    changed.#state = changedTo(this.#scheme, this.#state, nodes);
    return changed;
  }

  #hash(key: Key): void {
    const { hasher, low, high } = this.#settings;
    hasher.hash(key, low, high, this.#digest);
  }
}
