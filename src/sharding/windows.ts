/**
 * @internal What is counted, in two windows of time that take turns: the newest and the one before. A report covers at
 * least one window's length, and nothing is ever older than two.
 *
 * Windows end when somebody looks, not by a timer. So a window may last longer than it should, after a stall of the process
 * or when nothing happens; it is not thrown away for that, but reported against the span that it did last.
 */
export class Windows<S extends { clear(): void }> {
  readonly #windowMs: number;
  #current: S;
  #previous: S;
  #startMs: number;
  #previousStartMs: number;
  #lastMs = -Infinity;
  #previousLastMs = -Infinity;

  constructor(windowMs: number, nowMs: number, make: () => S) {
    this.#windowMs = windowMs;
    this.#current = make();
    this.#previous = make();
    this.#startMs = nowMs;
    this.#previousStartMs = nowMs;
  }

  get current(): S {
    return this.#current;
  }

  get previous(): S {
    return this.#previous;
  }

  /** Where something that happens now is counted. */
  at(nowMs: number): S {
    this.roll(nowMs);
    this.#lastMs = nowMs;
    return this.#current;
  }

  /** Begins another window when this one is over. */
  roll(nowMs: number): void {
    if (nowMs - this.#startMs < this.#windowMs) return;
    [this.#current, this.#previous] = [this.#previous, this.#current];
    this.#current.clear();
    this.#previousStartMs = this.#startMs;
    this.#previousLastMs = this.#lastMs;
    this.#startMs = nowMs;
  }

  /**
   * Both windows together hold exactly what happened in the last so many milliseconds. Never less than one window: a few
   * events in the first moments are no rate. Ask after `roll`.
   */
  spanMs(nowMs: number): number {
    return Math.max(this.#windowMs, nowMs - this.#previousStartMs);
  }

  /**
   * Whether the newest window alone holds exactly what happened in the last `windowMs`: after a pause, which must not dilute
   * what comes behind it. Ask after `roll`.
   */
  currentIsWhole(nowMs: number): boolean {
    return this.#previousLastMs < nowMs - this.#windowMs;
  }
}
