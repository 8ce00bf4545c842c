import type { Key, Placement, PlacementNode } from '../hashing/index.ts';

interface Former<N extends PlacementNode> {
  readonly placement: Placement<N>;
  readonly untilMs: number;
}

/** How many changes within one `coolDownMs` are remembered. */
const mostFormer = 32;

/**
 * @internal The placement, and those that it was in the last `coolDownMs`: what was read by one of them is still written. At
 * most 32 former ones; two with one fingerprint are one.
 */
export class Placements<N extends PlacementNode> {
  readonly #coolDownMs: number;
  #current: Placement<N>;
  #former: readonly Former<N>[] = [];
  #withWeight: number;

  constructor(first: Placement<N>, coolDownMs: number) {
    this.#current = first;
    this.#coolDownMs = coolDownMs;
    this.#withWeight = withWeight(first);
  }

  get current(): Placement<N> {
    return this.#current;
  }

  /** How many nodes have weight. */
  get withWeight(): number {
    return this.#withWeight;
  }

  /** How many former ones are still written to. */
  get former(): number {
    return this.#former.length;
  }

  /** Whether answers may have changed. */
  replace(placement: Placement<N>, nowMs: number): boolean {
    const before = this.#current;
    this.#withWeight = withWeight(placement);
    this.#current = placement;
    if (placement.fingerprint === before.fingerprint) return false;
    const untilMs = nowMs + this.#coolDownMs;
    this.#former = [
      ...this.#former.filter((one) => one.placement.fingerprint !== before.fingerprint),
      { placement: before, untilMs },
    ].slice(-mostFormer);
    return true;
  }

  expire(nowMs: number): void {
    if (this.#former.some(({ untilMs }) => untilMs <= nowMs))
      this.#former = this.#former.filter(({ untilMs }) => untilMs > nowMs);
  }

  /** The first `count` nodes of a key's order. */
  first(key: Key, count: number): N[] {
    if (count > 1) return this.#current.getN(key, count);
    const owner = this.#current.get(key);
    return owner === undefined ? [] : [owner];
  }

  /** The first `count` nodes by the placement, then those by former ones; each id once, its newest object. */
  reached(key: Key, count: number): N[] {
    const nodes = new Map(this.first(key, count).map((node) => [node.id, node]));
    for (const { placement } of this.#former.toReversed()) {
      for (const node of placement.getN(key, count)) {
        if (!nodes.has(node.id)) nodes.set(node.id, this.#current.nodes.get(node.id) ?? node);
      }
    }
    return [...nodes.values()];
  }
}

function withWeight(placement: Placement<PlacementNode>): number {
  return [...placement.nodes.values()].filter(({ weight }) => weight !== 0).length;
}
