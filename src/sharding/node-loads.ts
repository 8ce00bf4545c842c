import type { Lease, Placement, PlacementNode } from '../hashing/index.ts';
import { Windows } from './windows.ts';

/** @internal The load of one node, in reads a second. */
export interface NodeLoad {
  readonly id: string;
  readonly rate: number;
  /** Above this the node is hot. */
  readonly limit: number;
}

/** @internal What each node gets, counted in full: requests in flight, and reads in two windows. Memory O(nodes). */
export class NodeLoads {
  readonly #windowMs: number;
  readonly #inFlight = new Map<string, number>();
  readonly #windows: Windows<Map<string, number>>;

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.#windows = new Windows(windowMs, nowMs, () => new Map<string, number>());
  }

  read(id: string, nowMs: number): void {
    add(this.#windows.at(nowMs), id, 1);
  }

  /** The node is busier by one until the lease is released. */
  lease<N extends PlacementNode>(node: N, rank: number): Lease<N> {
    add(this.#inFlight, node.id, 1);
    let held = true;
    const release = (): void => {
      if (held) this.#end(node.id);
      held = false;
    };
    return { node, rank, release, [Symbol.dispose]: release };
  }

  inFlight(id: string): number {
    return this.#inFlight.get(id) ?? 0;
  }

  /**
   * The nodes of a placement, in its order. A node's limit is `factor` times its fair share of the load of all, and never
   * below `targetRate`: an idle service has no hot node.
   */
  of(placement: Placement<PlacementNode>, factor: number, targetRate: number, nowMs: number): NodeLoad[] {
    this.#windows.roll(nowMs);
    const { current, previous } = this.#windows;
    // After a pause the newest window alone: the time in which nothing happened says nothing about now.
    const alone = this.#windows.currentIsWhole(nowMs);
    const perSecond = 1_000 / (alone ? this.#windowMs : this.#windows.spanMs(nowMs));
    const nodes = [...placement.nodes.values()].map(({ id, weight = 1 }) => {
      return { id, weight, rate: ((current.get(id) ?? 0) + (alone ? 0 : (previous.get(id) ?? 0))) * perSecond };
    });
    const weight = nodes.reduce((sum, node) => sum + node.weight, 0);
    const total = nodes.reduce((sum, { rate }) => sum + rate, 0);
    return nodes.map((node) => {
      const fair = weight === 0 ? 0 : (total * node.weight) / weight;
      const limit = factor === Infinity ? Infinity : Math.max(targetRate, factor * fair);
      return { id: node.id, rate: node.rate, limit };
    });
  }

  #end(id: string): void {
    add(this.#inFlight, id, -1);
    if (this.#inFlight.get(id) === 0) this.#inFlight.delete(id);
  }
}

function add(counts: Map<string, number>, id: string, by: number): void {
  counts.set(id, (counts.get(id) ?? 0) + by);
}

/**
 * @internal What nodes will get soon: after a key has lost a replica, the others serve its reads, and the measured loads say
 * so only two windows later. Without this, several keys would give up replicas for the same free room.
 */
export class Expected {
  readonly #forMs: number;
  readonly #more = new Map<string, { rate: number; untilMs: number }>();

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** A key with this rate has lost the last of its replicas. */
  lost(rate: number, replicas: readonly string[], nowMs: number): void {
    const rateEach = moreForEach(rate, replicas.length);
    for (const id of replicas.slice(0, -1)) {
      this.#more.set(id, { rate: this.at(id, nowMs) + rateEach, untilMs: nowMs + this.#forMs });
    }
  }

  at(id: string, nowMs: number): number {
    const more = this.#more.get(id);
    if (more !== undefined && more.untilMs > nowMs) return more.rate;
    this.#more.delete(id);
    return 0;
  }

  clear(): void {
    this.#more.clear();
  }
}

/** @internal What each other replica gets more when the last is given up. */
export function moreForEach(rate: number, replicas: number): number {
  return replicas < 2 ? 0 : rate / (replicas * (replicas - 1));
}
