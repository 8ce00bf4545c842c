/** The index finds what a plain search finds, in one piece or in many. */
import fc from 'fast-check';
import { Rendezvous } from 'holdfast/hashing';
import { describe, expect, test } from 'vitest';
import type { Document } from '../../examples/search/documents.ts';
import { analyse } from '../../examples/search/analysis.ts';
import { inBatches, placeDocuments } from '../../examples/search/batches.ts';
import { InvertedIndex, mergeFound, mergeStatistics, statisticsOf } from '../../examples/search/inverted-index.ts';
import { fromWire, toWire } from '../../examples/search/protocol.ts';
import { chooseQueries } from '../../examples/search/queries.ts';
import { termsOf, tokenise } from '../../examples/search/words.ts';
import { plainSearch } from './search-support.ts';

const indexOf = (documents: readonly Document[]): InvertedIndex => {
  const index = new InvertedIndex();
  for (const document of documents) index.add(analyse(document));
  return index;
};

/** Few words, so that documents share them; some are names that every object has. */
const word = fc.constantFrom('ant', 'bee', 'Cat', 'été', 'constructor', '__proto__', '日本', 'a1');
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(', '));
const library = fc
  .dictionary(fc.string({ minLength: 1, maxLength: 4 }), text, { maxKeys: 25 })
  .map((texts) => Object.entries(texts).map(([id, content]): Document => ({ id, text: content })));
const query = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
const count = fc.integer({ min: 1, max: 30 });

describe('words', () => {
  test.each([
    ['A bee, an ANT; a_b', ['a', 'bee', 'an', 'ant', 'a', 'b']],
    ['ＦＵＬＬ ﬁne Größe', ['full', 'fine', 'größe']],
    ['cafe\u0301 Caf\u00e9', ['café', 'café']],
    ['', []],
    ['— … !', []],
  ])('%j', (given, words) => {
    expect(tokenise(given)).toEqual(words);
  });

  test('a query has each of its words once', () => {
    expect(termsOf('bee Ant BEE')).toEqual(['bee', 'ant']);
  });
});

describe('search', () => {
  test('finds the same documents as a plain search, with the same scores', () => {
    fc.assert(
      fc.property(library, query, (documents, asked) => {
        const index = indexOf(documents);
        const { hits, total } = index.search(termsOf(asked), index.statistics(), Infinity);
        const plain = plainSearch(new Map(documents.map((one) => [one.id, one.text])), asked);
        expect(total).toBe(plain.length);
        const scores = new Map(plain.map(({ id, score }) => [id, score]));
        for (const { id, score } of hits) expect(score).toBeCloseTo(scores.get(id)!, 9);
        expect(hits.map(({ id }) => id).sort()).toEqual([...scores.keys()].sort());
      }),
    );
  });

  test('is in the order of the scores, then of the ids, and `k` cuts that list', () => {
    fc.assert(
      fc.property(library, query, count, (documents, asked, k) => {
        const index = indexOf(documents);
        const all = index.search(termsOf(asked), index.statistics(), Infinity);
        for (const [i, next] of all.hits.slice(1).entries()) {
          const hit = all.hits[i]!;
          expect(hit.score > next.score || (hit.score === next.score && hit.id < next.id)).toBe(true);
        }
        expect(index.search(termsOf(asked), index.statistics(), k)).toEqual({ ...all, hits: all.hits.slice(0, k) });
      }),
    );
  });

  test('on shards, merged, is exactly that on one index, over the wire and whatever the number of shards', () => {
    fc.assert(
      fc.property(library, query, count, fc.integer({ min: 1, max: 6 }), (documents, asked, k, shards) => {
        const placement = new Rendezvous(Array.from({ length: shards }, (_, i) => `shard-${String(i)}`));
        const leaves = [...placeDocuments(documents, placement).values()].map(indexOf);
        const statistics = mergeStatistics(leaves.map((leaf) => fromWire(toWire(leaf.statistics()))));
        const terms = termsOf(asked);
        const wire: unknown = JSON.parse(JSON.stringify(toWire(statisticsOf(terms, statistics))));
        const sent = fromWire(wire as ReturnType<typeof toWire>);
        const whole = indexOf(documents);
        expect(statistics).toEqual(whole.statistics());
        expect(
          mergeFound(
            leaves.map((leaf) => leaf.search(terms, sent, k)),
            k,
          ),
        ).toEqual(whole.search(terms, whole.statistics(), k));
      }),
    );
  });

  test('a document that comes twice counts once', () => {
    const document = { id: 'a', text: 'bee' };
    expect(indexOf([document, document]).statistics()).toEqual(indexOf([document]).statistics());
  });
});

describe('the way to the leaves', () => {
  test('each document is on one shard, and each batch is small or a single document', () => {
    const documents = Array.from({ length: 200 }, (_, i): Document => {
      return { id: `d${String(i)}`, text: 'x'.repeat(i % 50 === 0 ? 300_000 : 3_000 * (i % 7)) };
    });
    const placed = placeDocuments(documents, new Rendezvous(['s1', 's2', 's3']));
    expect([...placed.values()].flat().sort((a, b) => documents.indexOf(a) - documents.indexOf(b))).toEqual(documents);
    const batches = [...inBatches(documents)];
    expect(batches.flat()).toEqual(documents);
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(32);
      const characters = batch.reduce((sum, one) => sum + one.text.length, 0);
      expect(batch.length === 1 || characters <= 256 * 1024).toBe(true);
    }
    expect([...inBatches([])]).toEqual([]);
  });
});

test('the queries of the tour find something, whatever the documents', () => {
  fc.assert(
    fc.property(
      library.map((documents) => documents.filter((one) => tokenise(one.text).length > 0)),
      (documents) => {
        fc.pre(documents.length > 0);
        const index = indexOf(documents);
        const queries = chooseQueries(documents, index);
        expect(queries.length).toBeGreaterThan(0);
        expect(new Set(queries).size).toBe(queries.length);
        for (const asked of queries)
          expect(index.search(termsOf(asked), index.statistics(), 1).total).toBeGreaterThan(0);
      },
    ),
  );
});
