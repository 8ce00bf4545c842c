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

/** One call of so many is spent on trying ejected members, and so many trials may be saved up. */
const callsPerTrial = 100;
const mostTrials = 3;

const signalRule = having<CostSignal>('a function that returns a { cost() } signal', 'cost');

/** @internal What a {@link Pool} reads of a member. */
export interface Pooled {
  sound(now: number): boolean;
  readonly health: Health;
  readonly readWeight: number;
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
  /** Trials that may be made at once, as of the choice that was counted last. */
  #trials = mostTrials;
  #counted = 0;
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

  /** Counts the healthy, and sees whether panic has begun or ended by that. */
  recount(now: number): void {
    const healthy = this.countSound(now);
    // A single member has nobody to leave its calls to.
    const panic = !this.alone && healthy < this.settings.panicBelow * this.slots.length;
    this.healthy = healthy;
    this.panic = panic;
  }

  /** What most have suffered from is over for one: all others may be tried at once, and need not wait for their time. */
  hope(now: number): void {
    for (const slot of this.slots) slot.judge({ type: 'hope' }, now);
  }

  /**
   * Whether the others fail too, so that it is no member's fault: half of them or more suffer, or more than an accidental
   * share of all their calls of late fails, rows of failures apart, for those are a member's own affair.
   */
  common(slot: S, now: number): boolean {
    let others = 0;
    let suffering = 0;
    let served = 0;
    let failed = 0;
    for (const other of this.slots) {
      if (other === slot || other.readWeight === 0) continue;
      others++;
      const tally = other.recent(now);
      const { inRow, failedMs, ejection } = other.health;
      const row = now - failedMs < this.settings.rules.windowMs ? inRow : 0;
      if (ejection !== undefined || row > 1 || !accidental(tally.failed, tally.served)) suffering++;
      served += tally.served;
      failed += Math.max(0, tally.failed - inRow);
    }
    return others > 0 && (2 * suffering >= others || !accidental(failed, served));
  }

  /** Whether a call may be spent on trying an ejected member: few calls are, however seldom there is one. */
  get mayTry(): boolean {
    return this.#trials + (this.choices - this.#counted) / callsPerTrial >= 1;
  }

  /** A call has been spent on it. */
  tried(): void {
    this.#trials = Math.max(0, Math.min(mostTrials, this.#trials + (this.choices - this.#counted) / callsPerTrial) - 1);
    this.#counted = this.choices;
  }

  /** It was not spent after all. */
  untried(): void {
    this.#trials++;
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

/** Whether no more calls fail than happens without a reason: less than one, or one of ten. */
function accidental(failed: number, served: number): boolean {
  return failed < 1 || failed <= 0.1 * (failed + served);
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
