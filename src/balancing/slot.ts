import { invalid } from '../core/options.ts';
import type { Candidate, Occasion } from './choice.ts';
import type { CostSignal, MemberView, Verdict } from './cost.ts';
import { Flight, Flights } from './flight.ts';
import { type Circumstances, type Health, type HealthEvent, judge, mayTry, unknownHealth } from './health.ts';
import type { Pool } from './pool.ts';
import type { Prober } from './prober.ts';
import { RecentCalls, type Tally } from './recent-calls.ts';
import { Ramp } from './slow-start.ts';

/** Ranks, each above all below it together: who has several is behind who has one. */
const rankSlowStart = 1;
const rankProbation = 2;
const rankEjected = 4;
const rankAvoided = 8;
const rankWeightless = 16;

/** @internal What is known of one member. */
export class Slot<M> implements MemberView, Candidate {
  readonly id: string;
  member: M;
  pending = 0;
  /** Its weight when it was last read. */
  readWeight = 1;
  health: Health = unknownHealth;
  prober: Prober<M> | undefined;
  readonly #recent: RecentCalls;
  readonly #pool: Pool<M, Slot<M>>;
  readonly #around: Circumstances;
  readonly #open = new Flights<Slot<M>>();
  #signal: CostSignal;
  #ramp: Ramp | undefined;
  /** What became of a call to it is known. */
  #tried = false;
  /** Whether it has ever settled a call, or answered a probe well, by itself. */
  answered = false;
  /** It is of the pool no more: what its calls come to concerns nobody. */
  gone = false;
  /** Since when nothing is heard of it, though it was asked. */
  #unansweredMs = Infinity;

