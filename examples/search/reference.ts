import type { Placement, PlacementNode } from 'holdfast/hashing';
import { analyse } from './analysis.ts';
import type { Document } from './documents.ts';
import { InvertedIndex } from './inverted-index.ts';
import type { Answer } from './root.ts';
import { termsOf } from './words.ts';

/** A search of all documents in this one process: what the answers of the many are held against. */
export class Reference {
  readonly index = new InvertedIndex();
  readonly #placement: Placement<PlacementNode>;

  constructor(documents: readonly Document[], placement: Placement<PlacementNode>) {
    for (const document of documents) this.index.add(analyse(document));
    this.#placement = placement;
  }

  /**
   * Whether an answer is exactly what this process finds, to the last bit of each score; for a partial answer, among the
   * documents of the shards that it does not name as missing.
   */
  agrees({ query, hits, total, partial, missing }: Answer, k: number): boolean {
    if (partial !== missing.length > 0) return false;
    const without = new Set(missing.map(({ shard }) => shard));
    const all = this.index.search(termsOf(query), this.index.statistics(), Infinity).hits;
    const expected = all.filter(({ id }) => !without.has(this.#placement.get(id)!.id));
    return total === expected.length && JSON.stringify(hits) === JSON.stringify(expected.slice(0, k));
  }
}
