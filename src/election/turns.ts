import { onAbort } from '../core/signals.ts';

/** @internal One at a time, in the order of asking. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #cancels = new Set<() => void>();
  #taken = false;

  /** Nobody waits any more: there is no further turn. */
  close(): void {
    for (const cancel of [...this.#cancels]) cancel();
  }

  /** Resolves with what ends the turn, or with undefined when the signal aborts, or there is no further turn, first. */
  take(signal: AbortSignal | undefined): Promise<(() => void) | undefined> {
    if (signal?.aborted === true) return Promise.resolve(undefined);
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve(this.#end());
    }
    return new Promise((resolve) => {
      const mine = (): void => {
        unlink();
        this.#cancels.delete(cancel);
        resolve(this.#end());
      };
      const cancel = (): void => {
        unlink();
        this.#cancels.delete(cancel);
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        resolve(undefined);
      };
      this.#waiting.push(mine);
      this.#cancels.add(cancel);
      const unlink = onAbort(signal, cancel);
    });
  }

  #end(): () => void {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken = false;
      else next();
    };
  }
}
