import pLimit from 'p-limit';
import { discardWith, type RaceResult } from '../calls/race-entry.ts';
import type { Timer } from '../core/clock.ts';
import { type Deadline, deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Scope } from '../core/scope.ts';
import { InsufficientCoverageError } from './errors.ts';
import { ask, type Leaf, type LeafPlan, outcomeOf, unasked } from './leaf.ts';
import { gathered, type Gathered, type LeafStatus } from './outcome.ts';
import { type Judge, judgeOf, type Requirement, shortfall, type Tally } from './requirement.ts';
import { type StragglerRange, type Wait, waitFor } from './straggler.ts';

/** @internal Everything that a gather needs, checked. */
export interface Plan<T, V> extends LeafPlan<T, V> {
  readonly requirement: Requirement;
  readonly straggler: StragglerRange;
  /** The caller's, less what is reserved. */
  readonly deadline: Deadline;
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
  #wait: Wait | undefined;
  #ok = 0;
  #failed = 0;
  #settled = false;

  constructor(plan: Plan<T, V>, resolve: (result: Gathered<T, V>) => void, reject: (reason: unknown) => void) {
    this.#plan = plan;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#judge = judgeOf(plan.requirement, plan.targets.length);
    this.#leaves = plan.targets.map((target) => unasked(target));
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
    const { deadline } = this.#plan;
    if (deadline.expired) {
      // The process was busy for so long that our timer has had no turn.
      this.#onTimeOver();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      ask(leaf, deadline, this.#plan, (result) => {
        this.#onResult(leaf, result);
        resolve();
      });
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
    const open = total - ok - failed;
    if (straggler.max === 0 || open === 0) {
      this.#succeed('cancelled');
      return;
    }
    const before = this.#wait;
    const nowMs = runtime.clock.now();
    this.#wait = waitFor(straggler, open, nowMs, before ?? { leftMs: deadline.remaining() });
    if (this.#wait.untilMs === before?.untilMs) return;
    this.#straggling?.cancel();
    const waitMs = this.#wait.untilMs - nowMs;
    if (waitMs <= 0) {
      this.#succeed('cancelled');
      return;
    }
    this.#straggling = runtime.clock.setTimer(
      waitMs,
      () => {
        this.#succeed('late');
      },
      { ref: true },
    );
  }

  /** The requirement does not hold: a user's function may take back what it said before. */
  #stopWaiting(): void {
    this.#straggling?.cancel();
    this.#wait = undefined;
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

function firstError<T, V>(leaves: readonly Leaf<T, V>[]): unknown {
  for (const { result } of leaves) if (result?.status === 'failed') return result.error;
  return undefined;
}
