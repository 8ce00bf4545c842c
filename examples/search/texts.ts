import type { Document } from './documents.ts';

/**
 * The texts that a leaf can show: those of its shard's documents, and copies of documents of other shards that are hot. A
 * copy is there to be read; it never comes into the index, where it would be found twice.
 */
export class Texts {
  readonly #own = new Map<string, string>();
  readonly #copies = new Map<string, string>();

  /** How many copies there are. */
  get copies(): number {
    return this.#copies.size;
  }

  /** Takes a document of the shard. As in the index, one of a known id changes nothing. */
  add({ id, text }: Document): void {
    if (!this.#own.has(id)) this.#own.set(id, text);
  }

  /** Takes a copy; a newer one takes the place of an older. */
  addCopy({ id, text }: Document): void {
    this.#copies.set(id, text);
  }

  /** Lets go of a copy; never of a document of the shard. */
  dropCopy(id: string): void {
    this.#copies.delete(id);
  }

  /** The text of a document; undefined when it is neither one of the shard nor copied. */
  get(id: string): string | undefined {
    return this.#own.get(id) ?? this.#copies.get(id);
  }
}
