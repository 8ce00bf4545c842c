import { invalid, oneOf, readOptions, type Rule } from '../core/options.ts';
import { fingerprintOf, type Identity, toJSONOf } from './fingerprint.ts';
import { takeFrom } from './get-many.ts';
import type { Hasher } from './hasher.ts';
import type { Key } from './key.ts';
import { keySpace, type KeySpace } from './key-space.ts';
import { nodesById, reweighted, weightOf, withNodes, withoutNodes } from './membership.ts';
import type { GetManyOptions, Placement, PlacementJSON, PlacementNode } from './placement.ts';
import { redisSlot, redisSlots } from './redis-slot.ts';
import { settingRules, type Settings, settingsOf } from './settings.ts';
import { type Slots, slotHashes, slotsAfter, slotsOf } from './slots.ts';
import { ranked } from './weight-classes.ts';

/** Options of {@link SlotTable}. */
export interface SlotTableOptions {
  /**
   * Into how many slots the keys fall: a power of two from 16 to 16,384. A slot moves as a whole, so shares are as even as
   * so many throws of a die: with 4,096 slots over 10 nodes a share varies by 5 % of itself, over 100 nodes by 16 %.
   *
   * @defaultValue 4096
   */
  readonly slots?: number;
  /**
   * 64 bits that the whole fleet shares. With a secret seed an outsider cannot aim keys at one node.
   *
   * @defaultValue 0n
   */
  readonly seed?: bigint;
  /**
   * The hash of keys, of slots and of node ids.
   *
   * @defaultValue `xxh64`
   */
  readonly hasher?: Hasher;
  /**
   * `'redis'`: a key's slot is the one that it has in a Redis Cluster (16,384 slots, `{tag}` rule), whatever the hasher
   * and the seed; these still place the slots on nodes. `slots` cannot be given with it.
   */
  readonly compat?: 'redis';
}

const version = 1;

const slotsRule: Rule<number> = {
  expected: 'a power of two from 16 to 16384',
  accepts: (value) => typeof value === 'number' && value >= 16 && value <= 16_384 && Number.isInteger(Math.log2(value)),
};

/**
 * Slots between keys and nodes: a key falls into one of a fixed number of slots for good, and rendezvous places the slots.
 *
 * Promises, beside those of {@link Placement}: a key's slot depends on no node ({@link SlotTable.slotOf}), so a migration
 * is a finite list of slots; keys of one slot are always together. Each node's share of the slots is in proportion to its
 * weight in expectation, and each slot that moves does so for the reason that rendezvous has. Does not promise even
 * shares, see `slots`; take far more slots than nodes.
 *
 * Complexity: `get` O(1), no allocation (with `compat: 'redis'` a string is encoded); building O(slots × nodes); `with` and
 * the like O(slots) for each node that changes; memory about 32 bytes a slot, nothing a node.
 *
 * Source: the slots of Redis Cluster; rendezvous as in `Rendezvous`.
 *
 * @example
 * ```ts
 * import { SlotTable } from 'holdfast/hashing';
 *
 * const table = new SlotTable(['db-a', 'db-b', 'db-c'], { compat: 'redis' });
 * table.slotOf('{user1}.following') // => 8106
 * table.get('{user1}.following') === table.ownerOf(8106) // => true
 * table.with('db-d').slotOf('{user1}.following') // => 8106
 * ```
 */
export class SlotTable<N extends PlacementNode = PlacementNode> implements Placement<N> {
  /** How many slots there are. */
  readonly slots: number;
  /** The hash of a key; reused, for every method is done with it before it returns. */
  readonly #digest: Uint32Array = new Uint32Array(2);
  readonly #settings: Settings;
  readonly #identity: Identity;
  readonly #redis: boolean;
  #nodes: ReadonlyMap<string, N>;
  #state: Slots<N>;
  #fingerprint: string | undefined;

  /**
   * @param nodes - nodes or bare ids, in any order
   * @param options - how many slots, seed and hasher
   * @throws {@link HoldfastError} `INVALID_OPTION` for a bad or duplicate node, a bad option, or `slots` beside `compat`
   */
  constructor(nodes: Iterable<N | string>, options?: SlotTableOptions) {
    const given = readOptions('SlotTable', options, { slots: slotsRule, ...settingRules, compat: oneOf('redis') });
    const { compat } = given;
    if (compat !== undefined && given.slots !== undefined)
      throw invalid('slots', 'absent with compat "redis"', given.slots);
    this.#redis = compat === 'redis';
    this.slots = this.#redis ? redisSlots : (given.slots ?? 4096);
    this.#settings = settingsOf(given);
    this.#identity = { algorithm: 'slots', version, options: compat ? { compat } : { slots: this.slots } };
    this.#nodes = nodesById(nodes);
    this.#state = slotsOf(this.#nodes, slotHashes(this.slots, this.#settings), this.#settings);
  }

