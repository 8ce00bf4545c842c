import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { currentOf, type Dyn } from '../core/live.ts';
import { check, having } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Key, type Lease, type Placement, type PlacementNode } from '../hashing/index.ts';
import { HotKeys, type KeyChange } from './hot-keys.ts';
import { keyOf } from './key-text.ts';
import { NodeLoads } from './node-loads.ts';
import { type Settings, settingsFrom, type ShardRouterOptions } from './options.ts';
import { Placements } from './placements.ts';
import type { KeyHeat, ShardRouterSnapshot } from './snapshot.ts';
import { SteadyTime } from '../core/steady-time.ts';
import { twoChoices } from './two-choices.ts';

/** Options of a single choice of {@link ShardRouter}. */
export interface ChoiceOptions {
  /** Nodes to use only when there is no other replica. The `avoid` of an `Attempt` fits. */
  readonly avoid?: ReadonlySet<unknown>;
}

/** Events of {@link ShardRouter}. */
export interface ShardRouterEvents<N extends PlacementNode> {
  /** A key got more replicas. */
  hot: {
    /** The key. */
    readonly key: Key;
    /** How many it had. */
    readonly before: number;
    /** How many it has. */
    readonly replicas: number;
    /** Its own rate, or a hot node. */
    readonly reason: 'rate' | 'node';
    /** What it surely gets, reads a second. */
    readonly rate: number;
    /** The new ones: the next in the key's order. They have no copy yet. */
    readonly added: readonly N[];
  };
  /** A key lost replicas: one because it has cooled, or some because nodes left. */
  cool: {
    /** The key. */
    readonly key: Key;
    /** How many it had. */
    readonly before: number;
    /** How many it has. */
    readonly replicas: number;
    /** It has cooled, or there are not so many nodes any more. */
    readonly reason: 'cooled' | 'placement';
    /** What it surely gets, reads a second. */
    readonly rate: number;
    /** Not read any more, but written for another `coolDownMs`. */
    readonly retiring: readonly N[];
  };
  /** Writes of a key do not reach some nodes any more: a copy there must go. */
  retired: {
    /** The key. */
    readonly key: Key;
    /** Where it may still have a copy. */
    readonly nodes: readonly N[];
  };
  /** The placement has changed. For `coolDownMs`, writes reach the nodes of both. */
  moved: {
    /** Fingerprint of the old placement. */
    readonly before: string;
    /** Fingerprint of the new one. */
    readonly after: string;
    /** Ids that are new. */
    readonly added: readonly string[];
    /** Ids that are gone. */
    readonly removed: readonly string[];
  };
}

const placementRule = having<Placement<PlacementNode>>('a Placement or a Live of one', 'get', 'getN');
const avoidRule = having<ReadonlySet<unknown>>('a Set', 'has');

/**
 * Where to read and write a key of a sharded service whose hot keys spread over more nodes.
 *
 * Promises: the replicas of a key are the first of its order, so heat never moves its primary and growth never disturbs
 * the others. A key that heats gets ceil(rate / `targetRate`) replicas at once; one that cools loses one at a time, each
 * after `coolDownMs` below the band; within the band nothing changes. Without load a key is back at `base` at the latest
 * 4 · `windowMs` + (`max` − `base`) · `coolDownMs` later. `write` returns every node that `read` may return now or could
 * have returned less than `coolDownMs` ago, whatever heat and placement did: a copy that lives for less than that never
 * misses a write, and while the placement stays none that is dropped when `retired` says so. Of two replicas drawn, the one with fewer leases is read. Memory
 * O(nodes + `capacity`).
 *
 * Does not promise to copy anything: a new replica is empty until you fill it. Knows its own process only: `targetRate` is
 * per process, and another process may read more or fewer replicas. Does nothing by itself: no timer runs, steps that are due are
 * made up for at the next question, with events in their order. Remembers 32 changes of placement within `coolDownMs`.
 *
 * Complexity: `read` of a cold key a `get` and O(log capacity), of a hot one O(replicas); four times a window O(nodes +
 * hot keys).
 *
 * Source: B. Burns, "Designing Distributed Systems", hot sharding; two choices: M. Mitzenmacher (2001); reads one, writes
 * all: mcrouter's KeySplit.
 *
 * @example
 * ```ts
 * import { Rendezvous } from 'holdfast/hashing';
 * import { ShardRouter } from 'holdfast/sharding';
 *
 * const nodes = new Rendezvous(['a', 'b', 'c', 'd']);
 * const router = new ShardRouter(nodes, { replication: { targetRate: 10, max: 3 } });
 * const spread: number[] = [];
 * router.on('hot', ({ replicas }) => spread.push(replicas));
 * for (let i = 0; i < 1_000; i++) router.read('the hot document');
 * spread // => [2, 3]
 * router.write('the hot document').length // => 3
 * router.write('the hot document')[0] === nodes.get('the hot document') // => true
 * router.write('another').length // => 1
 * ```
 */
