import { HoldfastError } from '../core/errors.ts';
import { check, describe, having, number, oneOf, func, readOptions } from '../core/options.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Hasher } from './hasher.ts';
import type { Key } from './key.ts';
import { score53 } from './mix.ts';
import { negativeLog53 } from './negative-log.ts';
import {
  checkNode,
  type GetManyOptions,
  halvesOf,
  inOrder,
  nodesById,
  type Placement,
  type PlacementNode,
  seedRule,
  weightOf,
  weightRule,
} from './placement.ts';
import { zoneByZone } from './spread.ts';
import { xxh64 } from './xxh64.ts';

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

/** Part of the fingerprint: rises when a key's owner could change. */
const version = 1;

/** Nodes of one weight, in the order of their ids: among them the greatest score wins and no logarithm is needed. */
interface WeightClass<N> {
  readonly weight: number;
  readonly nodes: readonly N[];
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
}

/** A node as a candidate for one key. The winner has the least cost; see `before`. */
interface Candidate<N> {
  readonly node: N;
  readonly score: number;
  readonly cost: number;
}

/** The key's hash; reused, for every method is done with it before it returns. */
const keyHash: Uint32Array = new Uint32Array(2);

/**
 * Rendezvous hashing, also called highest random weight: every node draws a number for the key, the best draw wins.
 *
 * Promises, beside those of {@link Placement}: balance is perfect in expectation (no virtual nodes, nothing to tune); each
 * node's share is exactly its weight over the sum of weights; when a node leaves, its keys spread over all others in
 * proportion. Does not promise to bound the load of one hot key.
 *
 * Complexity: `get` O(n), about 7 ns a node and one hash; `getN` O(n log n); memory O(n); no allocation in `get`. Up to
 * about ten nodes the hash of the key is most of it.
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
  readonly #seed: bigint;
  readonly #seedHalves: readonly [low: number, high: number];
  readonly #hasher: Hasher;
  readonly #classes: readonly WeightClass<N>[];

  /**
   * @param nodes - nodes or bare ids, in any order
   * @param options - seed and hasher
   * @throws {@link HoldfastError} `INVALID_OPTION` for a bad or duplicate node, or a bad option
   */
  constructor(nodes: Iterable<N | string>, options?: RendezvousOptions) {
    const { seed = 0n, hasher = xxh64 } = readOptions('Rendezvous', options, {
      seed: seedRule,
      hasher: having<Hasher>('a Hasher', 'hash'),
    });
    this.#seed = seed;
    this.#seedHalves = halvesOf(seed);
    this.#hasher = hasher;
    this.nodes = nodesById(nodes);
    this.#classes = weightClasses(this.nodes, hasher, this.#seedHalves);
    this.fingerprint = fingerprintOf('rendezvous', version, hasher, seed, this.nodes);
  }

  /** See {@link Placement.size}. */
  get size(): number {
    return this.nodes.size;
  }

  /**
   * The owner of a key; undefined when no node has weight. O(n), no allocation.
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  get(key: Key): N | undefined {
    this.#hashKey(key);
    const keyLow = keyHash[0]!;
    const keyHigh = keyHash[1]!;
    let owner: N | undefined;
    let ownerScore = 0;
    let ownerCost = Infinity;
    for (const { nodes, lows, highs, weight } of this.#classes) {
      let best = 0;
      let bestScore = -1;
      for (let i = 0; i < nodes.length; i++) {
        const score = score53(keyLow, keyHigh, lows[i]!, highs[i]!);
        if (score > bestScore) {
          best = i;
          bestScore = score;
        }
      }
      const node = nodes[best]!;
      if (this.#classes.length === 1) return node;
      const cost = negativeLog53(bestScore) / weight;
      if (owner === undefined || isBefore(cost, bestScore, node.id, ownerCost, ownerScore, owner.id)) {
        owner = node;
        ownerScore = bestScore;
        ownerCost = cost;
      }
    }
    return owner;
  }

  /** See {@link Placement.getN}. O(n log n). */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[] {
    check('count', count, number({ min: 0, integer: true }));
    const { exclude, spread } = readOptions('getN', options, {
      exclude: func<(node: N) => boolean>(),
      spread: oneOf('zone'),
    });
    const ranked = this.#candidates(key)
      .sort(byPreference)
      .map(({ node }) => node);
    const eligible = exclude === undefined ? ranked : ranked.filter((node) => !exclude(node));
    return (spread === undefined ? eligible : zoneByZone(eligible)).slice(0, count);
  }

  /** See {@link Placement.ownership}. */
  ownership(): ReadonlyMap<string, number> {
    const total = [...this.nodes.values()].reduce((sum, node) => sum + weightOf(node), 0);
    return new Map([...this.nodes.values()].map((node) => [node.id, total === 0 ? 0 : weightOf(node) / total]));
  }

  /** See {@link Placement.with}. */
  with(...nodes: readonly (N | string)[]): Rendezvous<N> {
    const changed = new Map(this.nodes);
    for (const node of nodes.map((given) => checkNode(given))) changed.set(node.id, node);
    return this.#changedTo(changed);
  }

  /** See {@link Placement.without}. */
  without(...ids: readonly string[]): Rendezvous<N> {
    const changed = new Map(this.nodes);
    for (const id of ids) changed.delete(id);
    return this.#changedTo(changed);
  }

  /**
   * See {@link Placement.withWeight}.
   *
   * @throws {@link HoldfastError} `INVALID_OPTION` for an unknown id or a bad weight
   */
  withWeight(id: string, weight: number): Rendezvous<N> {
    check('weight', weight, weightRule);
    const node = this.nodes.get(id);
    if (node === undefined)
      throw new HoldfastError('INVALID_OPTION', `id must be one of the nodes' ids, got ${describe(id)}`);
    const reweighted = Object.assign(Object.create(Object.getPrototypeOf(node) as object | null) as N, node, {
      weight,
    });
    return this.#changedTo(new Map(this.nodes).set(id, reweighted));
  }

  #changedTo(nodes: ReadonlyMap<string, N>): Rendezvous<N> {
    return new Rendezvous(inOrder(nodes).values(), { seed: this.#seed, hasher: this.#hasher });
  }

  #hashKey(key: Key): void {
    this.#hasher.hash(key, this.#seedHalves[0], this.#seedHalves[1], keyHash);
  }

  #candidates(key: Key): Candidate<N>[] {
    this.#hashKey(key);
    return this.#classes.flatMap(({ nodes, lows, highs, weight }) =>
      nodes.map((node, i) => {
        const score = score53(keyHash[0]!, keyHash[1]!, lows[i]!, highs[i]!);
        return { node, score, cost: negativeLog53(score) / weight };
      }),
    );
  }
}

