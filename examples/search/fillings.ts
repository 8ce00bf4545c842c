import type { EmptyLeaf } from './indexer-protocol.ts';
import type { Replica } from './leaf-client.ts';

/** A leaf that is being filled, and what ends that. */
interface Filling {
  readonly leaf: EmptyLeaf;
  readonly end: (error?: Error) => void;
}

/** The leaves that wait for documents, whoever brings them, and how many they have. */
export class Fillings {
  /** By address: that of a leaf that comes back is another. */
  readonly #open = new Map<string, Filling>();
  /** Documents by leaf: one that is filled again begins anew. */
  readonly #arrived = new Map<string, number>();
  readonly #onChange: () => void;

  /** @param onChange - called when a leaf has come or is done */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get leaves(): EmptyLeaf[] {
    return [...this.#open.values()].map(({ leaf }) => leaf);
  }

  /** The documents that leaves have, or had when they were full; on two leaves they are two. */
  get copies(): number {
    return this.#copiesWhere(() => true);
  }

  /** The same, without the leaves that still wait. */
  get copiesElsewhere(): number {
    const waiting = new Set(this.leaves.map(({ id }) => id));
    return this.#copiesWhere((id) => !waiting.has(id));
  }

  /** Resolves when the leaf is full. Rejects when it could not be filled, or the signal aborts. */
  add({ id, url }: Replica, shard: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const end = (error?: Error): void => {
        if (!this.#open.delete(url)) return;
        if (error === undefined) resolve();
        else reject(error);
        this.#onChange();
      };
      signal.addEventListener(
        'abort',
        () => {
          end(signal.reason as Error);
        },
        { once: true },
      );
      this.#open.set(url, { leaf: { id, url, shard }, end });
      this.#arrived.set(id, 0);
      this.#onChange();
    });
  }

  /** So many documents are on a leaf. */
  arrived({ id, url }: EmptyLeaf, documents: number): void {
    if (this.#open.has(url)) this.#arrived.set(id, documents);
  }

  /** A leaf is full or, with an error, of no use. */
  end({ url }: EmptyLeaf, error?: Error): void {
    this.#open.get(url)?.end(error);
  }

  #copiesWhere(counts: (id: string) => boolean): number {
    return [...this.#arrived].reduce((sum, [id, count]) => sum + (counts(id) ? count : 0), 0);
  }
}
