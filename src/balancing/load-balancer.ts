import type { Budget } from '../calls/budget.ts';
import type { Attempt } from '../calls/call.ts';
import { raced } from '../calls/raced.ts';
import { deadlineFrom } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import type { Dyn } from '../core/live.ts';
import { check, func } from '../core/options.ts';
import { refusal } from '../core/scope.ts';
import { choose } from './choice.ts';
import type { Verdict } from './cost.ts';
import type { BalancerEvents, RestoreReason } from './events.ts';
import type { Flight } from './flight.ts';
import type { Ejection, HealthEvent } from './health.ts';
import type { BalancerLease } from './lease.ts';
import { entryOf, type FlightDesk, tryMember, what } from './member-attempt.ts';
import { Membership } from './membership.ts';
import type { LoadBalancerOptions } from './options.ts';
import { type CallOutcome, verdictRule } from './outcome.ts';
import { Pool } from './pool.ts';
import { Prober } from './prober.ts';
import { checkChoice, ownBudget, racePolicyOf, type RunOptions } from './run-options.ts';
import { type Settings, settingsFrom } from './settings.ts';
import { Slot } from './slot.ts';
import { type BalancerStats, statsOf } from './stats.ts';

const none: ReadonlySet<unknown> = new Set();
const workRule = func();

/**
 * A balancer over clients of any kind: URLs, pools, stubs, functions. It decides who, the caller's function does the work.
 *
 * Promises: a call goes to the member of the least cost among those compared, equals being equally likely; by default that
 * is one that is quick, not busy, not silent and not failing. A member that fails again and again is ejected: it ranks behind
 * the others, is tried now and then by a single call, and is never refused when there is nobody else. A new member has one
 * call at a time that somebody waits for, until it has answered. `avoid` is honoured whenever there is another member. What is
 * in flight is counted until the work itself has settled, also after the caller has gone; membership may change at any time and
 * neither drops nor miscounts a call in flight. `run` settles at the deadline or the abort even if the work ignores both.
 *
 * Makes one attempt a call, unless it is told to hedge or to retry. Does not know what other processes do. Does not open
 * sockets. Sets no timer beside a call's deadline, but for hedges, retries and active probes.
 *
 * Complexity: O(members) for each call up to 16 members; above, O(`choices`), and O(members) for one that fails or ends in a
 * panic. Memory O(members), those that are gone but busy included.
 *
 * Source: peak EWMA and failure accrual of Finagle, panic threshold of Envoy, failures in the cost of palantir's dialogue; a
 * full scan instead of two choices, for two choices out of four meet two slow members in one call of six.
 *
 * @example
 * ```ts
 * import { LoadBalancer } from 'holdfast/balancing';
 *
 * const replicas = new LoadBalancer(['http://10.0.0.1', 'http://10.0.0.2']);
 * const answer = await replicas.run((url) => `asked ${url}`, { deadline: 500 });
 * answer.startsWith('asked http://10.0.0.') // => true
 * replicas.stats().members.length // => 2
 * ```
 */
export class LoadBalancer<M> extends Emitter<BalancerEvents> implements AsyncDisposable {
  readonly #settings: Settings<M>;
  readonly #pool: Pool<M, Slot<M>>;
  readonly #membership: Membership<M, Slot<M>>;
  readonly #budget: () => Budget;
  readonly #desk: FlightDesk<Flight<Slot<M>>>;
  #closed = false;
  #toldPanic = false;

  /**
   * @param members - the members, or a live list of them
   * @param options - identity, cost, health, time and chance
   * @throws {@link HoldfastError} `INVALID_OPTION`; also for two members of one id
   */
  constructor(members: Dyn<readonly M[]>, options?: LoadBalancerOptions<M>) {
    super();
    this.#settings = settingsFrom(options);
    this.#pool = new Pool(this.#settings);
    this.#budget = ownBudget(this.#settings.runtime);
    this.#desk = {
      clock: this.#settings.runtime.clock,
      begin: (avoid) => this.#begin(avoid),
      withdraw: (flight) => {
        this.#withdraw(flight);
      },
      learn: (flight, status, result, accepted) => {
        this.#learn(flight, status, result, accepted);
      },
      answeredLate: (flight, value, accepted) => {
        this.#answeredLate(flight, value, accepted);
      },
      free: (flight) => {
        this.#free(flight);
      },
    };
    const { id, acceptEmpty } = this.#settings;
    this.#membership = new Membership({
      id,
      acceptEmpty,
      make: (name, member) => new Slot(name, member, this.#pool),
      onChange: (before, now) => {
        this.#take(before, now);
      },
      onEmpty: () => {
        this.emit('emptyUpdate', { kept: this.#pool.slots.length });
      },
    });
    this.#membership.update(members);
  }

