/** A call that has its keys or waits for them. */
interface Turn {
  readonly keys: readonly string[];
  /** How many of its keys somebody else has, or waits for before it. */
  ahead: number;
  /** What comes between its end and the next turn. */
  after: (() => void)[] | undefined;
  /** Of one that waits: begins, or is told that it never will. */
  start: (() => void) | undefined;
  refuse: ((reason: Error) => void) | undefined;
}

/** Whoever has called hears of the result before what comes after this. */
function later(): void {
  // nothing but a turn of the promises
}

/**
 * @internal One call at a time for each key, in the order in which they come; a call that needs several keys waits for all
 * of them, and as it enters all lines at once no two calls can wait for each other. O(1) a key.
 */
export class KeyedMutex {
  readonly #holders = new Map<string, Turn>();
  /** Who waits for a key that somebody has. */
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
    const over = (reason: Error): Promise<T> =>
      refused === undefined ? Promise.reject(reason) : Promise.resolve(refused);
    if (this.#over !== undefined) return over(this.#over);
    const own = keys.length > 1 ? [...new Set(keys)] : keys;
    const turn: Turn = { keys: own, ahead: 0, after: undefined, start: undefined, refuse: undefined };
    for (const key of own) this.#enter(key, turn);
    if (turn.ahead === 0) {
      const result = call();
      const ended = (): void => {
        this.#end(turn);
      };
      void result.then(later, later).then(ended);
      return result;
    }
    return new Promise<T>((resolve, reject) => {
      turn.start = () => {
        const ended = (): void => {
          this.#end(turn);
        };
        void call().then(resolve, reject).then(ended);
      };
      turn.refuse = (reason) => {
        over(reason).then(resolve, reject);
      };
    });
  }

  #enter(key: string, turn: Turn): void {
    if (!this.#holders.has(key)) {
      this.#holders.set(key, turn);
      return;
    }
    turn.ahead++;
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [turn]);
    else line.push(turn);
  }

  /** Calls as soon as no call for the key is under way, before any that waits. */
  between(key: string, call: () => void): void {
    const holder = this.#holders.get(key);
    if (holder === undefined || holder.ahead > 0) call();
    else (holder.after ??= []).push(call);
  }

  /** Resolves when no call is under way, and none waits. */
  async idle(): Promise<void> {
    while (this.#holders.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #end({ keys, after }: Turn): void {
    if (after !== undefined) for (const call of after) call();
    for (const key of keys) {
      const line = this.#lines.get(key);
      const next = line?.shift();
      if (next === undefined) this.#holders.delete(key);
      else {
        this.#holders.set(key, next);
        if (line!.length === 0) this.#lines.delete(key);
        if (--next.ahead === 0) next.start!();
      }
    }
    if (this.#holders.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Who waits is refused, and who comes now; calls under way are left alone. */
  close(reason: Error): void {
    this.#over = reason;
    const waiting = new Set([...this.#lines.values()].flat());
    this.#lines.clear();
    this.#holders.clear();
    for (const turn of waiting) turn.refuse!(reason);
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
