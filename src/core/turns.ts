import type { Clock } from './clock.ts';

interface Platform {
  readonly setImmediate?: (fn: () => void) => unknown;
}

/** How long work that is always ready may keep the platform from its timers and sockets. */
const sliceMs = 1;

/**
 * @internal Lets timers and I/O have their turn beside work that never waits: promise chains alone starve them.
 *
 * Without a clock it is the platform's time, and the cheapest turn that the platform has.
 */
export class Turns {
  readonly #clock: Clock | undefined;
  #turnMs: number;

  constructor(clock?: Clock) {
    this.#clock = clock;
    this.#turnMs = this.#now();
  }

  /** Runs `work` at once, or after a turn of the platform when the last one is a millisecond ago. */
  run(work: () => void): void {
    if (this.#now() - this.#turnMs < sliceMs) work();
    else
      this.#later(() => {
        this.#turnMs = this.#now();
        work();
      });
  }

  #now(): number {
    return this.#clock === undefined ? performance.now() : this.#clock.now();
  }

  #later(work: () => void): void {
    const { setImmediate = setTimeout } = globalThis as Platform;
    if (this.#clock === undefined) setImmediate(work);
    else this.#clock.setTimer(0, work, { ref: true });
  }
}
