import type { Clock, Timer } from '../core/clock.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { invoke, Scope } from '../core/scope.ts';

/** @internal What is done again and again. */
export interface Work<T> {
  /** Names it in errors. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly run: (signal: AbortSignal) => T | PromiseLike<T>;
  /** What came of a round: told once for each, when it has settled or its time is over. */
  readonly conclude: (outcome: PromiseSettledResult<T>) => void;
}

/**
 * @internal Rounds of work, one at a time: the next begins when the last has settled, also where that was given up long ago
 * and does not heed its signal. No timer of it keeps the process alive.
 */
export class Rounds<T> {
  readonly #work: Work<T>;
  readonly #clock: Clock;
  #next: Timer | undefined;
  #limit: Timer | undefined;
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
    const { what, timeoutMs, run } = this.#work;
    let open = true;
    const conclude = (outcome: PromiseSettledResult<T>): void => {
      if (!open) return;
      open = false;
      this.#limit?.cancel();
      scope.close();
      if (!this.#stopped) this.#work.conclude(outcome);
    };
    const scope = new Scope(what, {}, this.#clock, (reason) => {
      conclude({ status: 'rejected', reason });
    });
    this.#scope = scope;
    this.#limit = this.#clock.setTimer(timeoutMs, () => {
      scope.end(deadlineExceeded(what));
    });
    const settle = (outcome: PromiseSettledResult<T>): void => {
      this.#busy = false;
      conclude(outcome);
      if (this.#again) this.begin();
    };
    invoke(() => run(scope.signal)).then(
      (value) => {
        settle({ status: 'fulfilled', value });
      },
      (reason: unknown) => {
        settle({ status: 'rejected', reason });
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
