import type { Clock, Timer } from '../core/clock.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { invoke, Scope } from '../core/scope.ts';

/** @internal What is done again and again. */
export interface Work<T> {
  /** Names it in errors. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly run: (signal: AbortSignal) => T | PromiseLike<T>;
  /** A round has come to an end: one of the two is told once, when it has settled or its time is over. */
  readonly done: (value: T) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * @internal Rounds of work, one at a time: the next begins when the last has settled, also where that was given up long ago
 * and does not heed its signal. No timer of it keeps the process alive.
 */
export class Rounds<T> {
  readonly #work: Work<T>;
  readonly #clock: Clock;
  #next: Timer | undefined;
  #scope: Scope | undefined;
  #again = false;
  #stopped = false;
  #busy = false;

  constructor(work: Work<T>, clock: Clock) {
    this.#work = work;
    this.#clock = clock;
  }

  /** Whether a round has not settled. */
  get busy(): boolean {
    return this.#busy;
  }

  /** `begin` in so many milliseconds, and not when it was to be before. */
  after(ms: number, begin: () => void = () => this.begin()): void {
    this.#next?.cancel();
    if (!this.#stopped) this.#next = this.#clock.setTimer(ms, begin);
  }

  /** The next round: now, or as soon as the last has settled. */
  begin(): void {
    this.#next?.cancel();
    this.#again = this.#busy;
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    const { what, timeoutMs, run, done, failed } = this.#work;
    let open = true;
    /** Tells, unless it is known already. */
    const tell = <R>(to: (result: R) => void, result: R): void => {
      if (!open) return;
      open = false;
      limit.cancel();
      scope.close();
      if (!this.#stopped) to(result);
    };
    const scope = new Scope(what, {}, this.#clock, (reason) => {
      tell(failed, reason);
    });
    const limit = this.#clock.setTimer(timeoutMs, () => {
      scope.end(deadlineExceeded(what));
    });
    this.#scope = scope;
    const settle = <R>(to: (result: R) => void, result: R): void => {
      this.#busy = false;
      tell(to, result);
      if (this.#again) this.begin();
    };
    invoke(() => run(scope.signal)).then(
      (value) => {
        settle(done, value);
      },
      (error: unknown) => {
        settle(failed, error);
      },
    );
  }

  /** No further round; one under way is called off and nothing more is told. Idempotent. */
  stop(reason: unknown): void {
    this.#stopped = true;
    this.#next?.cancel();
    this.#scope?.end(reason);
  }
}
