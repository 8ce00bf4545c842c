import type { EventQueue } from './event-queue.ts';

/**
 * @internal The time of a machine: runs at a rate of its own from an origin of its own, and has a date that may jump. Outlives
 * the processes on it.
 */
export class LocalTime {
  readonly #queue: EventQueue;
  #rate: number;
  #wallMs: number;
  /** At true time `sinceMs` it was `baseMs` here. */
  #sinceMs: number;
  #baseMs: number;
  /** Not before this, whatever rounding says. */
  #floorMs: number;

  /** `wallMs`: how much the date is ahead of `now()`. */
  constructor(queue: EventQueue, rate: number, originMs: number, wallMs: number) {
    this.#queue = queue;
    this.#rate = rate;
    this.#wallMs = wallMs;
    this.#sinceMs = queue.nowMs;
    this.#baseMs = this.#floorMs = originMs;
  }

  now(): number {
    const nowMs = this.#baseMs + (this.#queue.nowMs - this.#sinceMs) * this.#rate;
    return (this.#floorMs = Math.max(this.#floorMs, nowMs));
  }

  wallNow(): number {
    return this.now() + this.#wallMs;
  }

  /** When it will be so late here, as true time. */
  trueMs(localMs: number): number {
    return this.#sinceMs + (localMs - this.#baseMs) / this.#rate;
  }

  /** A timer for this instant fires now: now it is so late, to the last bit. */
  reach(localMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, localMs);
  }

  setRate(rate: number): void {
    this.#baseMs = this.now();
    this.#sinceMs = this.#queue.nowMs;
    this.#rate = rate;
  }

  jump(ms: number): void {
    this.#wallMs += ms;
  }
}
