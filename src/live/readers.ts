import type { Clock, Timer } from '../core/clock.ts';

/** @internal What an iterator says when it is over. */
export const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** @internal Keeps the process alive until it is cancelled. All other timers of this folder keep nothing alive. */
export function hold(clock: Clock): Timer {
  return clock.setTimer(Infinity, () => undefined, { ref: true });
}

/** @internal The `next` calls of an iterator: answered in their order, each as soon as there is something for it. */
export class Readers<T> {
  readonly #clock: Clock;
  readonly #take: () => IteratorResult<T, undefined> | undefined;
  readonly #queue: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #held: Timer | undefined;

  /** `take` gives what the first reader gets; undefined: he has to wait. */
  constructor(clock: Clock, take: () => IteratorResult<T, undefined> | undefined) {
    this.#clock = clock;
    this.#take = take;
  }

  /** Whether somebody waits. The process is kept alive as long. */
  get waiting(): boolean {
    return this.#held !== undefined;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      this.serve();
    });
  }

  /** Something has come, or it is over. */
  serve(): void {
    while (this.#queue.length > 0) {
      const result = this.#take();
      if (result === undefined) {
        this.#held ??= hold(this.#clock);
        return;
      }
      this.#queue.shift()!(result);
    }
    this.#held?.cancel();
    this.#held = undefined;
  }
}
