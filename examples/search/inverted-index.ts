import type { AnalysedDocument } from './analysis.ts';

/** What a score needs to know of the documents as a whole. Those of several indexes add up. */
export interface Statistics {
  /** How many documents there are. */
  readonly documents: number;
  /** How many words they have together. */
  readonly words: number;
  /** In how many documents a term occurs. */
  readonly frequencies: ReadonlyMap<string, number>;
}

/** A document that was found. */
export interface Hit {
  readonly id: string;
  readonly score: number;
}

/** What a search found. */
export interface Found {
  /** The best, best first; equals in the order of their ids. */
  readonly hits: readonly Hit[];
  /** How many documents match. */
  readonly total: number;
}

/** The usual constants of BM25: how soon repetition stops to count, and how much length does. */
const saturation = 1.2;
const lengthWeight = 0.75;

const none: ReadonlyMap<string, number> = new Map();

/**
 * Which documents have which words, in memory.
 *
 * A document is in one index with all its words, so the intersection of terms is complete here, whatever other indexes
 * there are. Scores depend on the document, the terms and the statistics that are passed in, and on nothing else: indexes
 * of parts, given the statistics of the whole, score as one index of the whole.
 *
 * Source: S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
 */
export class InvertedIndex {
  /** Term → document → how often. */
  readonly #postings = new Map<string, Map<string, number>>();
  /** Document → number of words. */
  readonly #lengths = new Map<string, number>();
  #words = 0;

  /** How many documents there are. */
  get size(): number {
    return this.#lengths.size;
  }

  /** The ids of the documents. */
  get ids(): string[] {
    return [...this.#lengths.keys()];
  }

  /** Takes a document in. One of a known id changes nothing, so a delivery may be repeated. */
  add({ id, length, counts }: AnalysedDocument): void {
    if (this.#lengths.has(id)) return;
    this.#lengths.set(id, length);
    this.#words += length;
    for (const [word, count] of counts) {
      const documents = this.#postings.get(word) ?? new Map<string, number>();
      this.#postings.set(word, documents.set(id, count));
    }
  }

  /** The statistics of the documents in here. */
  statistics(): Statistics {
    const frequencies = new Map([...this.#postings].map(([term, documents]) => [term, documents.size]));
    return { documents: this.size, words: this.#words, frequencies };
  }

  /** The documents that have all the terms, the best `k` of them. No terms find nothing. */
  search(terms: readonly string[], statistics: Statistics, k: number): Found {
    const lists = terms.map((term) => this.#postings.get(term) ?? none);
    const [first = none, ...others] = lists;
    const rarest = others.reduce((least, list) => (list.size < least.size ? list : least), first);
    const weights = terms.map((term) => rarity(statistics.frequencies.get(term) ?? 0, statistics.documents));
    const averageLength = statistics.words / statistics.documents;
    const hits: Hit[] = [];
    for (const id of rarest.keys()) {
      if (!lists.every((list) => list.has(id))) continue;
      const length = 1 - lengthWeight + lengthWeight * (this.#lengths.get(id)! / averageLength);
      // Always in the order of the terms: a sum in another order may differ in its last bit.
      const score = lists.reduce((sum, list, i) => {
        const count = list.get(id)!;
        return sum + (weights[i]! * count * (saturation + 1)) / (count + saturation * length);
      }, 0);
      hits.push({ id, score });
    }
    return { hits: best(hits, k), total: hits.length };
  }
}

/** A term's weight: the rarer, the more. */
function rarity(frequency: number, documents: number): number {
  return Math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
}

function best(hits: readonly Hit[], k: number): Hit[] {
  return [...hits].sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, k);
}

/** What indexes of distinct documents have found together: the best `k` of their best `k`. */
export function mergeFound(parts: readonly Found[], k: number): Found {
  const hits = parts.flatMap((part) => part.hits);
  return { hits: best(hits, k), total: parts.reduce((sum, part) => sum + part.total, 0) };
}

/** The statistics of all documents from those of their parts. */
export function mergeStatistics(parts: readonly Statistics[]): Statistics {
  const frequencies = new Map<string, number>();
  for (const part of parts)
    for (const [term, count] of part.frequencies) frequencies.set(term, (frequencies.get(term) ?? 0) + count);
  return {
    documents: parts.reduce((sum, part) => sum + part.documents, 0),
    words: parts.reduce((sum, part) => sum + part.words, 0),
    frequencies,
  };
}

/** What of the statistics a query needs. */
export function statisticsOf(terms: readonly string[], { documents, words, frequencies }: Statistics): Statistics {
  return { documents, words, frequencies: new Map(terms.map((term) => [term, frequencies.get(term) ?? 0])) };
}
