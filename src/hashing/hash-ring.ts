import { invalid, number, oneOf, readOptions } from '../core/options.ts';
import { fingerprintOf, type Identity, toJSONOf } from './fingerprint.ts';
import { takeFrom } from './get-many.ts';
import type { Hasher } from './hasher.ts';
import type { Key } from './key.ts';
import { keySpace, type KeySpace } from './key-space.ts';
import { nodesById, reweighted, weightOf, withNodes, withoutNodes } from './membership.ts';
import type { GetManyOptions, Placement, PlacementJSON, PlacementNode } from './placement.ts';
import { envoyScheme, ketamaScheme } from './ring-compat.ts';
import { circumference, merged, positionOf, type RingPoints, successor } from './ring-points.ts';
import { checkCount, type Member, maxPoints, ownScheme, type RingScheme } from './ring-scheme.ts';
import { settingRules, type Settings, settingsOf } from './settings.ts';

/** Options of {@link HashRing}. */
export interface HashRingOptions {
  /**
   * Points on the ring for a weight of 1, from 1 to 10,000. More make shares more even, at some 16 bytes a point: with 256
   * the busiest of 100 nodes owns about 1.15 times the mean, with 1,000 about 1.08 times.
   *
   * @defaultValue 256
   */
  readonly vnodes?: number;
  /**
   * 64 bits that the whole fleet shares. With a secret seed an outsider cannot aim keys at one node.
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
  /**
   * Places as another program does, point for point: `'envoy'` (ring hash with XXH64) or `'ketama'` (libketama, and
   * libmemcached's weighted ketama). Such a ring has a hash, a seed and counts of points of its own, so `vnodes`, `seed`
   * and `hasher` cannot be given. Both renormalise the weights over the members: there **any** change may move keys
   * between other nodes, and a light node may own nothing.
   */
  readonly compat?: 'envoy' | 'ketama';
  /**
   * With `compat: 'envoy'`: its `minimum_ring_size`, from 1 to 8,388,608.
   *
   * @defaultValue 1024
   */
  readonly minRingSize?: number;
  /**
   * With `compat: 'envoy'`: its `maximum_ring_size`, from `minRingSize` to 8,388,608.
   *
   * @defaultValue 8388608
   */
  readonly maxRingSize?: number;
}

const version = 1;

/** The key's hash; reused, for every method is done with it before it returns. */
const keyHash: Uint32Array = new Uint32Array(2);

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
    const { owners } = points;
    return owners.length === 0 ? undefined : members[owners[successor(points, keyHash[0]!, keyHash[1]!)]!];
  }

  /** See {@link Placement.getN}. */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[] {
    return takeFrom(this.rank(key), count, options);
  }

  /** See {@link Placement.rank}: the owners of the points from the key onwards. */
  rank(key: Key): Iterable<N> {
    this.#hash(key);
    const { points, members } = this.#state;
    const from = points.owners.length === 0 ? 0 : successor(points, keyHash[0]!, keyHash[1]!);
    return { [Symbol.iterator]: () => ownersFrom(points.owners, from, members) };
  }

  /** See {@link Placement.ownership}: the arcs that lead to each node's points, over the circumference. */
  ownership(): ReadonlyMap<string, number> {
    const { points, members } = this.#state;
    const arcs = new Float64Array(members.length);
    let before = points.positions.at(-1)! - circumference;
    for (let i = 0; i < points.owners.length; i++) {
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
    const { positions, owners, tails } = points;
    if (tails !== undefined) return undefined;
    const { hasher, seed } = this.#settings;
    const ends = new Float64Array(positions.length + 1).fill(circumference);
    for (let i = 0; i < positions.length; i++) ends[i] = positions[i]! + 1;
    return {
      unit: 'position',
      size: circumference,
      identity: JSON.stringify([hasher.name, String(seed)]),
      placeOf: (key) => {
        this.#hash(key);
        return positionOf(keyHash[0]!, keyHash[1]!);
      },
      ends,
      owners: Array.from(ends, (_, i) => members[owners[i === owners.length ? 0 : i]!]),
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
    hasher.hash(key, low, high, keyHash);
  }
}

/** A ring under one membership. Never changed. */
interface RingState<N> {
  readonly nodes: ReadonlyMap<string, N>;
  /** The nodes by number. */
  readonly members: readonly N[];
  readonly points: RingPoints;
}

function schemeOf(options: HashRingOptions | undefined): RingScheme {
  const given = readOptions('HashRing', options, {
    vnodes: number({ min: 1, max: 10_000, integer: true }),
    ...settingRules,
    compat: oneOf('envoy', 'ketama'),
    minRingSize: number({ min: 1, max: maxPoints, integer: true }),
    maxRingSize: number({ min: 1, max: maxPoints, integer: true }),
  });
  const { vnodes = 256, compat, minRingSize = 1024, maxRingSize = maxPoints } = given;
  const refuse = (names: readonly (keyof typeof given)[], where: string): void => {
    for (const name of names) if (given[name] !== undefined) throw invalid(name, `absent ${where}`, given[name]);
  };
  if (compat !== 'envoy') refuse(['minRingSize', 'maxRingSize'], 'without compat "envoy"');
  if (compat === undefined) return ownScheme(vnodes, settingsOf(given));
  refuse(['vnodes', 'seed', 'hasher'], `with compat "${compat}"`);
  if (compat === 'ketama') return ketamaScheme();
  if (minRingSize > maxRingSize)
    throw invalid('minRingSize', `at most maxRingSize, ${String(maxRingSize)}`, minRingSize);
  return envoyScheme(minRingSize, maxRingSize);
}

function built<N extends PlacementNode>(scheme: RingScheme, nodes: ReadonlyMap<string, N>): RingState<N> {
  const members = [...nodes.values()];
  return stateOf(nodes, members, scheme.pointsOf(members.map((node, owner) => ({ node, owner }))));
}

/** Keeps the points of the nodes whose count of points is as before. */
function changedTo<N extends PlacementNode>(
  scheme: RingScheme,
  before: RingState<N>,
  nodes: ReadonlyMap<string, N>,
): RingState<N> {
  const { countFor, pointsOf } = scheme;
  if (countFor === undefined) return built(scheme, nodes);
  const members = [...nodes.values()];
  const count = members.reduce((sum, node) => sum + countFor(node), 0);
  checkCount(count);
  const numbers = new Map(before.members.map(({ id }, owner) => [id, owner]));
  const renumbered = new Int32Array(before.members.length).fill(-1);
  const fresh: Member[] = [];
  for (const [owner, node] of members.entries()) {
    const was = numbers.get(node.id);
    if (was !== undefined && countFor(before.members[was]!) === countFor(node)) renumbered[was] = owner;
    else fresh.push({ node, owner });
  }
  return stateOf(nodes, members, merged(before.points, renumbered, pointsOf(fresh), count));
}

function stateOf<N>(nodes: ReadonlyMap<string, N>, members: readonly N[], points: RingPoints): RingState<N> {
  return { nodes, members, points };
}

function* ownersFrom<N extends PlacementNode>(
  owners: Uint32Array,
  from: number,
  members: readonly N[],
): Generator<N, void> {
  // Most walks end after a few; who wants all stops where all with weight were seen.
  const awaited = members.reduce((sum, node) => sum + (weightOf(node) > 0 ? 1 : 0), 0);
  const seen = new Set<number>();
  for (let i = 0; i < owners.length && seen.size < awaited; i++) {
    const owner = owners[(from + i) % owners.length]!;
    if (seen.has(owner)) continue;
    seen.add(owner);
    yield members[owner]!;
  }
}