export class ShardRouter<N extends PlacementNode> extends Emitter<ShardRouterEvents<N>> {
  readonly #settings: Settings;
  readonly #time: SteadyTime;
  readonly #loads: NodeLoads;
  readonly #placements: Placements<N>;
  readonly #keys: HotKeys<N>;
  #source: Dyn<Placement<N>>;
  /** What the source gave last, good or bad. */
  #seen: unknown;

  /**
   * @param placement - any placement, or a live one: it is looked at with each question
   * @param options - how many replicas, and how heat is measured
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(placement: Dyn<Placement<N>>, options: ShardRouterOptions) {
    super();
    this.#settings = settingsFrom(options);
    const { windowMs, coolDownMs, runtime } = this.#settings;
    const first = check('placement', currentOf(placement), placementRule) as Placement<N>;
    this.#time = new SteadyTime(runtime.clock);
    this.#loads = new NodeLoads(windowMs, this.#time.now());
    this.#placements = new Placements(first, coolDownMs);
    this.#keys = new HotKeys(this.#settings, this.#placements, this.#loads);
    this.#source = placement;
    this.#seen = first;
  }

  /**
   * The node to read a key from, and counts the read.
   *
   * @param key - string or bytes
   * @param options - whom to avoid
   * @throws {@link HoldfastError} `NO_NODES` when no node has weight, `INVALID_OPTION`
   */
  read(key: Key, options: ChoiceOptions = {}): N {
    return this.#choose(key, options).node;
  }

  /**
   * As {@link ShardRouter.read}, for a read that takes time: until the lease is released, the node counts as that much
   * busier. Without leases two choices are chance.
   *
   * @param key - string or bytes
   * @param options - whom to avoid
   * @throws {@link HoldfastError} `NO_NODES` when no node has weight, `INVALID_OPTION`
   */
  acquire(key: Key, options: ChoiceOptions = {}): Lease<N> {
    const { node, rank } = this.#choose(key, options);
    return this.#lease(node, rank);
  }