  /**
   * Runs `work` on the best member and settles as it does. With `hedge` or `retry` it may run several times, as `hedge` and
   * `retry` of `holdfast/calls` say, each time on a member that was not tried, if there is one.
   *
   * @param work - gets the member and an attempt to hand on; a synchronous throw counts as a rejection
   * @param options - signal, deadline, whom to avoid, what to do about silence and failure; an outer {@link Attempt} fits as
   * it is
   * @returns what `work` returned
   * @throws {@link HoldfastError} as a rejection: `NO_MEMBERS`, `CLOSED`, `DEADLINE_EXCEEDED`, `INVALID_OPTION`; else the
   * caller's abort reason or the work's own error. What is refused at the start, for one of the four or for a signal that has
   * aborted, is refused without calling `work`.
   */
  async run<T>(work: (member: M, attempt: Attempt) => T | PromiseLike<T>, options: RunOptions<T> = {}): Promise<T> {
    check('work', work, workRule);
    checkChoice(options);
    const { runtime } = this.#settings;
    const policy = racePolicyOf(options, this.#budget);
    if (policy !== undefined) {
      this.#checkOpen();
      if (this.#membership.current().size === 0) throw noMembers();
      const { accept, discard } = options;
      const attemptOn = (_: undefined, attempt: Attempt): Promise<T> =>
        tryMember(this.#desk, work, entryOf(attempt, accept, discard));
      return await raced(what, attemptOn, policy, runtime)(undefined, options);
    }
    const { signal, avoid = none, accept, discard } = options;
    // One attempt is the one around it, where there is one: so its number tells the receiver.
    const { attempt = 1, cause = 'original' } = options as Partial<Attempt>;
    const deadline = deadlineFrom(options.deadline, runtime.clock);
    const refused = refusal(what, { signal, deadline });
    if (refused !== undefined) throw refused.reason;
    const visit = options.visit?.bind(options);
    const only = { attempt, cause, signal, deadline, avoid, visit };
    return await tryMember(this.#desk, work, entryOf(only, accept, discard, options));
  }

  /**
   * Takes the member that `run` would take, for work that is not one function. Release the lease, and say how it went: that
   * is all the balancer learns.
   *
   * @param options - whom to avoid
   * @throws {@link HoldfastError} `NO_MEMBERS`, `CLOSED`, `INVALID_OPTION`
   */
  pick(options: Pick<RunOptions, 'avoid'> = {}): BalancerLease<M> {
    checkChoice(options);
    const flight = this.#begin(options.avoid ?? none);
    let held = true;
    const release = (outcome: Verdict = 'ok'): void => {
      check('outcome', outcome, verdictRule);
      if (!held) return;
      held = false; // first of all, for a listener may release it too
      this.#conclude(flight, outcome, outcome !== 'ignore');
      this.#free(flight);
    };
    return { member: flight.member, release, [Symbol.dispose]: () => release('ignore') };
  }

  /**
   * Takes another membership. Members are told apart by id; what is known of those that stay is kept. A list without members
   * is not taken unless `acceptEmpty` says so.
   *
   * @param members - the members, or a live list of them
   * @throws {@link HoldfastError} `INVALID_OPTION`, and then the old membership stays
   */
  update(members: Dyn<readonly M[]>): void {
    this.#membership.update(members);
  }

  /** What is known of the members now. */
  stats(): BalancerStats {
    return statsOf(this.#membership.current().values(), this.#pool, this.#now());
  }

  /** No further call is taken, nobody is probed; calls in flight go on. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { prober } of this.#pool.slots) prober?.stop();
  }

  /** {@link LoadBalancer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #now(): number {
    return this.#settings.runtime.clock.now();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HoldfastError('CLOSED', 'the load balancer is closed');
  }

  #begin(avoid: ReadonlySet<unknown>): Flight<Slot<M>> {
    this.#membership.current();
    this.#checkOpen(); // afterwards, for who is told of an update may close
    const pool = this.#pool;
    const now = this.#now();
    pool.choices++;
    const slot = choose(pool.slots, this.#settings.looks, { now, avoid, panic: pool.panic }, pool.random);
    if (slot === undefined) throw noMembers();
    return slot.start(now);
  }

  /** The outcome is known, unless it was before. */
  #learn(flight: Flight<Slot<M>>, status: CallOutcome['status'], result: unknown, accepted = true): void {
    if (!flight.open) return;
    const ms = Math.max(0, this.#now() - flight.startedMs);
    this.#conclude(flight, this.#pool.verdict(status, result, ms, accepted), isAnswer(status));
  }

  #conclude(flight: Flight<Slot<M>>, verdict: Verdict, answered: boolean): void {
    const { slot } = flight;
    const now = this.#now();
    const { health } = slot;
    const sound = slot.sound(now);
    slot.conclude(flight, verdict, answered, now);
    // Failures age: in panic each answer may show that it is over.
    if (this.#pool.panic || slot.sound(now) !== sound || slot.health.ejection !== health.ejection)
      this.#tellHealth(slot, health.ejection, 'answered', now);
  }

  /** Answered, but nobody waits for it any more. A trial shows all the same whether its member serves. */
  #answeredLate(flight: Flight<Slot<M>>, value: unknown, accepted: boolean): void {
    const { slot, startedMs, trial } = flight;
    slot.hear();
    if (!trial) return;
    const ms = Math.max(0, this.#now() - startedMs);
    const ok = this.#pool.verdict('resolved', value, ms, accepted) === 'ok';
    if (ok && !slot.gone) this.#judge(slot, { type: 'settled', ok, startedMs, trial }, 'answered');
  }

  /** The member was not asked after all. */
  #withdraw(flight: Flight<Slot<M>>): void {
    flight.slot.withdraw(flight, this.#now());
    this.#free(flight);
  }

  #judge(slot: Slot<M>, event: HealthEvent, restoredBy: RestoreReason): void {
    const now = this.#now();
    const before = slot.health.ejection;
    slot.judge(event, now);
    this.#tellHealth(slot, before, restoredBy, now);
  }

  #free(flight: Flight<Slot<M>>): void {
    flight.slot.pending--;
    if (flight.slot.pending === 0) this.#membership.idle(flight.slot);
  }

  /** Tells of a member that was ejected or restored; one that has left is nobody's concern. */
  #tellHealth(slot: Slot<M>, before: Ejection | undefined, restoredBy: RestoreReason, now: number): void {
    const { id, health } = slot;
    const { ejection } = health;
    if (slot.gone) return;
    const turned = (before === undefined) !== (ejection === undefined);
    if (turned && ejection === undefined && this.#pool.panic) this.#pool.hope(now);
    this.#pool.recount(now);
    if (turned && ejection !== undefined) this.emit('eject', { id, why: ejection.why, forMs: ejection.untilMs - now });
    else if (turned) this.emit('restore', { id, why: restoredBy, afterMs: now - before!.sinceMs });
    this.#tellPanic();
  }

  /** Listeners change things: what is told is what is, and only when it is not what was told last. */
  #tellPanic(): void {
    const { panic, healthy, slots } = this.#pool;
    if (panic === this.#toldPanic) return;
    this.#toldPanic = panic;
    this.emit('panic', { active: panic, healthy, members: slots.length });
  }

  /** A membership has been taken. */
  #take(before: ReadonlyMap<string, Slot<M>>, slots: ReadonlyMap<string, Slot<M>>): void {
    const added = [...slots.values()].filter(({ id }) => !before.has(id));
    const removed = [...before.values()].filter(({ id }) => !slots.has(id));
    this.#pool.take(slots.values());
    for (const { prober } of removed) prober?.stop();
    for (const slot of added) {
      // The first members have nobody to be compared with.
      if (before.size > 0) slot.ramp(this.#now());
      slot.prober = this.#proberOf(slot);
    }
    for (const slot of removed) slot.gone = true;
    for (const slot of slots.values()) slot.gone = false;
    this.#pool.recount(this.#now());
    if (added.length + removed.length > 0) this.emit('update', { added: idsOf(added), removed: idsOf(removed) });
    this.#tellPanic();
    const [first] = this.#pool.slots;
    if (first !== undefined && this.#pool.alone) this.#judge(first, { type: 'alone' }, 'alone');
  }

  #proberOf(slot: Slot<M>): Prober<M> | undefined {
    const { probe, runtime } = this.#settings;
    if (probe === undefined || this.#closed) return undefined;
    return new Prober(
      probe,
      () => slot.member,
      runtime,
      (ok) => {
        this.#judge(slot, { type: 'probed', ok }, 'probe');
      },
    );
  }
}

function noMembers(): HoldfastError {
  return new HoldfastError('NO_MEMBERS', 'the load balancer has no members');
}

/** Whether it was the member that ended the call. */
function isAnswer(status: CallOutcome['status']): boolean {
  return status === 'resolved' || status === 'rejected';
}

function idsOf(slots: readonly { readonly id: string }[]): readonly string[] {
  return slots.map(({ id }) => id);
}
