/**
 * @internal Group commit: what comes while a batch is under way goes with the next one, so there is never more than one
 * under way, and none is waited for longer than the one before it takes.
 */
export class Batches<I, O> {
  readonly #send: (items: readonly I[]) => Promise<readonly O[]>;
  readonly #max: number;
  #queue: { readonly item: I; readonly resolve: (answer: O) => void; readonly reject: (error: unknown) => void }[] = [];
  #sending = false;
  #run: Promise<void> = Promise.resolve();

  constructor(send: (items: readonly I[]) => Promise<readonly O[]>, max = 1_000) {
    this.#send = send;
    this.#max = max;
  }

  /** Resolves when all that came has its answer. */
  async idle(): Promise<void> {
    while (this.#sending) await this.#run;
  }

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (!this.#sending) this.#run = this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    // All of this turn go together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#max);
      try {
        const answers = await this.#send(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, i) => resolve(answers[i]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#sending = false;
  }
}
