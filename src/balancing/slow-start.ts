/*
 * A share that grows: a member that has joined or was restored takes no more than a part of its fair share of the calls,
 * and this part rises in a straight line. What is limited is calls, not the cost: a factor on the cost would give a new member
 * nothing at all while the others are idle (envoy#19437) and more than its share while they are busy.
 */

/** How a new member's share grows. */
export interface SlowStart {
  /** Milliseconds until it may have its full share. */
  readonly windowMs: number;
  /**
   * The part of its share that it may have at once; above 0, at most 1.
   *
   * @defaultValue 0.1
   */
  readonly floor?: number | undefined;
}

/** @internal The same, complete. */
export interface SlowStartRule {
  readonly windowMs: number;
  readonly floor: number;
}

/** Calls that may be made up for, so that a member that loses some draws still gets its part. */
const mostCredit = 4;

/** @internal What a member in slow start may take: one call for each whole credit. */
export class Ramp {
  readonly #windowMs: number;
  readonly #floor: number;
  readonly #sinceMs: number;
  #credit = 0;
  #seen: number;

  /** `choices`: how many the balancer has made so far. */
  constructor({ windowMs, floor }: SlowStartRule, now: number, choices: number) {
    this.#windowMs = windowMs;
    this.#floor = floor;
    this.#sinceMs = now;
    this.#seen = choices;
  }

  /** The part of its fair share that it may have now, 1 when the slow start is over. */
  part(now: number): number {
    const age = Math.max(0, now - this.#sinceMs) / this.#windowMs;
    return age >= 1 ? 1 : this.#floor + (1 - this.#floor) * age;
  }

  /** Whether it may take a call, of which its fair share would be `share`. */
  mayTake(now: number, choices: number, share: number): boolean {
    this.#credit = Math.min(mostCredit, this.#credit + (choices - this.#seen) * share * this.part(now));
    this.#seen = choices;
    return this.#credit >= 1;
  }

  /** It has taken one. */
  take(): void {
    this.#credit = Math.max(0, this.#credit - 1);
  }
}
