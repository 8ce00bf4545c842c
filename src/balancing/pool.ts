import { check, having } from '../core/options.ts';
import type { Random } from '../core/random.ts';
import { reportError } from '../core/report.ts';
import type { CostSignal, MemberView, PoolView, Verdict } from './cost.ts';
import type { Health, HealthEvent } from './health.ts';
import { type CallOutcome, verdictOf, verdictRule } from './outcome.ts';
import type { Tally } from './recent-calls.ts';
import type { Settings } from './settings.ts';

/** For so long a figure of the whole pool is used again; finding it is O(n log n). */
const freshMs = 100;

const signalRule = having<CostSignal>('a function that returns a { cost() } signal', 'cost');

/** @internal What a {@link Pool} reads of a member. */
export interface Pooled {
  sound(now: number): boolean;
  readonly health: Health;
  recent(now: number): Tally;
  latencyMs(): number | undefined;
  weigh(): number;
  judge(event: HealthEvent, now: number): void;
}

/** @internal All members: what concerns more than one of them. */
export class Pool<M, S extends Pooled> implements PoolView {
  readonly settings: Settings<M>;
  readonly random: Random;
  /** In any order: choices shuffle it. */
  slots: S[] = [];
  /** How many choices there have been. */
  choices = 0;
  /** How many members were sound when they were counted last. */
  healthy = 0;
  panic = false;
  readonly #signal: (member: MemberView) => CostSignal;
  readonly #complaints = new Set<string>();
  #median: Figure = stale;
  #weight: Figure = stale;

  constructor(settings: Settings<M>) {
    this.settings = settings;
    this.random = settings.runtime.random;
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

  countSound(now: number): number {
    let sound = 0;
    for (const slot of this.slots) if (slot.sound(now)) sound++;
    return sound;
  }

  /** Counts the healthy; whether panic has begun or ended by that. */
  recount(now: number): boolean {
    const healthy = this.countSound(now);
    const panic = healthy < this.settings.panicBelow * this.slots.length;
    const changed = panic !== this.panic;
    this.healthy = healthy;
    this.panic = panic;
    return changed;
  }

  /** What most have suffered from is over for one: all others may be tried at once, and need not wait for their time. */
  hope(now: number): void {
    for (const slot of this.slots) slot.judge({ type: 'hope' }, now);
  }

  /**
   * Whether the others fail too, so that it is no member's fault: half of them or more suffer, or more than an accidental
   * share of all their calls fails, runs of failures apart, for those are a member's own affair.
   */
  common(slot: S, now: number): boolean {
    let suffering = 0;
    let served = 0;
    let failed = 0;
    for (const other of this.slots) {
      if (other === slot) continue;
      const tally = other.recent(now);
      const { inRow, ejection } = other.health;
      if (ejection !== undefined || inRow > 1 || !accidental(tally.failed, tally.served)) suffering++;
      served += tally.served;
      failed += Math.max(0, tally.failed - inRow);
    }
    return 2 * suffering >= this.slots.length - 1 || !accidental(failed, served);
  }

  /** The lower median of the members' latencies: of two, the faster one's. */
  medianMs(now: number): number | undefined {
    if (isStale(this.#median, now)) {
      // A signal that asks for the median to tell its own latency gets the old one.
      this.#median = { value: this.#median.value, atMs: now };
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
      this.#weight = { value: this.slots.reduce((sum, slot) => sum + slot.weigh(), 0), atMs: now };
    }
    const total = this.#weight.value!;
    return total === 0 ? 1 / this.slots.length : weight / total;
  }

  signalOf(member: MemberView): CostSignal {
    return check('cost', this.#signal(member), signalRule);
  }

  /** What is concluded from an outcome; `accepted`: no value that the caller refused. */
  verdict(status: CallOutcome['status'], result: unknown, ms: number, accepted: boolean): Verdict {
    const { classify } = this.settings;
    const verdict = accepted ? verdictOf(status) : 'failed';
    if (classify === undefined) return verdict;
    try {
      const outcome: CallOutcome =
        status === 'resolved' ? { status, value: result, ms } : { status, error: result, ms };
      return check('what classify returns', classify(outcome), verdictRule);
    } catch (error) {
      this.complain('classify failed', error);
      return verdict;
    }
  }

  /** Tells of a callback that has gone wrong; once for each, for it may do so with every call. */
  complain(what: string, error: unknown): void {
    if (this.#complaints.has(what)) return;
    this.#complaints.add(what);
    reportError(what, error);
  }
}

/** Whether no more calls fail than happens without a reason: one of ten. */
function accidental(failed: number, served: number): boolean {
  return failed <= 0.1 * (failed + served);
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
