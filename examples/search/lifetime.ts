/** What is to be undone before the process ends, whichever way it ends. */
export class Lifetime {
  readonly #undo: (() => unknown)[] = [];
  readonly #ending = new AbortController();
  #ended: Promise<void> | undefined;

  /** Aborts when the end begins. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Has something undone at the end. Say it before it is begun.
   *
   * @throws when the end has begun: then it must not be begun at all
   */
  defer(undo: () => unknown): void {
    this.signal.throwIfAborted();
    this.#undo.push(undo);
  }

  /** Undoes all, the newest first. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#ending.abort(new Error('the end has begun'));
    for (const undo of this.#undo.reverse()) {
      try {
        await undo();
      } catch (error) {
        console.error(error);
      }
    }
  }
}
