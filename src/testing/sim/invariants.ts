import { invalid } from '../../core/options.ts';

/** @internal An invariant that does not hold. */
export interface Violation {
  readonly what: string;
  readonly cause?: unknown;
}

interface Goal {
  readonly name: string;
  readonly holds: () => boolean;
  readonly withinMs: number;
  reached: boolean;
}

interface Place {
  readonly holds: (() => boolean) | undefined;
  reached: number;
}

/** @internal What must hold at every step, be reached at some step, and be reached in time once the faults are over. */
export class Invariants {
  readonly #always = new Map<string, () => boolean>();
  readonly #places = new Map<string, Place>();
  /** Places with a condition that have not been reached. */
  readonly #sought = new Set<Place>();
  readonly #goals = new Map<string, Goal>();
  #calmSinceMs = 0;
  /** Faults that are still to come. */
  #toCome = 0;

  always(name: string, holds: () => boolean): void {
    this.#always.set(unique(name, this.#always), holds);
  }

  sometimes(name: string, holds: (() => boolean) | undefined): () => void {
    if (holds !== undefined) unique(name, this.#places);
    const place: Place = this.#places.get(name) ?? { holds, reached: 0 };
    this.#places.set(name, place);
    if (holds !== undefined) this.#sought.add(place);
    return () => {
      place.reached++;
    };
  }

  eventually(name: string, holds: () => boolean, withinMs: number): void {
    this.#goals.set(unique(name, this.#goals), { name, holds, withinMs, reached: false });
  }

  /** How often each place was reached. */
  get reached(): Record<string, number> {
    return Object.fromEntries([...this.#places].map(([name, { reached }]) => [name, reached]));
  }

  /** The world has changed: what had been reached is to be reached again. */
  disturbed(nowMs: number): void {
    this.#calmSinceMs = nowMs;
    for (const goal of this.#goals.values()) goal.reached = false;
  }

  /** Faults to come, one more or one fewer. */
  expectFaults(more: 1 | -1): void {
    this.#toCome += more;
  }

  /** Looks at the world after a step. */
  judge(): Violation | undefined {
    for (const [name, holds] of this.#always) {
      const violation = violated(name, holds);
      if (violation !== undefined) return violation;
    }
    for (const place of this.#sought) {
      if (place.holds?.() !== true) continue;
      place.reached++;
      this.#sought.delete(place);
    }
    for (const goal of this.#goals.values()) if (!goal.reached) goal.reached = goal.holds();
    return undefined;
  }

  /** Up to when a goal must have been reached; undefined while none is open or faults are to come. */
  get deadlineMs(): number | undefined {
    if (this.#toCome > 0) return undefined;
    let first: number | undefined;
    for (const { reached, withinMs } of this.#goals.values())
      if (!reached) first = Math.min(first ?? Infinity, this.#calmSinceMs + withinMs);
    return first;
  }

  /** A goal that is not reached: in time, or, when the run is `over`, before its time was up. */
  missed(nowMs: number, over: boolean): string | undefined {
    for (const { name, reached, withinMs } of this.#goals.values()) {
      if (reached) continue;
      const left = this.#calmSinceMs + withinMs - nowMs;
      if (this.#toCome === 0 && left <= 0) return `not within ${String(withinMs)} ms after the last fault: ${name}`;
      if (over) return `the run ended before it could be judged: ${name}`;
    }
    return undefined;
  }
}

/** Two of one name would be one, and one of them not looked at. */
function unique(name: string, others: ReadonlyMap<string, unknown>): string {
  if (typeof name === 'string' && !others.has(name)) return name;
  throw invalid('name', 'a string that no other has', name);
}

function violated(name: string, holds: () => boolean): Violation | undefined {
  try {
    // Anything but true is a violation: a promise, or a forgotten return, would hold for ever.
    const result: unknown = holds();
    if (result === true) return undefined;
    return { what: `does not always hold: ${name}` };
  } catch (cause) {
    return { what: `does not always hold: ${name}`, cause };
  }
}
