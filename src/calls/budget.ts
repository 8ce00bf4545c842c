import { check, having, number, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { SteadyTime } from '../core/steady-time.ts';

/** Options of {@link Budget}. */
export interface BudgetOptions {
  /**
   * Extra attempts for each original, 0 to 1.
   *
   * @defaultValue 0.1
   */
  readonly ratio?: number | undefined;
  /**
   * Extra attempts a second that are allowed on top, however few originals there are: without them a client that calls
   * seldom would never retry.
   *
   * @defaultValue 1
   */
  readonly minPerSecond?: number | undefined;
  /**
   * Over how many milliseconds attempts are counted.
   *
   * @defaultValue 10,000
   */
  readonly windowMs?: number | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** A snapshot of a {@link Budget}. */
export interface BudgetStats {
  /** Originals that count now. */
  readonly originals: number;
  /** Extra attempts that count now. */
  readonly extras: number;
  /**
   * Extra attempts that were wanted and not granted, since the beginning, for silence or for failure: each time that one
   * was asked for counts.
   */
  readonly refused: number;
  /** Extra attempts that would be granted now. */
  readonly balance: number;
}

const countRule = number({ min: 0, integer: true });
const slices = 16;
/**
 * Ratio and least are meant as they are written: 0.29 of 100 are 29, though as numbers they come to a little less. Six
 * roundings of half an ulp at most.
 */
const asWritten = 1 + 2 ** -50;

/**
 * How many attempts beyond the first a service is asked for, as a share of its calls. Give one budget to every hedge and
 * retry that asks the same service.
 *
 * Promises: at each grant, the extras of the last `windowMs`, this one included, are at most
 * `ratio` × the originals of the last `windowMs` + `minPerSecond` × `windowMs` / 1,000, whatever the interleaving. So in
 * any span of that length no more are granted than that for the span that ends with its last grant. Originals count when
 * they start; nothing is given back, whatever becomes of an attempt. An exhausted budget refuses and does nothing else: calls
 * under way go on. A call under an attempt of a call that the same budget counts is not counted again.
 *
 * Does not promise to share between processes: each client has its own. Counts in steps of 1/16 of the window, to the
 * safe side: originals are forgotten up to a step early, extras up to a step late.
 *
 * Time that stands still or goes back counts as none; time that jumps ahead forgets the window, and the least remains.
 *
 * Complexity: O(1) time and memory.
 *
 * Source: Finagle's `RetryBudget` (a deposit at each request, a withdrawal at each retry), exact and windowed.
 *
 * @example
 * ```ts
 * import { Budget } from 'holdfast/calls';
 *
 * const budget = new Budget({ ratio: 0.2, minPerSecond: 0 });
 * for (let i = 0; i < 10; i++) budget.deposit();
 * [budget.tryWithdraw(), budget.tryWithdraw(), budget.tryWithdraw()] // => [true, true, false]
 * budget.stats() // => { originals: 10, extras: 2, refused: 1, balance: 0 }
 * ```
 */
export class Budget {
  readonly #ratio: number;
  readonly #least: number;
  readonly #sliceMs: number;
  readonly #time: SteadyTime;
  readonly #startMs: number;
  /** A slot a slice; extras are counted for one slice longer than originals, so that both err to the safe side. */
  readonly #originals = new Float64Array(slices + 1);
  readonly #extras = new Float64Array(slices + 1);
  #originalsNow = 0;
  #extrasNow = 0;
  #slice = 0;
  #refused = 0;

  /**
   * @param options - share, least, window
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options?: BudgetOptions) {
    const {
      ratio = 0.1,
      minPerSecond = 1,
      windowMs = 10_000,
      runtime = systemRuntime,
    } = readOptions('Budget', options, {
      ratio: number({ min: 0, max: 1 }),
      minPerSecond: number({ min: 0 }),
      windowMs: number({ min: 1 }),
      runtime: runtimeRule,
    });
    this.#ratio = ratio;
    this.#least = (minPerSecond * windowMs) / 1_000;
    this.#sliceMs = windowMs / slices;
    this.#time = new SteadyTime(runtime.clock);
    this.#startMs = this.#time.now();
  }

  /** How many extra attempts would be granted now, a whole number. */
  get balance(): number {
    this.#advance();
    return Math.max(0, Math.floor(this.#allowed - this.#extrasNow));
  }

  /**
   * Original attempts start.
   *
   * @param count - how many; a whole number from 0
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  deposit(count = 1): void {
    if (count !== 1) check('count', count, countRule);
    this.#advance();
    this.#originals[this.#slice % (slices + 1)]! += count;
    this.#originalsNow += count;
  }

  /** Takes one extra attempt, if there is one: then it may start. Never given back. */
  tryWithdraw(): boolean {
    this.#advance();
    if (this.#extrasNow + 1 > this.#allowed) {
      this.#refused += 1;
      return false;
    }
    this.#extras[this.#slice % (slices + 1)]! += 1;
    this.#extrasNow += 1;
    return true;
  }

  /** What counts now. */
  stats(): BudgetStats {
    const { balance } = this;
    return { originals: this.#originalsNow, extras: this.#extrasNow, refused: this.#refused, balance };
  }

  get #allowed(): number {
    return (this.#ratio * this.#originalsNow + this.#least) * asWritten;
  }

  /** Forgets what is too old. */
  #advance(): void {
    const slice = Math.floor((this.#time.now() - this.#startMs) / this.#sliceMs);
    for (let left = Math.min(slice - this.#slice, slices + 1); left > 0; left--) this.#forget(slice - left + 1);
    this.#slice = slice;
  }

  #forget(slice: number): void {
    const reused = slice % (slices + 1);
    const tooOld = (slice + 1) % (slices + 1);
    this.#extrasNow -= this.#extras[reused]!;
    this.#originalsNow -= this.#originals[reused]! + this.#originals[tooOld]!;
    this.#extras[reused] = this.#originals[reused] = this.#originals[tooOld] = 0;
  }
}

/** @internal A `budget` option. Not by class: an ES module's budget is one for CommonJS too. */
export const budgetRule: Rule<Budget> = having<Budget>('a Budget', 'deposit', 'tryWithdraw');

/** @internal The same, where there is one by default. */
export const budgetOrNoneRule: Rule<Budget | false> = {
  expected: 'a Budget or false',
  accepts: (value) => value === false || budgetRule.accepts(value),
};
