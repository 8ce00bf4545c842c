import type { Clock } from '../core/clock.ts';
import { onAbort } from '../core/signals.ts';

/** @internal Those who wait until something is so; whoever may have made it so calls `look`. */
export class Waits {
  readonly #clock: Clock;
  readonly #looks = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#looks.size === 0;
  }

  look(): void {
    if (this.#looks.size > 0) for (const look of [...this.#looks]) look();
  }

  /** Resolves when it is so; rejects with the signal's reason. */
  when(isSo: () => boolean, signal?: AbortSignal): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#looks.delete(look);
        unlink();
        resolve();
      };
      this.#looks.add(look);
      const unlink = onAbort(signal, (reason) => {
        this.#looks.delete(look);
        reject(reason);
      });
    });
  }

  /** Resolves when it is so, or after so long. Keeps the process alive, for somebody waits for it. */
  within(ms: number, isSo: () => boolean): Promise<void> {
    let over = isSo();
    if (over) return Promise.resolve();
    const timer = this.#clock.setTimer(
      ms,
      () => {
        over = true;
        this.look();
      },
      { ref: true },
    );
    return this.when(() => over || isSo()).finally(() => {
      timer.cancel();
    });
  }
}
