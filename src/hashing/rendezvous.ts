import { readOptions } from '../core/options.ts';
import { fingerprintOf, type Identity, toJSONOf } from './fingerprint.ts';
import { takeFrom } from './get-many.ts';
import type { Hasher } from './hasher.ts';
import type { Key } from './key.ts';
import { nodesById, reweighted, weightOf, withNodes, withoutNodes } from './membership.ts';
import type { GetManyOptions, Placement, PlacementJSON, PlacementNode } from './placement.ts';
import { settingRules, type Settings, settingsOf } from './settings.ts';
import { ranked, type WeightClass, weightClasses, winner } from './weight-classes.ts';

/** Options of {@link Rendezvous}. */
export interface RendezvousOptions {
  /**
   * 64 bits that the whole fleet shares. A secret seed makes it hard, not impossible, for an outsider to aim keys at one
   * node: XXH64 is not a keyed hash.
   *
   * @defaultValue 0n
   */
  readonly seed?: bigint;
  /**
   * The hash of keys and of node ids.
   *
   * @defaultValue `xxh64`
   */
  readonly hasher?: Hasher;
}

/** The version rises when a key's owner could change. */
const identity: Identity = { algorithm: 'rendezvous', version: 1, options: {} };

/**
 * Rendezvous hashing, also called highest random weight: every node draws a number for the key, the best draw wins.
 *
 * Promises, beside those of {@link Placement}: balance is perfect in expectation (no virtual nodes, nothing to tune); each
 * node's share is exactly its weight over the sum of weights; when a node leaves, its keys spread over all others in
 * proportion. Does not promise to bound the load of one hot key.
 *
 * Complexity: `get` O(n), about 2 ns a node and one hash; `getN` O(n) for up to 6 and O(n log n) beyond; memory O(n); no
 * allocation in `get` but the hasher’s. Up to about ten nodes the hash of the key is much of it.
 *
 * Source: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates" (1998); weights by the logarithmic
 * method of C. Schindelhauer, G. Schomaker, "Weighted distributed hash tables" (2005).
 *
 * @example
 * ```ts
 * import { Rendezvous } from 'holdfast/hashing';
 *
 * const placement = new Rendezvous(['cache-a', 'cache-b', { id: 'cache-c', weight: 2 }]);
 * const owner = placement.get('user:42');
 * owner?.id === placement.getN('user:42', 2)[0]?.id // => true
 * placement.ownership().get('cache-c') // => 0.5
 * placement.without('cache-a').size // => 2
 * ```
 */
export class Rendezvous<N extends PlacementNode = PlacementNode> implements Placement<N> {
  /** The nodes by id, in the order of their ids. */
  readonly nodes: ReadonlyMap<string, N>;
  /** See {@link Placement.fingerprint}. */
  readonly fingerprint: string;
  /** The hash of a key; reused, for every method is done with it before it returns. */
  readonly #digest: Uint32Array = new Uint32Array(2);
  readonly #settings: Settings;
  readonly #classes: readonly WeightClass<N>[];

  /**
   * @param nodes - nodes or bare ids, in any order
   * @param options - seed and hasher
   * @throws {@link HoldfastError} `INVALID_OPTION` for a bad or duplicate node, or a bad option
   */
  constructor(nodes: Iterable<N | string>, options?: RendezvousOptions) {
    this.#settings = settingsOf(readOptions('Rendezvous', options, settingRules));
    this.nodes = nodesById(nodes);
    this.#classes = weightClasses(this.nodes.values(), this.#settings);
    this.fingerprint = fingerprintOf(identity, this.#settings, this.nodes);
  }

  /** See {@link Placement.size}. */
  get size(): number {
    return this.nodes.size;
  }

  /**
   * The owner of a key; undefined when no node has weight. O(n), no allocation but the hasher’s.
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  get(key: Key): N | undefined {
    this.#hash(key);
    // As signed halves, which are never boxed on the way.
    return winner(this.#classes, this.#digest[0]! | 0, this.#digest[1]! | 0);
  }

  /** See {@link Placement.getN}. */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[] {
    return takeFrom(this.rank(key), count, options);
  }

  /** See {@link Placement.rank}. */
  rank(key: Key): Iterable<N> {
    this.#hash(key);
    return ranked(this.#classes, this.#digest[0]!, this.#digest[1]!);
  }

  /** See {@link Placement.ownership}. */
  ownership(): ReadonlyMap<string, number> {
    const total = [...this.nodes.values()].reduce((sum, node) => sum + weightOf(node), 0);
    return new Map([...this.nodes.values()].map((node) => [node.id, total === 0 ? 0 : weightOf(node) / total]));
  }

  /** See {@link Placement.with}. */
  with(...nodes: readonly (N | string)[]): Rendezvous<N> {
    return this.#changedTo(withNodes(this.nodes, nodes));
  }

  /** See {@link Placement.without}. */
  without(...ids: readonly string[]): Rendezvous<N> {
    return this.#changedTo(withoutNodes(this.nodes, ids));
  }

  /**
   * See {@link Placement.withWeight}.
   *
   * @throws {@link HoldfastError} `INVALID_OPTION` for an unknown id or a bad weight
   */
  withWeight(id: string, weight: number): Rendezvous<N> {
    return this.#changedTo(reweighted(this.nodes, id, weight));
  }

  /** See {@link Placement.toJSON}. */
  toJSON(): PlacementJSON {
    return toJSONOf(identity, this.#settings, this.nodes);
  }

  #changedTo(nodes: ReadonlyMap<string, N>): Rendezvous<N> {
    const { seed, hasher } = this.#settings;
    return new Rendezvous(nodes.values(), { seed, hasher });
  }

  #hash(key: Key): void {
    const { hasher, low, high } = this.#settings;
    hasher.hash(key, low, high, this.#digest);
  }
}
