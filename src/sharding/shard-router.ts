import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { Following } from '../core/following.ts';
import type { Dyn } from '../core/live.ts';
import { check, having, type Rule } from '../core/options.ts';
import { SteadyTime } from '../core/steady-time.ts';
import { isPlacement, type Key, type Lease, type Placement, type PlacementNode } from '../hashing/index.ts';
import { HotKeys } from './hot-keys.ts';
import { NodeLoads } from './node-loads.ts';
import { type Settings, settingsFrom, type ShardRouterOptions } from './options.ts';
import { Placements } from './placements.ts';
import { eventOf, movedOf, type ShardRouterEvents } from './router-events.ts';
import type { ShardRouterSnapshot } from './snapshot.ts';
import { snapshotOf } from './snapshot-of.ts';
import { twoChoices } from './two-choices.ts';

/** Options of a single choice of {@link ShardRouter}. */
export interface ChoiceOptions {
  /** Nodes to use only when there is no other replica. The `avoid` of an `Attempt` fits. */
  readonly avoid?: ReadonlySet<unknown>;
}

const placementRule: Rule<Placement<PlacementNode>> = {
  expected: 'a Placement or a Live of one',
  accepts: isPlacement,
};
const optionsRule: Rule<ChoiceOptions> = { expected: 'an object', accepts: (value) => value instanceof Object };
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
 * hot keys), and O(capacity · log capacity) while a node is hot; `write` as `getN` for each placement that it reaches.
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
  readonly #source: Following<Placement<N>>;
  /** When somebody asked last. */
  #askedMs: number;

  /**
   * @param placement - any placement, or a live one: it is looked at with each question
   * @param options - how many replicas, and how heat is measured
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(placement: Dyn<Placement<N>>, options: ShardRouterOptions) {
    super();
    this.#settings = settingsFrom(options);
    const { windowMs, coolDownMs, runtime } = this.#settings;
    this.#time = new SteadyTime(runtime.clock);
    this.#askedMs = this.#time.now();
    this.#loads = new NodeLoads(windowMs, this.#askedMs);
    let made: Placements<N> | undefined;
    this.#source = new Following('a live placement', placement, (value) => {
      const next = check('placement', value, placementRule) as Placement<N>;
      if (made === undefined) made = new Placements(next, coolDownMs);
      else this.#adopt(next);
    });
    this.#placements = made!;
    this.#keys = new HotKeys(this.#settings, this.#placements, this.#loads);
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
    return this.#loads.lease(node, rank);
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
    this.#source.follow(placement);
  }

  /** Which keys have how many replicas, why and since when, and how busy the nodes are. */
  snapshot(): ShardRouterSnapshot {
    const nowMs = this.#look();
    this.#keys.lookAtAll(nowMs, 'now');
    this.#tell();
    return snapshotOf(this.#settings, this.#placements, this.#keys, this.#loads, nowMs);
  }

  /**
   * @internal A further read of a key at its next replica that was not tried, for a caller whose first has failed;
   * undefined when there is none. Those to avoid come last.
   */
  acquireNext(key: Key, tried: ReadonlySet<string>, avoid: ReadonlySet<unknown>): Lease<N> | undefined {
    const nodes = this.replicas(key);
    const untried = nodes.filter(({ id }) => !tried.has(id));
    const node = untried.find((one) => !avoid.has(one)) ?? untried[0];
    if (node === undefined) return undefined;
    this.#loads.read(node.id, this.#time.now());
    return this.#loads.lease(node, nodes.indexOf(node));
  }

  #choose(key: Key, options: ChoiceOptions): { readonly node: N; readonly rank: number } {
    check('the options of a choice', options, optionsRule);
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

  /** Brings everything up to now, tells what has changed, and returns now. */
  #look(key?: Key): number {
    const nowMs = this.#time.now();
    const quietMs = this.#askedMs + 2 * this.#settings.windowMs;
    if (nowMs > quietMs) this.#keys.lookBack(quietMs);
    this.#askedMs = nowMs;
    this.#source.look();
    this.#placements.expire(nowMs);
    this.#keys.lookAtAll(nowMs, 'in time');
    if (key !== undefined) this.#keys.look(key, nowMs);
    this.#tell();
    return nowMs;
  }

  #adopt(placement: Placement<N>): void {
    const before = this.#placements.current;
    const nowMs = this.#time.now();
    this.#placements.expire(nowMs);
    const changed = this.#placements.replace(placement, nowMs);
    this.#keys.forgetNodes();
    this.#keys.lookAtAll(nowMs, 'now');
    if (changed) this.emit('moved', movedOf(before, placement));
    this.#tell();
  }

  /** Last of all, for listeners may ask the router or change it. */
  #tell(): void {
    for (const change of this.#keys.takeChanges()) {
      const [name, event] = eventOf(change, this.#keys, this.#placements);
      this.emit(name, event);
    }
  }
}

function noNodes(): HoldfastError {
  return new HoldfastError('NO_NODES', 'the placement has no node with weight');
}
