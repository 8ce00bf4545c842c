import { isHoldfastError } from '../core/errors.ts';

interface Entry<I, O> {
  readonly item: I;
  readonly resolve: (answer: O) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @internal Group commit: what comes while a batch is under way goes with the next one, so there is never more than one
 * under way, and none is waited for longer than the one before it takes.
 */
export class Batches<I, O> {
  readonly #send: (items: readonly I[]) => Promise<readonly O[]>;
  readonly #max: number;
  #queue: Entry<I, O>[] = [];
  #sent: readonly Entry<I, O>[] = [];
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

  /** No answer is waited for any more: whoever waits is told something else. */
  abandon(tell: (who: Pick<Entry<I, O>, 'reject' | 'resolve'>) => void): void {
    for (const one of [...this.#sent, ...this.#queue.splice(0)]) tell(one);
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
      const batch = (this.#sent = this.#queue.splice(0, this.#max));
      if ((await this.#sendBatch(batch)) === 'refused') for (const one of batch) await this.#sendBatch([one]);
    }
    this.#sent = [];
    this.#sending = false;
  }

  /** `refused`: one of several is not as it should be, and the others are not to suffer for it. */
  async #sendBatch(batch: readonly Entry<I, O>[]): Promise<'refused' | undefined> {
    try {
      const answers = await this.#send(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => resolve(answers[i]!));
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) return 'refused';
      for (const { reject } of batch) reject(error);
    }
    return undefined;
  }
}

/** Of the item itself, so nothing was done. */
function isRefusal(error: unknown): boolean {
  return isHoldfastError(error, 'INVALID_OPTION') || isHoldfastError(error, 'UNSUPPORTED');
}
