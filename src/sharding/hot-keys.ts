import type { Key, PlacementNode } from '../hashing/index.ts';
import { coldHeat, decideHeat, type Heat, type HeatEffect, isCold } from './heat.ts';
import type { HotKey } from './hot-key-detector.ts';
import { keyOf, textOf } from './key-text.ts';
import { Expected, moreForEach, type NodeLoad, type NodeLoads } from './node-loads.ts';
import type { Settings } from './options.ts';
import type { Placements } from './placements.ts';
import type { HeatReason } from './snapshot.ts';

/** @internal Something that happened to a key, for the listeners. */
export interface KeyChange extends HeatEffect {
  readonly key: Key;
  readonly rate: number;
  readonly reason: HeatReason;
  /** After the change. */
  readonly heat: Heat;
}

/** @internal A node that gets too much, and the keys that make it so, the hottest first. */
export interface HotNode {
  readonly id: string;
  readonly keys: readonly HotKey[];
}

interface Tracked<N> {
  heat: Heat;
  /** The nodes that may be read, as long as neither heat nor placement changes. */
  live: readonly N[] | undefined;
}

/** How many of the hottest keys are looked at when a node is hot. */
const suspects = 64;
/** A key that brings less of a hot node's load is not its reason. */
const leastShare = 0.05;

/**
 * @internal The keys that are not cold, at most `capacity` of them, and how they became so. Looks when it is asked to, at a
 * key that is read or written, and from time to time at all.
 */
export class HotKeys<N extends PlacementNode> {
  readonly #settings: Settings;
  readonly #placements: Placements<N>;
  readonly #loads: NodeLoads;
  readonly #tracked = new Map<string, Tracked<N>>();
  readonly #cold: Heat;
  readonly #expected: Expected;
  #loadOf: ReadonlyMap<string, NodeLoad> = new Map();
  #changes: KeyChange[] = [];
  #lookMs = -Infinity;

  constructor(settings: Settings, placements: Placements<N>, loads: NodeLoads) {
    this.#settings = settings;
    this.#placements = placements;
    this.#loads = loads;
    this.#cold = coldHeat(settings);
    this.#expected = new Expected(2 * settings.windowMs);
  }

  get keys(): Iterable<string> {
    return this.#tracked.keys();
  }

  heat(text: string): Heat {
    return this.#tracked.get(text)?.heat ?? this.#cold;
  }

  /** What has changed since the last call, in order. */
  takeChanges(): readonly KeyChange[] {
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  /** Looks at one key. */
  look(key: Key, nowMs: number): void {
    const text = textOf(key);
    if (text !== undefined) this.#decide(text, nowMs);
  }

  /** Nobody has asked for two windows, and so read, when it was `quietMs`: all were without load then. */
  lookBack(quietMs: number): void {
    this.#loadOf = new Map();
    for (const text of [...this.#tracked.keys()]) this.#decide(text, quietMs, { rate: 0 });
  }

  /** The nodes are others now: what was known of them is void. */
  forgetNodes(): void {
    this.#expected.clear();
    for (const tracked of this.#tracked.values()) tracked.live = undefined;
  }

  /** Looks at all keys and nodes; four times a window, or now. */
  lookAtAll(nowMs: number, when: 'in time' | 'now'): void {
    const { windowMs, nodeFactor, targetRate } = this.#settings;
    if (when === 'in time' && nowMs - this.#lookMs < windowMs / 4) return;
    this.#lookMs = nowMs;
    const loads = this.#loads.of(this.#placements.current, nodeFactor, targetRate, nowMs);
    this.#loadOf = new Map(loads.map((load) => [load.id, load]));
    for (const text of [...this.#tracked.keys()]) this.#decide(text, nowMs);
    for (const { keys } of this.hotNodes()) {
      const text = keys.map(({ key }) => textOf(key)!).find((one) => this.#maySpread(one, nowMs));
      if (text !== undefined) this.#decide(text, nowMs, { push: true });
    }
  }

  /** The nodes that may be read for a key, in its order. */
  live(key: Key): readonly N[] {
    const text = textOf(key);
    const tracked = text === undefined ? undefined : this.#tracked.get(text);
    if (tracked === undefined) return this.#placements.first(key, this.#settings.base);
    tracked.live ??= this.#placements.first(key, tracked.heat.replicas);
    return tracked.live;
  }

  /** The nodes that a write must reach, in the key's order, then those of former placements. */
  reached(key: Key): N[] {
    const text = textOf(key);
    return this.#placements.reached(key, text === undefined ? this.#settings.base : this.heat(text).reached);
  }

  /** Which nodes were hot when all was last looked at, and why. */
  hotNodes(): HotNode[] {
    const hot = [...this.#loadOf.values()].filter(({ rate, limit }) => rate > limit);
    if (hot.length === 0) return [];
    const top = this.#settings.detector.top(suspects).map((found) => ({ found, nodes: this.live(found.key) }));
    return hot.map(({ id, rate }) => {
      const its = top.filter(({ found, nodes }) => {
        return nodes.some((node) => node.id === id) && found.lower / nodes.length >= leastShare * rate;
      });
      return { id, keys: its.map(({ found }) => found) };
    });
  }

  /** A key that has just spread is not spread again before its load had time to follow. */
  #maySpread(text: string, nowMs: number): boolean {
    const { replicas, sinceMs } = this.heat(text);
    return replicas < this.#limit() && nowMs - sinceMs >= 2 * this.#settings.windowMs;
  }

  #limit(): number {
    const { base, max } = this.#settings;
    return Math.max(base, Math.min(max, this.#placements.withWeight));
  }

  #decide(text: string, nowMs: number, known: { readonly rate?: number; readonly push?: boolean } = {}): void {
    const { detector, capacity } = this.#settings;
    const key = keyOf(text);
    const { rate = detector.estimate(key).lower, push = false } = known;
    const tracked = this.#tracked.get(text);
    const before = tracked?.heat ?? this.#cold;
    const hold = tracked !== undefined && this.#isNeeded(key, rate, nowMs);
    const { heat, effects } = decideHeat(before, { rate, limit: this.#limit(), push, hold }, this.#settings, nowMs);
    if (heat === before) return;
    if (heat.replicas < before.replicas) {
      const ids = this.live(key).map(({ id }) => id);
      this.#expected.lost(rate, ids, nowMs);
    }
    if (tracked === undefined) {
      // Full: nobody is pushed out, for its copies would be forgotten while they may still be read.
      if (this.#tracked.size >= capacity || isCold(heat, this.#settings)) return;
      this.#tracked.set(text, { heat, live: undefined });
    } else if (isCold(heat, this.#settings)) {
      this.#tracked.delete(text);
    } else {
      if (heat.replicas !== before.replicas) tracked.live = undefined;
      tracked.heat = heat;
    }
    for (const effect of effects) this.#changes.push({ ...effect, key, rate, reason: heat.reason, heat });
  }

  /** Whether one of a key's nodes would come near its limit, by this key's reads, if the key had one replica less. */
  #isNeeded(key: Key, rate: number, nowMs: number): boolean {
    const others = this.live(key).slice(0, -1);
    const more = moreForEach(rate, others.length + 1);
    return others.some(({ id }) => {
      const load = this.#loadOf.get(id);
      if (load === undefined) return false;
      const then = load.rate + more + this.#expected.at(id, nowMs);
      // The same measure by which it would spread again: else it would come and go, or stay for what others bring.
      return rate / others.length >= leastShare * then && then > load.limit * this.#settings.coolRatio;
    });
  }
}
