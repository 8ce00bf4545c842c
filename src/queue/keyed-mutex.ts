interface Turn {
  readonly keys: readonly string[];
  /** How many of its keys somebody else has, or waits for before it. */
  ahead: number;
  /** What comes between its end and the next turn. */
  readonly after: (() => void)[];
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
  /** Who waits until there is no call any more. */
  readonly #onIdle: (() => void)[] = [];
  #over: Error | undefined;

  /**
   * Calls at once when all keys are free, else when those before it have settled and who has called has heard it.
   *
   * @param refused - what is answered once this is closed; absent: it rejects
   */
  run<T>(keys: readonly string[], call: () => Promise<T>, refused?: T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const refuse = (reason: Error): void => {
        if (refused === undefined) reject(reason);
        else resolve(refused);
      };
      if (this.#over !== undefined) {
        refuse(this.#over);
        return;
      }
      const start = (): void => {
        const ended = (): void => {
          this.#end(turn);
        };
        void call().then(resolve, reject).then(ended);
      };
      const own = keys.length > 1 ? [...new Set(keys)] : keys;
      const turn: Turn = { keys: own, ahead: 0, after: [], start, refuse };
      for (const key of own) if (!this.#isFirst(key, turn)) turn.ahead++;
      if (turn.ahead === 0) start();
    });
  }

  #isFirst(key: string, turn: Turn): boolean {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [turn]);
    else line.push(turn);
    return line === undefined;
  }

  /** Calls as soon as no call for the key is under way, before any that waits; whether that was at once. */
  between(key: string, call: () => void): boolean {
    const first = this.#lines.get(key)?.[0];
    if (first === undefined || first.ahead > 0) {
      call();
      return true;
    }
    first.after.push(call);
    return false;
  }

  /** Resolves when no call is under way, and none waits. */
  async idle(): Promise<void> {
    while (this.#lines.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #end({ keys, after }: Turn): void {
    for (const call of after) call();
    for (const key of keys) {
      const line = this.#lines.get(key);
      line?.shift();
      const next = line?.[0];
      if (next === undefined) this.#lines.delete(key);
      else if (--next.ahead === 0) next.start();
    }
    if (this.#lines.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Who waits is refused, and who comes now; calls under way are left alone. */
  close(reason: Error): void {
    this.#over = reason;
    for (const line of this.#lines.values()) for (const turn of line) if (turn.ahead > 0) turn.refuse(reason);
    this.#lines.clear();
  }
}
