import { HoldfastError } from '../core/errors.ts';
import { Following } from '../core/following.ts';
import type { Dyn } from '../core/live.ts';
import { check, readOptions, type Rule } from '../core/options.ts';
import type { Key } from './key.ts';
import { type Lease, leaseOf } from './lease.ts';
import { weightOf } from './membership.ts';
import { type Placement, type PlacementNode, placementRule } from './placement.ts';

/** Options of {@link boundedLoad}. */
export interface BoundedLoadOptions {
  /**
   * How much more than its fair share a node may have in flight, a factor above 1. Nearer to 1: evener, and more requests
   * that do not find their owner. 1.25 is what Envoy and HAProxy recommend.
   *
   * @defaultValue 1.25
   */
  readonly loadFactor?: number;
}

/** A snapshot of a {@link BoundedLoad}. */
export interface BoundedLoadStats {
  /** The nodes, in the placement's order. */
  readonly nodes: readonly {
    /** Its id. */
    readonly id: string;
    /** Requests in flight. */
    readonly inFlight: number;
    /** How many it may have when the next request arrives; 0 without weight. */
    readonly capacity: number;
  }[];
  /** Requests in flight on nodes that have left. */
  readonly leaving: number;
}

/** What {@link boundedLoad} returns: a placement with a limit to the load of each node. */
export interface BoundedLoad<N extends PlacementNode> {
  /**
   * Takes the first node in the key's order of preference that has room. Release the lease when the request is over.
   * O(1) and one `get` when the owner has room, else as much of the key's `rank` as it takes.
   *
   * @param key - string or bytes
   * @throws {@link HoldfastError} `NO_NODES` when no node has weight; a `TypeError` with code `INVALID_OPTION` when the key
   * is neither string nor bytes
   */
  acquire(key: Key): Lease<N>;
  /**
   * Takes another placement. Nodes are told apart by id: what is in flight on those that stay is kept, and what is in
   * flight on those that leave is remembered until it is released, should they return.
   *
   * @param placement - a placement, or a live one
   * @throws {@link HoldfastError} `INVALID_OPTION`, and then the old placement stays
   */
  update(placement: Dyn<Placement<N>>): void;
  /** What is in flight now. */
  stats(): BoundedLoadStats;
}

/** What is known of one node. */
interface Slot {
  /** Of all weight; 0 for a node that is drained or gone. */
  share: number;
  inFlight: number;
}

const loadFactorRule: Rule<number> = {
  expected: 'a finite number > 1',
  accepts: (value) => Number.isFinite(value) && (value as number) > 1,
};

/**
 * Rounding must never round a capacity up: 1.1 · 10 is 11 and not the next double. So the bound is taken a trifle below,
 * by less than could keep 2^39 requests from finding a place.
 */
const slack = 1 - 2 ** -40;

/** Above 0 for any weight: what is too little for a double is room for one request all the same. */
function shareOf(weight: number, total: number): number {
  return weight === 0 ? 0 : Math.max(weight / total, Number.MIN_VALUE);
}

/** ⌈c · (m + 1) · share⌉, never above the exact value; `m` requests are in flight and one more arrives. */
function capacityOf(loadFactor: number, inFlight: number, share: number): number {
  return Math.ceil(loadFactor * (inFlight + 1) * share * slack);
}

/**
 * Consistent hashing with bounded loads: a key goes to its owner while the owner has room, else to the next node of the
 * key's own order.
 *
 * Promises: with `m` requests in flight on nodes that have weight, a request is admitted to node i only if that node then
 * has at most ⌈loadFactor · (m + 1) · wᵢ / W⌉; a place is always found while any node has weight; the keys of one full
 * node overflow to all others, each to its own next, and an overflowing key to the same one; `release` is idempotent and
 * never makes a count negative; nodes may come and go under load, and what is in flight is neither lost nor miscounted.
 * Does not promise that a key meets its owner, so its data must be readable elsewhere; nor to move what is in flight when
 * a bound sinks; nor to know of requests that do not come through it.
 *
 * Complexity: see {@link BoundedLoad.acquire}; a new placement costs O(nodes). Memory O(nodes), those that left while busy
 * included.
 *
 * Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent hashing with bounded loads" (2018); the key's own order in
 * place of the neighbour on the ring, against cascades: J. Chen, B. Coleman, A. Shrivastava, "Revisiting consistent hashing
 * with bounded loads" (2021).
 *
 * @param placement - any placement, or a live one: it is looked at with each request
 * @param options - how tight the bound is
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { boundedLoad, Rendezvous } from 'holdfast/hashing';
 *
 * const caches = boundedLoad(new Rendezvous(['a', 'b', 'c', 'd']), { loadFactor: 1.25 });
 * const leases = Array.from({ length: 8 }, () => caches.acquire('the one hot key'));
 * Math.max(...caches.stats().nodes.map(({ inFlight }) => inFlight)) // => 3
 * leases[0]?.rank // => 0
 * for (const lease of leases) lease.release();
 * caches.stats().nodes.every(({ inFlight }) => inFlight === 0) // => true
 * ```
 */
