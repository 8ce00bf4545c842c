import type { Clock } from './clock.ts';

/**
 * @internal A clock's time that never goes back: a step back of a faulty clock counts as no time, and time goes on from
 * there. With a sound clock it is the clock's `now()`.
 */
export class SteadyTime {
  readonly #clock: Clock;
  #seenMs: number;
  #nowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    const startMs = clock.now();
    this.#seenMs = Number.isFinite(startMs) ? startMs : 0;
    this.#nowMs = this.#seenMs;
  }

  now(): number {
    const seenMs = this.#clock.now();
    if (!Number.isFinite(seenMs)) return this.#nowMs;
    if (this.#nowMs === this.#seenMs && seenMs >= this.#seenMs) this.#nowMs = seenMs;
    else if (seenMs > this.#seenMs) this.#nowMs += seenMs - this.#seenMs;
    this.#seenMs = seenMs;
    return this.#nowMs;
  }
}
