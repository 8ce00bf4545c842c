import { type Clock, systemClock } from './clock.ts';
import { HoldfastError } from './errors.ts';
import { check, describe, either, having, type Rule } from './options.ts';

/** What {@link Deadline.toHeader} writes for a deadline that never comes. */
const neverHeader = 'never';
const headerForm = /^(?:0|[1-9]\d{0,14})$/;
const leastMs = 0.001;
/** The longest that {@link headerForm} lets through: more than 30,000 years. */
const longestHeaderMs = 999_999_999_999_999;

/**
 * The instant by which a call must have settled. Passed down a chain of calls it shrinks by itself, where a timeout per
 * hop would add up.
 *
 * Promises: time is read from a monotonic clock, so a jump of the date changes nothing; {@link Deadline.remaining} never
 * rises; what is derived (`earliest`, `reserve`, over the wire) is never later than what it came from, but for the time
 * that the header spends on the wire. Immutable. Does not promise to end anything: the primitive that takes it does.
 *
 * Source: the absolute deadline of gRPC, sent as the time left (`grpc-timeout`), for two machines share no clock.
 *
 * @example
 * ```ts
 * import { Deadline } from 'holdfast/core';
 *
 * const deadline = Deadline.after(250);
 * deadline.remaining() <= 250 // => true
 * deadline.expired // => false
 * deadline.reserve(1_000).expired // => true
 * Deadline.never.remaining() // => Infinity
 * ```
 */
export class Deadline {
  /** The deadline that never comes. */
  static readonly never: Deadline = new Deadline(systemClock, Infinity, Infinity);

  readonly #clock: Clock;
  readonly #due: number;
  /** What was given. `now + ms - now` may round to more than `ms`, and nobody has more than was given. */
  readonly #atMostMs: number;

  private constructor(clock: Clock, due: number, atMostMs: number) {
    this.#clock = clock;
    this.#due = due;
    this.#atMostMs = Math.max(0, atMostMs);
  }

  /**
   * The deadline that comes in `ms` milliseconds. Zero or less has come already, for the sum of budgets may well be
   * negative; `Infinity` never comes.
   *
   * @param ms - milliseconds from now
   * @param clock - where time is read; `systemClock` when absent
   * @throws {@link HoldfastError} `INVALID_OPTION` when `ms` is not a number or is NaN
   */
  static after(ms: number, clock: Clock = systemClock): Deadline {
    if (typeof ms !== 'number' || Number.isNaN(ms)) throw notMilliseconds('ms', ms);
    return new Deadline(clock, clock.now() + ms, ms);
  }

  /**
   * Reads what {@link Deadline.toHeader} wrote: whole milliseconds from now, or `never`.
   *
   * @param value - the header's value, from an untrusted peer
   * @param clock - where time is read; `systemClock` when absent
   * @throws {@link HoldfastError} `INVALID_OPTION` for any other text, and for more than 15 digits
   */
  static fromHeader(value: string, clock: Clock = systemClock): Deadline {
    if (value === neverHeader) return Deadline.never;
    if (typeof value !== 'string' || !headerForm.test(value)) {
      throw new HoldfastError(
        'INVALID_OPTION',
        `a deadline header must be a whole number of milliseconds or "${neverHeader}", got ${describe(value)}`,
      );
    }
    return Deadline.after(Number(value), clock);
  }

  /**
   * Milliseconds left, never below 0; `Infinity` for {@link Deadline.never}. Less than a microsecond is none: a timer set
   * for what is left must find that the deadline has come, and sums of fractions are rounded.
   */
  remaining(): number {
    if (this.#due === Infinity) return Infinity;
    const leftMs = Math.min(this.#atMostMs, this.#due - this.#clock.now());
    return leftMs < leastMs ? 0 : leftMs;
  }

  /** Whether the deadline has come. */
  get expired(): boolean {
    return this.remaining() === 0;
  }

  /**
   * The one of the two that comes first. They may be on different clocks: what each has left now decides.
   *
   * @param other - the deadline to compare with
   */
  earliest(other: Deadline): Deadline {
    return other.remaining() < this.remaining() ? other : this;
  }

  /**
   * This deadline, `ms` milliseconds earlier: what is left for the calls below when the caller wants time of its own.
   *
   * @param ms - milliseconds to keep, 0 or more
   * @throws {@link HoldfastError} `INVALID_OPTION` when `ms` is negative or not a number, for it would be later
   */
  reserve(ms: number): Deadline {
    if (typeof ms !== 'number' || !(ms >= 0)) throw notMilliseconds('reserveMs', ms, ' >= 0');
    if (ms === 0 || this.#due === Infinity) return this;
    return new Deadline(this.#clock, this.#due - ms, this.#atMostMs - ms);
  }

  /**
   * The time left for a header: whole milliseconds, rounded down so that the receiver never has more than the sender;
   * `never` where there is no deadline. What has more than 15 digits is cut to the longest that
   * {@link Deadline.fromHeader} takes. Compute it when the request is sent, once for each attempt.
   */
  toHeader(): string {
    const left = this.remaining();
    return left === Infinity ? neverHeader : String(Math.min(Math.floor(left), longestHeaderMs));
  }
}

function notMilliseconds(name: string, value: unknown, bound = ''): HoldfastError {
  return new HoldfastError(
    'INVALID_OPTION',
    `${name} must be a number of milliseconds${bound}, got ${describe(value)}`,
  );
}

/** @internal A `deadline` option: a {@link Deadline}, or milliseconds from now as {@link Deadline.after} takes them. */
export const deadlineRule: Rule<Deadline | number> = either(having<Deadline>('a Deadline', 'remaining', 'reserve'), {
  expected: 'a number of milliseconds from now',
  accepts: (value) => typeof value === 'number' && !Number.isNaN(value),
});

/**
 * @internal The deadline that a `deadline` option means.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function deadlineFrom(value: Deadline | number | undefined, clock: Clock): Deadline {
  if (value === undefined) return Deadline.never;
  const checked = check('deadline', value, deadlineRule);
  return typeof checked === 'number' ? Deadline.after(checked, clock) : checked;
}

/** @internal The reason of a signal whose deadline passed; `cause`: what failed in that moment. */
export function deadlineExceeded(what: string, cause?: unknown): HoldfastError {
  const message = `the deadline of ${what} has passed`;
  return new HoldfastError('DEADLINE_EXCEEDED', message, cause === undefined ? undefined : { cause });
}