export function boundedLoad<N extends PlacementNode>(
  placement: Dyn<Placement<N>>,
  options?: BoundedLoadOptions,
): BoundedLoad<N> {
  const { loadFactor = 1.25 } = readOptions('boundedLoad', options, { loadFactor: loadFactorRule });
  return new Bounded(placement, loadFactor);
}

class Bounded<N extends PlacementNode> implements BoundedLoad<N> {
  readonly #loadFactor: number;
  /** By id; also nodes that have left, as long as they are busy. */
  #slots: ReadonlyMap<string, Slot> = new Map();
  readonly #source: Following<Placement<N>>;
  #placement!: Placement<N>;
  /** In flight on nodes with weight. */
  #inFlight = 0;

  constructor(source: Dyn<Placement<N>>, loadFactor: number) {
    this.#loadFactor = loadFactor;
    this.#source = new Following('a live placement', source, (placement) => {
      this.#adopt(check('placement', placement, placementRule) as Placement<N>);
    });
  }

  acquire(key: Key): Lease<N> {
    const placement = this.#current();
    const owner = placement.get(key);
    if (owner === undefined) throw noNodes();
    if (this.#hasRoom(owner)) return this.#take(owner, 0);
    let rank = 0;
    for (const node of placement.rank(key)) {
      if (this.#hasRoom(node)) return this.#take(node, rank);
      rank++;
    }
    // Full are all only for a placement that leaves out of its order a node with weight.
    throw noNodes();
  }

  update(source: Dyn<Placement<N>>): void {
    this.#source.follow(source);
  }

  stats(): BoundedLoadStats {
    const placement = this.#current();
    const nodes = [...placement.nodes.keys()].map((id) => {
      const { inFlight, share } = this.#slots.get(id)!;
      return { id, inFlight, capacity: capacityOf(this.#loadFactor, this.#inFlight, share) };
    });
    const gone = [...this.#slots].filter(([id]) => !placement.nodes.has(id));
    return { nodes, leaving: gone.reduce((sum, [, { inFlight }]) => sum + inFlight, 0) };
  }

  /** The placement as it is now. A live one that has turned bad is reported, once, and the last good one stays. */
  #current(): Placement<N> {
    this.#source.look();
    return this.#placement;
  }

  #adopt(placement: Placement<N>): void {
    const nodes = [...placement.nodes.values()];
    const total = nodes.reduce((sum, node) => sum + weightOf(node), 0);
    const before = this.#slots;
    const slots = new Map<string, Slot>();
    for (const [id, slot] of before) {
      slot.share = 0;
      if (slot.inFlight > 0) slots.set(id, slot);
    }
    this.#inFlight = 0;
    for (const node of nodes) {
      const slot = before.get(node.id) ?? { share: 0, inFlight: 0 };
      slots.set(node.id, slot);
      slot.share = shareOf(weightOf(node), total);
      if (slot.share > 0) this.#inFlight += slot.inFlight;
    }
    this.#slots = slots;
    this.#placement = placement;
  }

  #hasRoom({ id }: N): boolean {
    const slot = this.#slots.get(id);
    return slot !== undefined && slot.inFlight < capacityOf(this.#loadFactor, this.#inFlight, slot.share);
  }

  #take(node: N, rank: number): Lease<N> {
    const slot = this.#slots.get(node.id)!;
    slot.inFlight++;
    this.#inFlight++;
    return leaseOf(node, rank, () => {
      slot.inFlight--;
      if (slot.share > 0) this.#inFlight--;
    });
  }
}

function noNodes(): HoldfastError {
  return new HoldfastError('NO_NODES', 'the placement has no node with weight');
}
