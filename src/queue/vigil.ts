import type { Clock, Timer } from '../core/clock.ts';

/**
 * @internal Keeps the process alive while somebody waits for what only time may bring: a job that is to be tried again by a
 * store that is asked for it now and then.
 */
export class Vigil {
  readonly #clock: Clock;
  #open = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): void {
    if (this.#open++ === 0) this.#timer = this.#clock.setTimer(Infinity, () => undefined, { ref: true });
  }

  end(): void {
    if (--this.#open === 0) this.#timer?.cancel();
  }

  /** From now until the promise is settled; to be returned instead of it, for it counts as heard. */
  over<T>(promise: Promise<T>): Promise<T> {
    this.begin();
    return promise.finally(() => {
      this.end();
    });
  }
}
