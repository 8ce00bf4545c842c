import { check, having } from '../core/options.ts';
import type { Random } from '../core/random.ts';
import { reportError } from '../core/report.ts';
import type { CostSignal, MemberView, PoolView } from './cost.ts';
import type { Circumstances, Health } from './health.ts';
import type { Settings } from './options.ts';

/** For so long a figure of the whole pool is used again; finding it is O(n log n). */
const freshMs = 1_000;

const signalRule = having<CostSignal>('a function that returns a { cost() } signal', 'cost');

/** @internal What a {@link Pool} reads of a member. */
export interface Pooled {
  readonly health: Health;
  latencyMs(): number | undefined;
  readWeight(): number;
}

/** @internal All members: what concerns more than one of them. */
export class Pool<M, S extends Pooled> implements PoolView, Circumstances {
  readonly settings: Settings<M>;
  readonly random: Random;
  readonly chance: Random;
  /** In any order: choices shuffle it. */
  slots: S[] = [];
  /** How many choices there have been. */
  choices = 0;
  /** How many members are not ejected. */
  healthy = 0;
  panic = false;
  readonly #signal: (member: MemberView) => CostSignal;
  readonly #complaints = new Set<string>();
  #median: Figure = stale;
  #weight: Figure = stale;

  constructor(settings: Settings<M>) {
    this.settings = settings;
    this.random = this.chance = settings.runtime.random;
    this.#signal = settings.cost(this);
  }

  get alone(): boolean {
    return this.slots.length === 1;
  }

  /** Takes the members of an update. */
  take(slots: Iterable<S>): void {
    this.slots = [...slots];
    this.#median = this.#weight = stale;
  }

  /** Counts the healthy; whether panic has begun or ended by that. */
  recount(): boolean {
    let healthy = 0;
    for (const { health } of this.slots) if (health.ejection === undefined) healthy++;
    const panic = healthy < this.settings.panicBelow * this.slots.length;
    const changed = panic !== this.panic;
    this.healthy = healthy;
    this.panic = panic;
    return changed;
  }

  /** The lower median of the members' latencies: of two, the faster one's. */
  medianMs(now: number): number | undefined {
    if (isStale(this.#median, now)) {
      const all = this.slots.map((slot) => slot.latencyMs()).filter((ms) => ms !== undefined);
      all.sort((a, b) => a - b);
      // While nobody knows anything, the first who does is asked at once.
      this.#median = { value: all[(all.length - 1) >> 1], atMs: all.length === 0 ? -Infinity : now };
    }
    return this.#median.value;
  }

  /** The share of all calls that is fair for this weight. */
  share(weight: number, now: number): number {
    if (isStale(this.#weight, now)) {
      this.#weight = { value: this.slots.reduce((sum, slot) => sum + slot.readWeight(), 0), atMs: now };
    }
    return weight / this.#weight.value!;
  }

  signalOf(member: MemberView): CostSignal {
    return check('cost', this.#signal(member), signalRule);
  }

  /** Tells of a callback that has gone wrong; once for each, for it may do so with every call. */
  complain(what: string, error: unknown): void {
    if (this.#complaints.has(what)) return;
    this.#complaints.add(what);
    reportError(what, error);
  }
}

/** A figure and when it was found. */
interface Figure {
  readonly value: number | undefined;
  readonly atMs: number;
}

const stale: Figure = { value: undefined, atMs: -Infinity };

function isStale({ atMs }: Figure, now: number): boolean {
  return !(now - atMs < freshMs);
}