/**
 * The order of preference: by cost, then by score, then by id. Cost falls as the score rises, so among nodes of one weight
 * the score alone gives the same order; that is what lets `get` compare within a class without a logarithm and still
 * agree with `getN`.
 */
function isBefore(
  cost: number,
  score: number,
  id: string,
  otherCost: number,
  otherScore: number,
  otherId: string,
): boolean {
  if (cost !== otherCost) return cost < otherCost;
  if (score !== otherScore) return score > otherScore;
  return id < otherId;
}

function byPreference<N extends PlacementNode>(a: Candidate<N>, b: Candidate<N>): number {
  return isBefore(a.cost, a.score, a.node.id, b.cost, b.score, b.node.id) ? -1 : 1;
}

function weightClasses<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  hasher: Hasher,
  [seedLow, seedHigh]: readonly [number, number],
): readonly WeightClass<N>[] {
  const byWeight = new Map<number, N[]>();
  for (const node of nodes.values()) {
    const weight = weightOf(node);
    if (weight === 0) continue;
    const members = byWeight.get(weight);
    if (members === undefined) byWeight.set(weight, [node]);
    else members.push(node);
  }
  const hash = new Uint32Array(2);
  // Another seed than the keys': a key that reads like an id is nothing special on that node.
  const hashOf = (id: string, half: 0 | 1): number => {
    hasher.hash(id, ~seedLow >>> 0, seedHigh, hash);
    return hash[half]!;
  };
  return [...byWeight].map(([weight, members]) => ({
    weight,
    nodes: members,
    lows: Uint32Array.from(members, ({ id }) => hashOf(id, 0)),
    highs: Uint32Array.from(members, ({ id }) => hashOf(id, 1)),
  }));
}