  /** The nodes by id, in the order of their ids. */
  get nodes(): ReadonlyMap<string, N> {
    return this.#nodes;
  }

  /** See {@link Placement.size}. */
  get size(): number {
    return this.#nodes.size;
  }

  /** See {@link Placement.fingerprint}. */
  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.#identity, this.#settings, this.#nodes);
    return this.#fingerprint;
  }

  /**
   * The slot of a key, whatever the nodes: its hash's leading bits, or its slot in a Redis Cluster.
   *
   * @param key - string or bytes
   * @returns from 0 to `slots - 1`
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  slotOf(key: Key): number {
    if (this.#redis) return redisSlot(key);
    const { hasher, low, high } = this.#settings;
    hasher.hash(key, low, high, this.#digest);
    return Math.trunc((this.#digest[1]! / 2 ** 32) * this.slots);
  }

  /**
   * The owner of a slot; undefined when no node has weight or there is no such slot.
   *
   * @param slot - from 0 to `slots - 1`
   */
  ownerOf(slot: number): N | undefined {
    return this.#state.owners[slot];
  }

  /**
   * The owner of a key; undefined when no node has weight. O(1), no allocation but the hasher’s.
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  get(key: Key): N | undefined {
    return this.#state.owners[this.slotOf(key)];
  }

  /** See {@link Placement.getN}. */
  getN(key: Key, count: number, options?: GetManyOptions<N>): N[] {
    return takeFrom(this.rank(key), count, options);
  }

  /** See {@link Placement.rank}: the order of the key's slot. */
  rank(key: Key): Iterable<N> {
    const slot = this.slotOf(key);
    const { classes, lows, highs } = this.#state;
    return ranked(classes, lows[slot]!, highs[slot]!);
  }

  /** See {@link Placement.ownership}: of the slots. */
  ownership(): ReadonlyMap<string, number> {
    const counts = new Map([...this.#nodes.keys()].map((id) => [id, 0]));
    for (const node of this.#state.owners) if (node !== undefined) counts.set(node.id, counts.get(node.id)! + 1);
    return new Map([...counts].map(([id, count]) => [id, count / this.slots]));
  }

  /** See {@link Placement.with}. */
  with(...nodes: readonly (N | string)[]): SlotTable<N> {
    return this.#changedTo(withNodes(this.#nodes, nodes));
  }

  /** See {@link Placement.without}. */
  without(...ids: readonly string[]): SlotTable<N> {
    return this.#changedTo(withoutNodes(this.#nodes, ids));
  }

  /**
   * See {@link Placement.withWeight}.
   *
   * @throws {@link HoldfastError} `INVALID_OPTION` for an unknown id or a bad weight
   */
  withWeight(id: string, weight: number): SlotTable<N> {
    return this.#changedTo(reweighted(this.#nodes, id, weight));
  }

  /** See {@link Placement.toJSON}. */
  toJSON(): PlacementJSON {
    return toJSONOf(this.#identity, this.#settings, this.#nodes);
  }

  /** @internal Each slot is an interval. With `compat` a key's slot depends on neither seed nor hasher. */
  [keySpace](): KeySpace<N> {
    const { hasher, seed } = this.#settings;
    return {
      unit: 'slot',
      size: this.slots,
      identity: JSON.stringify(this.#redis ? ['redis'] : [hasher.name, String(seed)]),
      placeOf: (key) => this.slotOf(key),
      ends: Uint32Array.from({ length: this.slots }, (_, slot) => slot + 1),
      owners: this.#state.owners,
    };
  }

  #changedTo(nodes: ReadonlyMap<string, N>): SlotTable<N> {
    const { seed, hasher } = this.#settings;
    const changed = new SlotTable<N>([], { ...this.#identity.options, seed, hasher });
    changed.#nodes = nodes;
    const kept = (node: N): N | undefined => {
      const now = nodes.get(node.id);
      return now !== undefined && weightOf(now) === weightOf(node) ? now : undefined;
    };
    changed.#state = slotsAfter(this.#state, nodes, kept, this.#settings);
    return changed;
  }
}
