import type { Timer } from '../core/clock.ts';
import { branded, HoldfastError } from '../core/errors.ts';
import { invoke, Scope } from '../core/scope.ts';
import { attemptIn, type CallMark, isCounted, markOf } from './attempt.ts';
import type { Attempt } from './call.ts';
import { type HedgePlan, planHedge } from './hedge-policy.ts';
import { afterFailure, backoffMs } from './next-move.ts';
import { tell } from './percentile-guard.ts';
import { discardWith, type RaceEntry, refusalOf } from './race-entry.ts';
import { judge, type Verdict } from './retry-policy.ts';

/**
 * @internal One logical call as several attempts; the first whose value is accepted wins.
 *
 * - at most 1 + the hedge's `extra` + the retry's `attempts` − 1 attempts, each but the first paid for by the budget
 * - what follows on a failure is the law of `afterFailure`; another attempt follows on the hedge's silence
 * - none starts before the time that a server has asked for, whichever attempt it told
 * - the losers' signals abort in the turn in which the winner settled; nobody waits for them
 * - the winner's signal never aborts
 * - one timer at a time: for silence while attempts are under way, for the pause while none is
 * - after `end` no attempt starts and `onResult` is not called
 */
export class Race<Req, T> {
  readonly #entry: RaceEntry<Req, T>;
  readonly #mark: CallMark;
  readonly #live = new Set<Scope>();
  readonly #visited = new Set<unknown>();
  readonly #visit = (member: unknown): void => {
    this.#visited.add(member);
    this.#entry.outer?.visit?.(member);
  };
  readonly #errors: unknown[] = [];
  #hedge: HedgePlan | undefined;
  #spare = 0;
  #retried = 0;
  #attempts = 0;
  /** When the longest of the pauses that servers have asked for is over. */
  #notBeforeMs = -Infinity;
  /** The error that no attempt may mend, if one was among them. */
  #final: { readonly error: unknown } | undefined;
  #startedMs = 0;
  #originalOpen = true;
  #over = false;
  #timer: Timer | undefined;

  constructor(entry: RaceEntry<Req, T>) {
    this.#entry = entry;
    this.#mark = markOf(entry.outer, entry.policy.budget);
  }

  /** How many attempts have started. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Starts the first attempt. */
  start(): void {
    const { policy, request, deadline, runtime, outer } = this.#entry;
    this.#hedge = policy.hedge && planHedge(policy.hedge, request, deadline);
    if (this.#over) return; // a function of the policy has aborted the caller's signal
    this.#spare = this.#hedge?.extra ?? 0;
    if (this.#hedge?.percentile !== undefined) this.#startedMs = runtime.clock.now();
    if (policy.budget !== undefined && !isCounted(outer, policy.budget)) policy.budget.deposit();
    this.#launch('original');
  }

  /** Calls off what is under way. Nothing happens when the race is over. */
  end(reason: unknown): void {
    if (this.#over) return;
    this.#close();
    this.#observe(false);
    this.#callOff(reason);
  }

  #close(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  /** Tells the percentile of the original, once: an answer, or that there was none for so long. */
  #observe(answered: boolean): void {
    const percentile = this.#hedge?.percentile;
    if (percentile === undefined || !this.#originalOpen) return;
    this.#originalOpen = false; // first of all: a percentile of the user's may abort the caller's signal
    tell(percentile, answered, this.#entry.runtime.clock.now() - this.#startedMs);
  }

  #callOff(reason: unknown): void {
    for (const scope of this.#live) scope.end(reason);
  }

  #launch(cause: Attempt['cause']): void {
    const { what, run, runtime, deadline, outer } = this.#entry;
    this.#timer?.cancel();
    const scope = new Scope(what, {}, runtime.clock);
    this.#live.add(scope);
    if (outer?.avoid !== undefined) for (const member of outer.avoid) this.#visited.add(member);
    const about = { deadline, attempt: ++this.#attempts, cause, avoid: this.#visited };
    const attempt = attemptIn(scope, about, this.#visit, this.#mark);
    const afterMs = this.#hedge?.afterMs;
    if (afterMs !== undefined && this.#spare > 0 && !deadline.expired) {
      this.#wake(afterMs, () => {
        this.#onSilence();
      });
    }
    invoke(() => run(attempt)).then(
      (value) => {
        this.#onValue(scope, about.attempt, cause, value);
      },
      (error: unknown) => {
        this.#onError(scope, about.attempt, error);
      },
    );
  }

  #wake(ms: number, run: () => void): void {
    // Ref'd: beside a silent attempt it may be all that keeps the caller's promise alive.
    this.#timer = this.#entry.runtime.clock.setTimer(ms, run, { ref: true });
  }

  #onSilence(): void {
    const { deadline, policy } = this.#entry;
    // An attempt that has no time left would only fail, or worse, be sent.
    if (this.#final !== undefined || deadline.expired) return;
    const heldMs = this.#heldMs();
    if (heldMs > 0) {
      if (this.#fits(heldMs))
        this.#wake(heldMs, () => {
          this.#onSilence();
        });
      return;
    }
    if (policy.budget?.tryWithdraw() === false) return;
    this.#spare--;
    this.#launch('hedge');
  }

  #onValue(scope: Scope, attempt: number, cause: Attempt['cause'], value: T): void {
    const { what, policy, onResult } = this.#entry;
    const refused = this.#over ? undefined : refusalOf(policy.accept, value, what);
    if (refused !== undefined) {
      this.#onError(scope, attempt, refused.error);
      discardWith(policy.discard, value);
      return;
    }
    this.#leave(scope);
    if (this.#over) {
      discardWith(policy.discard, value);
      return;
    }
    this.#close();
    onResult({ status: 'ok', value, cause });
    // Afterwards, for who is told may abort the caller's signal in turn, and that must not undo the success.
    this.#observe(attempt === 1);
    if (this.#live.size > 0) this.#callOff(new HoldfastError('SUPERSEDED', `another attempt of ${what} has won`));
  }

  #onError(scope: Scope, attempt: number, error: unknown): void {
    this.#leave(scope);
    if (this.#over) return;
    this.#errors[attempt - 1] = error;
    if (attempt === 1) this.#observe(false);
    const { retry } = this.#entry.policy;
    this.#follow(error, retry === undefined ? mayRetry : judge(retry, error, this.#entry.request));
  }

  #follow(error: unknown, { retryable, pushbackMs }: Verdict): void {
    if (this.#over) return; // a function of the policy has aborted the caller's signal
    const { policy, deadline, runtime } = this.#entry;
    if (!retryable) this.#final ??= { error };
    if (pushbackMs !== undefined) this.#notBeforeMs = Math.max(this.#notBeforeMs, runtime.clock.now() + pushbackMs);
    const move = afterFailure({
      live: this.#live.size,
      spare: this.#spare,
      retries: (policy.retry?.attempts ?? 1) - 1 - this.#retried,
      retryable: this.#final === undefined,
      pushedBack: pushbackMs !== undefined || this.#heldMs() > 0,
      inTime: !deadline.expired,
    });
    if (move === 'failover') this.#failOver();
    else if (move === 'retry') this.#retry(pushbackMs);
    else if (move === 'fail') this.#fail();
  }

  #failOver(): void {
    if (this.#entry.policy.budget?.tryWithdraw() === false) {
      if (this.#live.size === 0) this.#fail();
      return;
    }
    this.#spare--;
    this.#launch('retry');
  }

  /** After the pause, if it fits and can be paid for: a caller has nothing from waiting for what will not be tried. */
  #retry(pushbackMs: number | undefined): void {
    const { policy, deadline, runtime } = this.#entry;
    const { baseMs, maxMs } = policy.retry!;
    this.#retried++;
    const pauseMs = pushbackMs ?? backoffMs(this.#retried, baseMs, maxMs, runtime.random());
    const waitMs = Math.max(pauseMs, this.#heldMs());
    if (!this.#fits(waitMs) || !this.#canPay()) {
      this.#fail();
      return;
    }
    const launch = (): void => {
      if (deadline.expired || policy.budget?.tryWithdraw() === false) this.#fail();
      else this.#launch('retry');
    };
    this.#timer?.cancel();
    if (waitMs === 0) launch();
    else this.#wake(waitMs, launch);
  }

  /** For how long no attempt may start because a server has asked for it; 0 or less when none has. */
  #heldMs(): number {
    return this.#notBeforeMs === -Infinity ? 0 : this.#notBeforeMs - this.#entry.runtime.clock.now();
  }

  /** Whether there would be time left after so long. */
  #fits(waitMs: number): boolean {
    return waitMs !== Infinity && !this.#entry.deadline.reserve(waitMs).expired;
  }

  /** Whether the budget has one now. A no is counted; the one is taken when the attempt starts. */
  #canPay(): boolean {
    const { budget } = this.#entry.policy;
    return budget === undefined || budget.balance >= 1 || budget.tryWithdraw();
  }

  /** Nothing is under way: the percentile has been told of the original when that failed. */
  #fail(): void {
    this.#close();
    this.#entry.onResult({ status: 'failed', error: this.#failure() });
  }

  #leave(scope: Scope): void {
    this.#live.delete(scope);
    scope.close();
  }

  /** One failure, or one that is final, is itself; several come together, the first attempt's first, the last as cause. */
  #failure(): unknown {
    if (this.#final !== undefined) return this.#final.error;
    if (this.#errors.length === 1) return this.#errors[0];
    const message = `all ${String(this.#errors.length)} attempts of ${this.#entry.what} failed`;
    return branded(new AggregateError(this.#errors, message, { cause: this.#errors.at(-1) }), 'ATTEMPTS_FAILED');
  }
}

const mayRetry: Verdict = { retryable: true, pushbackMs: undefined };
