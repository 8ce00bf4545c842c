import { onAbort } from '../core/signals.ts';

/** @internal One at a time, in the order of asking. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /** Resolves with what ends the turn, or with undefined when the signal aborts first. */
  take(signal: AbortSignal | undefined): Promise<(() => void) | undefined> {
    if (signal?.aborted === true) return Promise.resolve(undefined);
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve(this.#end());
    }
    return new Promise((resolve) => {
      const mine = (): void => {
        unlink();
        resolve(this.#end());
      };
      const unlink = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        resolve(undefined);
      });
      this.#waiting.push(mine);
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
