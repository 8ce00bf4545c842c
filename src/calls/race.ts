import type { Clock, Timer } from '../core/clock.ts';
import type { Deadline } from '../core/deadline.ts';
import { branded, HoldfastError } from '../core/errors.ts';
import { reportError } from '../core/report.ts';
import { invoke, Scope } from '../core/scope.ts';
import { attemptIn } from './attempt.ts';
import type { Attempt } from './call.ts';

/** @internal How one logical call becomes several attempts. */
export interface RacePolicy<T> {
  /** Start another attempt when the last has been silent for so long, in milliseconds; undefined: after a failure only. */
  readonly after: number | undefined;
  /** How many attempts beyond the first. */
  readonly extra: number;
  /** Gets the values of attempts that succeeded when the race was over. */
  readonly discard: ((value: T) => unknown) | undefined;
}

/** @internal How a race ended by itself. */
export type RaceResult<T> =
  { readonly status: 'ok'; readonly value: T } | { readonly status: 'failed'; readonly error: unknown };

/** @internal What is raced. */
export interface RaceEntry<T> {
  /** Names the work in errors. */
  readonly what: string;
  /** One attempt; a synchronous throw counts as a rejection. */
  readonly run: (attempt: Attempt) => T | PromiseLike<T>;
  /** Told to the attempts; the race itself keeps no time but the hedge's. */
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly policy: RacePolicy<T>;
  /** Called once, never from inside `start`, unless the race is called off before. Must not throw. */
  readonly onResult: (result: RaceResult<T>) => void;
}

/**
 * @internal One logical call as up to 1 + `extra` attempts; the first that succeeds wins.
 *
 * - another attempt starts when the last has been silent for `after`, and at once when one fails
 * - the losers' signals abort in the turn in which the winner settled; nobody waits for them
 * - the winner's signal never aborts
 * - the race fails when every attempt allowed has failed, and not before
 * - no attempt but the first starts when the deadline has come; to end the race then is up to its owner
 * - after `end` no attempt starts and `onResult` is not called
 */
export class Race<T> {
  readonly #entry: RaceEntry<T>;
  readonly #live = new Set<Scope>();
  readonly #visited = new Set<unknown>();
  readonly #visit = (member: unknown): void => {
    this.#visited.add(member);
  };
  readonly #errors: unknown[] = [];
  #attempts = 0;
  #over = false;
  #hedgeTimer: Timer | undefined;

  constructor(entry: RaceEntry<T>) {
    this.#entry = entry;
  }

  /** How many attempts have started. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Starts the first attempt. */
  start(): void {
    this.#launch('original');
  }

  /** Calls off what is under way. Nothing happens when the race is over. */
  end(reason: unknown): void {
    if (this.#over) return;
    this.#close();
    this.#callOff(reason);
  }

  #close(): void {
    this.#over = true;
    this.#hedgeTimer?.cancel();
  }

  #callOff(reason: unknown): void {
    for (const scope of this.#live) scope.end(reason);
  }

  #launch(cause: Attempt['cause']): void {
    const { what, run, clock, deadline, policy } = this.#entry;
    this.#hedgeTimer?.cancel();
    const scope = new Scope(what, {}, clock);
    this.#live.add(scope);
    const attempt = attemptIn(scope, { deadline, attempt: ++this.#attempts, cause, avoid: this.#visited }, this.#visit);
    if (policy.after !== undefined && this.#mayLaunch()) {
      // Ref'd: beside a silent attempt it may be all that keeps the caller's promise alive.
      this.#hedgeTimer = clock.setTimer(
        policy.after,
        () => {
          if (this.#mayLaunch()) this.#launch('hedge');
        },
        { ref: true },
      );
    }
    invoke(() => run(attempt)).then(
      (value) => {
        this.#onValue(scope, value);
      },
      (error: unknown) => {
        this.#onError(scope, attempt.attempt, error);
      },
    );
  }

  /** An attempt that has no time left would only fail, or worse, be sent. */
  #mayLaunch(): boolean {
    return this.#attempts <= this.#entry.policy.extra && !this.#entry.deadline.expired;
  }

  #onValue(scope: Scope, value: T): void {
    this.#leave(scope);
    if (this.#over) {
      discardWith(this.#entry.policy.discard, value);
      return;
    }
    this.#close();
    this.#entry.onResult({ status: 'ok', value });
    // Afterwards, for a loser that is told may abort the caller's signal in turn, and that must not undo the success.
    if (this.#live.size > 0)
      this.#callOff(new HoldfastError('SUPERSEDED', `another attempt of ${this.#entry.what} has won`));
  }

  #onError(scope: Scope, attempt: number, error: unknown): void {
    this.#leave(scope);
    if (this.#over) return;
    this.#errors[attempt - 1] = error;
    if (this.#mayLaunch()) {
      this.#launch('retry');
    } else if (this.#live.size === 0) {
      this.#close();
      this.#entry.onResult({ status: 'failed', error: this.#failure() });
    }
  }

  #leave(scope: Scope): void {
    this.#live.delete(scope);
    scope.close();
  }

  /** One failure is itself; several come together, the first attempt's first. */
  #failure(): unknown {
    if (this.#errors.length === 1) return this.#errors[0];
    const message = `all ${String(this.#errors.length)} attempts of ${this.#entry.what} failed`;
    return branded(new AggregateError(this.#errors, message), 'ATTEMPTS_FAILED');
  }
}

/** @internal Hands over a value that nobody waits for; what `discard` throws or rejects with is reported. */
export function discardWith<T>(discard: RacePolicy<T>['discard'], value: T): void {
  if (discard === undefined) return;
  invoke(() => discard(value)).catch((error: unknown) => {
    reportError('discard failed', error);
  });
}
