interface Turn {
  readonly keys: readonly string[];
  /** How many of its keys somebody else has, or waits for before it. */
  ahead: number;
  readonly start: () => void;
  readonly refuse: (reason: Error) => void;
}

/**
 * @internal One call at a time for each key, in the order in which they come; a call that needs several keys waits for all
 * of them, and as it enters all lines at once no two calls can wait for each other. O(1) a key.
 */
export class KeyedMutex {
  /** By key: who has it, and who waits for it. */
  readonly #lines = new Map<string, Turn[]>();
  #over: Error | undefined;

  /** Calls at once when all keys are free, else when those before it have settled. */
  run<T>(keys: readonly string[], call: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#over !== undefined) {
        reject(this.#over);
        return;
      }
      const start = (): void => {
        const ended = (): void => {
          this.#end(turn);
        };
        const result = call();
        result.then(ended, ended); // before who has called hears of it
        resolve(result);
      };
      const turn: Turn = { keys: keys.length > 1 ? [...new Set(keys)] : keys, ahead: 0, start, refuse: reject };
      for (const key of turn.keys) if (!this.#isFirst(key, turn)) turn.ahead++;
      if (turn.ahead === 0) start();
    });
  }

  #isFirst(key: string, turn: Turn): boolean {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [turn]);
    else line.push(turn);
    return line === undefined;
  }

  #end({ keys }: Turn): void {
    for (const key of keys) {
      const line = this.#lines.get(key);
      line?.shift();
      const next = line?.[0];
      if (next === undefined) this.#lines.delete(key);
      else if (--next.ahead === 0) next.start();
    }
  }

  /** Who waits is refused, and who comes now; calls under way are left alone. */
  close(reason: Error): void {
    this.#over = reason;
    for (const line of this.#lines.values()) for (const turn of line) if (turn.ahead > 0) turn.refuse(reason);
    this.#lines.clear();
  }
}
