import type { Clock } from './clock.ts';

/**
 * @internal A clock's time that never goes back: a step back of a faulty clock counts as no time, and time goes on from
 * there. With a sound clock it is the clock's `now()`. A reading that no clock can have, not finite or beyond some 140,000
 * years, is not one.
 */
export class SteadyTime {
  readonly #clock: Clock;
  #seenMs: number;
  #nowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    const startMs = clock.now();
    this.#seenMs = isReading(startMs) ? startMs : 0;
    this.#nowMs = this.#seenMs;
  }

  now(): number {
    const seenMs = this.#clock.now();
    if (!isReading(seenMs)) return this.#nowMs;
    if (this.#nowMs === this.#seenMs && seenMs >= this.#seenMs) this.#nowMs = seenMs;
    else if (seenMs > this.#seenMs) this.#nowMs += seenMs - this.#seenMs;
    this.#seenMs = seenMs;
    return this.#nowMs;
  }
}

/** Beyond 2^52 a double has no half milliseconds any more, and one such reading would stay the latest for good. */
function isReading(ms: number): boolean {
  return Math.abs(ms) <= 2 ** 52;
}