  constructor(id: string, member: M, pool: Pool<M, Slot<M>>) {
    this.id = id;
    this.member = member;
    this.#pool = pool;
    this.#recent = new RecentCalls(pool.settings.rules.windowMs);
    this.#around = {
      get alone() {
        return pool.slots.length === 1;
      },
      get panic() {
        return pool.panic;
      },
      recent: (now) => this.recent(now),
      common: (now) => pool.common(this, now),
      chance: pool.random,
    };
    this.weigh();
    this.#signal = pool.signalOf(this);
  }

  /** Whether it is not ejected, and serves: what makes the health of all worth looking at. */
  sound(now: number): boolean {
    return this.health.ejection === undefined && this.#recent.serves(now);
  }

  /** Its calls of late. */
  recent(now: number): Tally {
    return this.#recent.read(now);
  }

  ageMs(now: number): number {
    const { oldest } = this.#open;
    return oldest === undefined ? 0 : Math.max(0, now - oldest.startedMs);
  }

  rank({ now, avoid, panic }: Occasion): number {
    let rank = 0;
    if (this.weigh() === 0) rank = rankWeightless;
    if (avoid.size > 0 && avoid.has(this.member)) rank += rankAvoided;
    if (!this.answered && this.#open.oldest !== undefined && this.#pool.settings.probation) rank += rankProbation;
    if (this.health.ejection !== undefined) {
      if (!panic && !this.#mayTry(now)) rank += rankEjected;
    } else if (!panic && this.#ramp !== undefined && !this.#mayTake(this.#ramp, now)) {
      // In panic it would come behind those that fail.
      rank += rankSlowStart;
    }
    return rank;
  }

  /** Who is to be tried comes first: only a call can tell. */
  cost(now: number): number {
    const untried = !this.#tried && this.#open.oldest === undefined;
    if ((untried && this.#pool.settings.probation) || this.#mayTry(now)) return -Infinity;
    try {
      const cost = this.#signal.cost(now);
      return typeof cost === 'number' && !Number.isNaN(cost) ? cost : Infinity;
    } catch (error) {
      this.#pool.complain('a cost failed', error);
      return Infinity;
    }
  }

  /** Only compared with others that have no weight either. */
  get weight(): number {
    return this.readWeight === 0 ? 1 : this.readWeight;
  }

  weigh(): number {
    this.readWeight = this.#weightNow();
    return this.readWeight;
  }

  #weightNow(): number {
    try {
      const weight = this.#pool.settings.weight(this.member);
      if (typeof weight === 'number' && weight >= 0 && weight < Infinity) return weight;
      this.#pool.complain('a weight counts as 1', invalid('weight', 'a finite number >= 0', weight));
    } catch (error) {
      this.#pool.complain('a weight counts as 1', error);
    }
    return 1;
  }

  latencyMs(): number | undefined {
    return this.#finite(() => this.#signal.latencyMs?.());
  }

  failures(now: number): number {
    return this.#finite(() => this.#signal.failures?.(now)) ?? 0;
  }

  #finite(read: () => number | undefined): number | undefined {
    try {
      const value = read();
      return Number.isFinite(value) ? value : undefined;
    } catch (error) {
      this.#pool.complain('a cost failed', error);
      return undefined;
    }
  }

  /** Its share grows from now on, where that was asked for. */
  ramp(now: number): void {
    const { slowStart } = this.#pool.settings;
    this.#ramp = slowStart && new Ramp(slowStart, now, this.#pool.choices);
  }

  /** The part of its fair share that it may have. */
  part(now: number): number {
    return this.#ramp?.part(now) ?? 1;
  }

  #mayTake(ramp: Ramp, now: number): boolean {
    if (ramp.part(now) < 1) return ramp.mayTake(now, this.#pool.choices, this.#pool.share(this.readWeight, now));
    this.#ramp = undefined;
    return true;
  }

  /** It takes a call. */
  start(now: number): Flight<Slot<M>> {
    const trial = this.#mayTry(now);
    const flight = new Flight(this, now, trial);
    this.#open.add(flight);
    this.pending++;
    this.#ramp?.take();
    this.#unansweredMs = Math.min(this.#unansweredMs, now);
    if (trial) {
      this.#pool.tried();
      this.judge({ type: 'tried' }, now);
    }
    try {
      this.#signal.started?.(now);
    } catch (error) {
      this.#pool.complain('a cost failed', error);
    }
    return flight;
  }

  /** What became of a call is known; `answered`: by the member itself. */
  conclude(flight: Flight<Slot<M>>, verdict: Verdict, answered: boolean, now: number): void {
    const { startedMs, trial } = flight;
    this.#end(flight);
    this.#tried = true;
    // A deadline that has passed tells of silence only when nothing else is heard either: who answers some calls is slow, of
    // which overload is the usual cause, and the cost knows what to do about that.
    const telling = answered || trial || now - this.#unansweredMs >= this.#pool.settings.rules.baseMs;
    if (answered) this.hear();
    if (verdict !== 'ignore' && telling && !this.gone) {
      this.#recent.add(verdict === 'ok', now);
      this.judge({ type: 'settled', ok: verdict === 'ok', startedMs, trial }, now);
    } else if (trial && !this.gone) {
      this.judge({ type: 'calledOff', startedMs }, now);
    }
    this.#settled(verdict, startedMs, now);
  }

  /** It has shown that it is there. */
  hear(): void {
    this.answered = true;
    this.#unansweredMs = Infinity;
  }

  #mayTry(now: number): boolean {
    return mayTry(this.health, now) && this.#pool.mayTry;
  }

  /** A call did not ask it after all: it is no trial, and no silence. */
  withdraw(flight: Flight<Slot<M>>, now: number): void {
    this.#end(flight);
    if (this.#unansweredMs === flight.startedMs) this.#unansweredMs = this.#open.oldest?.startedMs ?? Infinity;
    if (flight.trial) {
      this.#pool.untried();
      this.judge({ type: 'untried' }, now);
    }
    this.#settled('ignore', flight.startedMs, now);
  }

  #end(flight: Flight<Slot<M>>): void {
    flight.open = false;
    this.#open.delete(flight);
  }

  #settled(verdict: Verdict, startedMs: number, now: number): void {
    try {
      this.#signal.settled?.(verdict, Math.max(0, now - startedMs), now);
    } catch (error) {
      this.#pool.complain('a cost failed', error);
    }
  }

  /** Something has happened that concerns its health. Who is restored is as good as new, but for what he shows next. */
  judge(event: HealthEvent, now: number): void {
    if (event.type === 'probed' && event.ok) this.hear();
    const before = this.health;
    this.health = judge(before, event, now, this.#pool.settings.rules, this.#around);
    if (before.ejection === undefined || this.health.ejection !== undefined) return;
    this.#recent.clear();
    try {
      this.#signal = this.#pool.signalOf(this);
    } catch (error) {
      this.#pool.complain('a cost failed', error);
    }
    this.ramp(now);
  }
}