  /**
   * The nodes that a write or an invalidation must reach: the replicas in the key's order, the primary first, then those
   * that were read in the last `coolDownMs`. A node that has left the membership meanwhile is among them.
   *
   * @param key - string or bytes
   * @throws {@link HoldfastError} `NO_NODES` when no node has weight, `INVALID_OPTION`
   */
  write(key: Key): N[] {
    this.#look(key);
    if (this.#keys.live(key).length === 0) throw noNodes();
    return this.#keys.reached(key);
  }

  /**
   * The nodes that a read may be sent to now, in the key's order. Counts nothing.
   *
   * @param key - string or bytes
   */
  replicas(key: Key): N[] {
    this.#look(key);
    return [...this.#keys.live(key)];
  }

  /**
   * Takes another placement. What is in flight and how hot keys are is kept.
   *
   * @param placement - a placement, or a live one
   * @throws {@link HoldfastError} `INVALID_OPTION`, and then the old placement stays
   */
  update(placement: Dyn<Placement<N>>): void {
    const next = check('placement', currentOf(placement), placementRule) as Placement<N>;
    this.#source = placement;
    this.#adopt(next, this.#time.now());
  }

  /** Which keys have how many replicas, why and since when, and how busy the nodes are. */
  snapshot(): ShardRouterSnapshot {
    const nowMs = this.#look();
    const hot = new Map(this.#keys.hotNodes().map(({ id, keys }) => [id, keys.map(({ key }) => key)]));
    const { nodeFactor, targetRate } = this.#settings;
    const nodes = this.#loads.of(this.#placements.current, nodeFactor, targetRate, nowMs);
    return {
      placement: this.#placements.current.fingerprint,
      formerPlacements: this.#placements.former,
      keys: [...this.#keys.keys].map((text) => this.#keyHeat(text)),
      nodes: nodes.map(({ id, rate }) => {
        return { id, inFlight: this.#loads.inFlight(id), rate, hot: hot.has(id), keys: hot.get(id) ?? [] };
      }),
    };
  }

  /**
   * @internal A further read of a key at its next replica that was not tried, for a caller whose first has failed;
   * undefined when there is none.
   */
  acquireNext(key: Key, tried: ReadonlySet<string>): Lease<N> | undefined {
    const nodes = this.replicas(key);
    const rank = nodes.findIndex(({ id }) => !tried.has(id));
    const node = nodes[rank];
    if (node === undefined) return undefined;
    this.#loads.read(node.id, this.#time.now());
    return this.#lease(node, rank);
  }

  #choose(key: Key, options: ChoiceOptions): { readonly node: N; readonly rank: number } {
    if (options.avoid !== undefined) check('avoid', options.avoid, avoidRule);
    this.#settings.detector.record(key);
    const nowMs = this.#look(key);
    const nodes = this.#keys.live(key);
    const busy = ({ id }: N): number => this.#loads.inFlight(id);
    const node = twoChoices(nodes, busy, options.avoid, this.#settings.runtime.random);
    if (node === undefined) throw noNodes();
    this.#loads.read(node.id, nowMs);
    return { node, rank: nodes.indexOf(node) };
  }

  #lease(node: N, rank: number): Lease<N> {
    this.#loads.start(node.id);
    let held = true;
    const release = (): void => {
      if (held) this.#loads.end(node.id);
      held = false;
    };
    return { node, rank, release, [Symbol.dispose]: release };
  }

  /** Brings everything up to now, tells what has changed, and returns now. */
  #look(key?: Key): number {
    const nowMs = this.#time.now();
    const newest = currentOf(this.#source);
    if (newest !== this.#seen) this.#follow(newest, nowMs);
    this.#placements.expire(nowMs);
    this.#keys.lookAtAll(nowMs, false);
    if (key !== undefined) this.#keys.look(key, nowMs);
    this.#tell();
    return nowMs;
  }

  /** A live placement that has turned bad is reported, once, and the last good one stays. */
  #follow(newest: Placement<N>, nowMs: number): void {
    try {
      this.#adopt(check('placement', newest, placementRule) as Placement<N>, nowMs);
    } catch (error) {
      reportError('a live placement was refused, the last one stays', error);
    }
    this.#seen = newest;
  }

  #adopt(placement: Placement<N>, nowMs: number): void {
    const before = this.#placements.current;
    this.#placements.expire(nowMs);
    const changed = this.#placements.replace(placement, nowMs);
    this.#seen = placement;
    this.#keys.lookAtAll(nowMs, true);
    if (changed) {
      this.emit('moved', {
        before: before.fingerprint,
        after: placement.fingerprint,
        added: [...placement.nodes.keys()].filter((id) => !before.nodes.has(id)),
        removed: [...before.nodes.keys()].filter((id) => !placement.nodes.has(id)),
      });
    }
    this.#tell();
  }

  /** Last of all, for listeners may ask the router or change it. */
  #tell(): void {
    for (const change of this.#keys.takeChanges()) this.#tellOf(change);
  }

  #tellOf({ key, does, from, to, rate, reason }: KeyChange): void {
    const sizes = { key, before: from, replicas: to, rate };
    if (does === 'hot') {
      const added = this.#placements.first(key, to).slice(from);
      this.emit('hot', { ...sizes, reason: reason === 'node' ? 'node' : 'rate', added });
    } else if (does === 'cool') {
      const retiring = without(this.#keys.reached(key), this.#keys.live(key));
      this.emit('cool', { ...sizes, reason: reason === 'placement' ? 'placement' : 'cooled', retiring });
    } else {
      this.emit('retired', { key, nodes: without(this.#placements.first(key, from), this.#keys.reached(key)) });
    }
  }

  #keyHeat(text: string): KeyHeat {
    const key = keyOf(text);
    const { replicas, reached, reason, sinceMs } = this.#keys.heat(text);
    const { rate, lower, upper } = this.#settings.detector.estimate(key);
    const nodes = this.#placements.first(key, Math.max(replicas, reached)).map(({ id }) => id);
    return {
      key,
      replicas: Math.min(replicas, nodes.length),
      reason,
      sinceMs,
      nodes: nodes.slice(0, replicas),
      retiring: nodes.slice(replicas),
      rate,
      lower,
      upper,
    };
  }
}

function without<N extends PlacementNode>(nodes: readonly N[], others: readonly N[]): N[] {
  const ids = new Set(others.map(({ id }) => id));
  return nodes.filter(({ id }) => !ids.has(id));
}

function noNodes(): HoldfastError {
  return new HoldfastError('NO_NODES', 'the placement has no node with weight');
}
