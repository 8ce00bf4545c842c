/** A value that is set anew now and then. */
export class Latest<T> {
  #current: T;
  #next = new Change();

  constructor(first: T) {
    this.#current = first;
  }

  get current(): T {
    return this.#current;
  }

  set(value: T): void {
    this.#current = value;
    const { tell } = this.#next;
    this.#next = new Change();
    tell();
  }

  /** The value, and each newer one; who is slow gets the newest. Ends with the signal. */
  async *changes(signal: AbortSignal): AsyncGenerator<T, void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
    while (!signal.aborted) {
      const { happened } = this.#next;
      yield this.#current;
      await Promise.race([happened, aborted]);
    }
  }
}

class Change {
  tell = (): void => undefined;
  readonly happened = new Promise<void>((resolve) => {
    this.tell = resolve;
  });
}
