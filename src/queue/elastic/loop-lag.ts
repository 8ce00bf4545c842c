/** The weight of the newest lateness: a single pause must be four times as long as what is allowed. */
const weight = 0.25;

/** @internal Whether an event loop is late, as told by timers that fire late. */
export class LoopLag {
  readonly #maxLagMs: number;
  #meanMs = 0;

  /** Infinity: never. */
  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
  }

  get lagging(): boolean {
    return this.#meanMs > this.#maxLagMs;
  }

  /** A timer has fired so late. */
  late(ms: number): void {
    this.#meanMs += weight * (Math.max(0, ms) - this.#meanMs);
  }

  /** Nothing is known any more. */
  reset(): void {
    this.#meanMs = 0;
  }
}
