import pLimit from 'p-limit';
import type { Attempt } from '../calls/call.ts';
import { discardWith, Race, type RacePolicy, type RaceResult } from '../calls/race.ts';
import type { Timer } from '../core/clock.ts';
import { type Deadline, deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import { Scope } from '../core/scope.ts';
import { InsufficientCoverageError } from './errors.ts';
import { gathered, type Gathered, type LeafStatus, type Outcome } from './outcome.ts';
import { type Judge, judgeOf, type Requirement, shortfall, type Tally } from './requirement.ts';

/** @internal Everything that a gather needs, checked. */
export interface Plan<T, V> {
  readonly targets: readonly T[];
  readonly leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>;
  readonly requirement: Requirement;
  readonly straggler: number;
  readonly policy: RacePolicy<V>;
  readonly concurrency: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The caller's, less what is reserved. */
  readonly deadline: Deadline;
  readonly runtime: Runtime;
}

/** What is known of one target. */
interface Leaf<T, V> {
  readonly target: T;
  race?: Race<V>;
  startedMs: number;
  settledMs: number;
  result?: RaceResult<V>;
}

const what = 'a gather';

/** @internal One gather under way: tells the judge of each answer and acts on the verdict. Settles once. */
export class Gathering<T, V> {
  readonly #plan: Plan<T, V>;
  readonly #resolve: (result: Gathered<T, V>) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #judge: Judge;
  readonly #leaves: readonly Leaf<T, V>[];
  readonly #limit: ReturnType<typeof pLimit> | undefined;
  #scope: Scope | undefined;
  #straggling: Timer | undefined;
  #ok = 0;
  #failed = 0;
  #settled = false;

  constructor(plan: Plan<T, V>, resolve: (result: Gathered<T, V>) => void, reject: (reason: unknown) => void) {
    this.#plan = plan;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#judge = judgeOf(plan.requirement, plan.targets.length);
    this.#leaves = plan.targets.map((target) => ({ target, startedMs: 0, settledMs: 0 }));
    this.#limit = plan.concurrency === undefined ? undefined : pLimit(plan.concurrency);
  }

  /** Asks the targets, as far as the verdict over no answers and the deadline leave something to ask. */
  start(): void {
    const { deadline, signal, runtime } = this.#plan;
    if (deadline.expired) {
      this.#onTimeOver();
      return;
    }
    this.#scope = new Scope(what, { signal, deadline }, runtime.clock, (reason) => {
      if (signal?.aborted === true) this.#giveUp(reason);
      else this.#onTimeOver();
    });
    this.#act();
    for (const leaf of this.#leaves) {
      if (this.#settled) return;
      if (this.#limit === undefined) void this.#ask(leaf);
      else void this.#limit(() => this.#ask(leaf));
    }
  }

  /** Resolves when the target has answered or failed; never when the gather has settled before. */
  #ask(leaf: Leaf<T, V>): Promise<void> {
    // The limiter may have let this one through in the turn in which the gather settled.
    if (this.#settled) return Promise.resolve();
    const { leaf: run, deadline, runtime, policy } = this.#plan;
    if (deadline.expired) {
      // The process was busy for so long that our timer has had no turn.
      this.#onTimeOver();
      return Promise.resolve();
    }
    leaf.startedMs = runtime.clock.now();
    return new Promise((resolve) => {
      leaf.race = new Race<V>({
        what: 'a leaf',
        run: (attempt) => run(leaf.target, attempt),
        deadline,
        clock: runtime.clock,
        policy,
        onResult: (result) => {
          this.#onResult(leaf, result);
          resolve();
        },
      });
      leaf.race.start();
    });
  }

  #onResult(leaf: Leaf<T, V>, result: RaceResult<V>): void {
    const { deadline, runtime } = this.#plan;
    if (result.status === 'failed' && deadline.expired) {
      // A leaf that watches the same deadline may hear of it before we do: it is late, not broken.
      this.#onTimeOver();
      return;
    }
    leaf.result = result;
    leaf.settledMs = runtime.clock.now();
    if (result.status === 'ok') this.#ok++;
    else this.#failed++;
    this.#act();
  }

  get #tally(): Tally {
    return { total: this.#leaves.length, ok: this.#ok, failed: this.#failed };
  }

  /** Acts on the verdict over the answers so far. */
  #act(): void {
    const tally = this.#tally;
    try {
      const verdict = this.#judge(tally);
      if (this.#settled) return; // the user's requirement function aborted the caller's signal
      if (verdict === 'impossible') this.#fail('cancelled', firstError(this.#leaves));
      else if (verdict === 'met') this.#onMet(tally);
      else this.#stopWaiting();
    } catch (error) {
      this.#giveUp(error); // the user's requirement function threw
    }
  }

  #onMet({ total, ok, failed }: Tally): void {
    const { straggler, deadline, runtime } = this.#plan;
    if (straggler === 0 || ok + failed === total) {
      this.#succeed('cancelled');
    } else if (this.#straggling === undefined) {
      const leftMs = deadline.remaining() * straggler;
      this.#straggling = runtime.clock.setTimer(
        leftMs,
        () => {
          this.#succeed('late');
        },
        { ref: true },
      );
    }
  }

  /** The requirement does not hold: a user's function may take back what it said before. */
  #stopWaiting(): void {
    this.#straggling?.cancel();
    this.#straggling = undefined;
  }

  /** The deadline has come: what there is must do. */
  #onTimeOver(): void {
    try {
      if (this.#judge(this.#tally) === 'met') this.#succeed('late');
      else this.#fail('late', deadlineExceeded(what));
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Rejects without a result: the answers that did come go to `discard`. */
  #giveUp(reason: unknown): void {
    this.#settle('cancelled', ({ values }) => {
      for (const value of values) discardWith(this.#plan.policy.discard, value);
      this.#reject(reason);
    });
  }

  #succeed(statusOfOpen: LeafStatus): void {
    this.#settle(statusOfOpen, (result) => {
      this.#resolve(result);
    });
  }

  #fail(statusOfOpen: LeafStatus, cause: unknown): void {
    const message = shortfall(this.#plan.requirement, this.#tally);
    this.#settle(statusOfOpen, (result) => {
      this.#reject(new InsufficientCoverageError(message, result, { cause }));
    });
  }

  /** Calls off all that is open, lets go of timers and signals, and then tells the caller. */
  #settle(statusOfOpen: LeafStatus, tell: (result: Gathered<T, V>) => void): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#scope?.close();
    this.#straggling?.cancel();
    this.#limit?.clearQueue();
    const nowMs = this.#plan.runtime.clock.now();
    const outcomes = this.#leaves.map((leaf) => outcomeOf(leaf, statusOfOpen, nowMs));
    const open = this.#leaves.filter((leaf) => leaf.result === undefined && leaf.race !== undefined);
    if (open.length > 0) {
      const reason = this.#reasonToStop(statusOfOpen);
      for (const leaf of open) leaf.race?.end(reason);
    }
    tell(gathered(outcomes));
  }

  /** What the attempts that are called off are told: the caller's own reason when it was the caller. */
  #reasonToStop(statusOfOpen: LeafStatus): unknown {
    const { signal } = this.#plan;
    if (signal?.aborted === true) return signal.reason;
    const timeOver = statusOfOpen === 'late' && this.#plan.deadline.expired;
    return timeOver ? deadlineExceeded(what) : new HoldfastError('SUPERSEDED', 'the gather has settled');
  }
}

function outcomeOf<T, V>(leaf: Leaf<T, V>, statusOfOpen: LeafStatus, nowMs: number): Outcome<T, V> {
  const { target, race, result, startedMs, settledMs } = leaf;
  const attempts = race?.attempts ?? 0;
  if (race === undefined) return { target, status: 'skipped', attempts, ms: 0 };
  if (result === undefined) return { target, status: statusOfOpen, attempts, ms: nowMs - startedMs };
  const ms = settledMs - startedMs;
  return result.status === 'ok'
    ? { target, status: 'ok', value: result.value, attempts, ms }
    : { target, status: 'failed', error: result.error, attempts, ms };
}

function firstError<T, V>(leaves: readonly Leaf<T, V>[]): unknown {
  for (const { result } of leaves) if (result?.status === 'failed') return result.error;
  return undefined;
}
