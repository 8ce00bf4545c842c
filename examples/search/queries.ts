import type { Document } from './documents.ts';
import type { InvertedIndex } from './inverted-index.ts';
import { termsOf, tokenise } from './words.ts';

const wanted = 8;
const preset = [
  'source map',
  'consistent hashing',
  'promise queue',
  'abort signal',
  'fast hash',
  'parse javascript syntax tree',
  'glob pattern match files',
  'property based testing',
];

/**
 * Queries that find something: the usual ones as far as they do, then some from the documents themselves, each of two
 * telling words of one document. The same documents give the same queries.
 */
export function chooseQueries(documents: readonly Document[], index: InvertedIndex): string[] {
  const statistics = index.statistics();
  const chosen = preset.filter((query) => index.search(termsOf(query), statistics, 1).total > 0);
  const stride = Math.max(1, Math.floor(documents.length / wanted));
  for (let i = 0; i < documents.length && chosen.length < wanted; i += stride) {
    const query = tellingWords(documents[i]!, statistics.frequencies, statistics.documents).join(' ');
    if (!chosen.includes(query)) chosen.push(query);
  }
  return chosen;
}

/** The two words that stand for a document: often in it, seldom elsewhere, but not nowhere else where that can be. */
function tellingWords({ text }: Document, frequencies: ReadonlyMap<string, number>, documents: number): string[] {
  const counts = new Map<string, number>();
  for (const word of tokenise(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts]
    .map(([word, count]) => {
      const frequency = frequencies.get(word) ?? 1;
      const plain = /^\p{L}{3,}$/u.test(word) && frequency > 1;
      return { word, worth: (plain ? 1 : 0.001) * Math.sqrt(count) * Math.log(1 + documents / frequency) };
    })
    .sort((a, b) => b.worth - a.worth || (a.word < b.word ? -1 : 1));
  return ranked.slice(0, 2).map(({ word }) => word);
}
