/** Opening documents: hot ones spread over the shards, over real HTTP with leaves in this process, heat on a virtual clock. */
import type { Server } from 'node:http';
import fc from 'fast-check';
import { LoadBalancer } from 'holdfast/balancing';
import { Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, test } from 'vitest';
import type { Shard } from '../../examples/search/cluster.ts';
import { Copies } from '../../examples/search/copies.ts';
import type { Document } from '../../examples/search/documents.ts';
import { extraAttempts } from '../../examples/search/extra-attempts.ts';
import { tellHeat } from '../../examples/search/heat.ts';
import { listen } from '../../examples/search/http.ts';
import { analyse } from '../../examples/search/analysis.ts';
import { placeDocuments } from '../../examples/search/batches.ts';
import { callLeaf, type Replica, within } from '../../examples/search/leaf-client.ts';
import { createLeafServer } from '../../examples/search/leaf-server.ts';
import { DocumentReader, type Opened } from '../../examples/search/reader.ts';
import { shardReader } from '../../examples/search/shard-reader.ts';
import { countByShard, peakToMean } from '../../examples/search/shard-loads.ts';
import { Texts } from '../../examples/search/texts.ts';
import { UnavailableError } from '../../examples/search/unavailable.ts';
import { formatSpread, judgeReads, type Read, viralReads } from '../../examples/search/viral-reads.ts';
import { eventually } from './search-support.ts';

const documents = Array.from({ length: 30 }, (_, i): Document => {
  return { id: `document ${String(i)}`, text: `bee number ${String(i)}` };
});
const [hot] = documents as [Document, ...Document[]];
const signal = new AbortController().signal;
const windowMs = 1_000;
const coolDownMs = 1_000;

/** A shard with one leaf, which may be lost and come back. */
class OneLeaf implements Shard {
  readonly id: string;
  readonly replicas: LoadBalancer<Replica> = new LoadBalancer<Replica>([], { acceptEmpty: true });
  #leaf: Replica | undefined;
  #server: Server | undefined;

  constructor(id: string) {
    this.id = id;
  }

  readonly leaves = (): readonly Replica[] => (this.#leaf === undefined ? [] : [this.#leaf]);

  async start(own: readonly Document[]): Promise<void> {
    this.#server = createLeafServer();
    this.#leaf = { id: `${this.id}/a`, url: `http://127.0.0.1:${String(await listen(this.#server, 0))}` };
    await this.ask('/documents', { token: '1', documents: own.map(analyse) });
    this.replicas.update([this.#leaf]);
  }

  stop(): void {
    this.replicas.update([]);
    this.#leaf = undefined;
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  ask(path: string, body?: object): Promise<unknown> {
    return callLeaf(this.#leaf!, path, within(10_000), body);
  }

  async copies(): Promise<number> {
    return ((await this.ask('/health')) as { copies: number }).copies;
  }
}

const running: OneLeaf[] = [];
afterEach(() => {
  for (const shard of running.splice(0)) shard.stop();
});

/** Three shards with the documents, and whoever opens them. */
async function openLibrary() {
  const shards = ['shard-1', 'shard-2', 'shard-3'].map((id) => new OneLeaf(id));
  running.push(...shards);
  const placement = new Rendezvous<OneLeaf>(shards);
  const placed = placeDocuments(documents, placement);
  await Promise.all(shards.map((shard) => shard.start(placed.get(shard.id)!)));
  const clock = new VirtualClock();
  const router = new ShardRouter<Shard>(placement, {
    replication: { targetRate: 10, coolDownMs },
    detector: { windowMs },
    runtime: { clock, random: seededRandom(1) },
  });
  const told: string[] = [];
  tellHeat(router, (line) => told.push(line));
  const reader = new DocumentReader(router, { deadlineMs: 10_000, extra: extraAttempts() });
  const open = async (count: number, id = hot.id): Promise<Opened[]> => {
    const all: Opened[] = [];
    for (let i = 0; i < count; i++) {
      const opened = (await reader.open(id, signal))!;
      expect(opened).toMatchObject(documents.find((one) => one.id === id)!);
      all.push(opened);
    }
    return all;
  };
  const [own, second, third] = placement.getN(hot.id, 3) as [OneLeaf, OneLeaf, OneLeaf];
  /** Makes the document hot, as if somebody else read it; resolves when it is copied. */
  const heat = async (): Promise<void> => {
    for (let i = 0; i < 25; i++) router.read(hot.id);
    await eventually('copies on both shards', async () =>
      (await second.copies()) + (await third.copies()) === 2 ? true : undefined,
    );
  };
  const cool = async (): Promise<void> => {
    for (let i = 0; i < 6; i++) {
      await clock.advance(Math.max(windowMs, coolDownMs));
      router.snapshot();
    }
  };
  return { shards, placement, placed, router, reader, told, open, heat, cool, own, second, third };
}

const shardsOf = (all: readonly Opened[]): string[] => [...new Set(all.map(({ shard }) => shard))].sort();

describe('a document', () => {
  test('that is cold is read from its own shard, each from the one on which it is indexed', async () => {
    const { open, placement } = await openLibrary();
    for (const { id } of documents) {
      const [opened] = await open(1, id);
      const shard = placement.get(id)!.id;
      expect(opened).toMatchObject({ shard, leaf: `${shard}/a`, source: 'own' });
    }
  });

  test('that is hot is read from several shards, the next of its order, and no other document is', async () => {
    const { open, heat, told, own, second, third, shards } = await openLibrary();
    await heat();
    expect(told).toEqual([
      `“${hot.id}” is hot: 11 reads a second, from 1 shard to 2`,
      `“${hot.id}” is hot: 21 reads a second, from 2 shards to 3`,
    ]);
    expect(await own.copies()).toBe(0);
    const reads = await open(60);
    expect(shardsOf(reads)).toEqual(shards.map(({ id }) => id));
    for (const { shard, source } of reads) expect(source).toBe(shard === own.id ? 'own' : 'copy');
    const counts = countByShard(
      [own.id, second.id, third.id],
      reads.map(({ shard }) => shard),
    );
    expect(peakToMean(counts)).toBeLessThan(1.5);
    for (const { id } of documents.slice(1)) expect((await open(1, id))[0]!.source).toBe('own');
  });

  test('that has cooled is on its own shard again, and the copies are gone', async () => {
    const { open, heat, cool, told, own, second, third } = await openLibrary();
    await heat();
    await cool();
    await eventually('no copies', async () =>
      (await second.copies()) + (await third.copies()) === 0 ? true : undefined,
    );
    expect(new Set(told.slice(2))).toEqual(
      new Set([
        `“${hot.id}” has cooled: 0 reads a second, from 3 shards to 2`,
        `“${hot.id}” has cooled: 0 reads a second, from 2 shards to 1`,
        `“${hot.id}”: the copy on ${third.id} is dropped`,
        `“${hot.id}”: the copy on ${second.id} is dropped`,
      ]),
    );
    expect(shardsOf(await open(5))).toEqual([own.id]);
    expect((await own.ask('/read', { id: hot.id })) as object).toEqual({ text: hot.text });
  });

  test('that is hot enters no search: no leaf finds it but its own, and no statistics change', async () => {
    const { heat, shards, own } = await openLibrary();
    const look = (shard: OneLeaf, statistics: unknown): Promise<unknown> =>
      shard.ask('/search', { terms: ['bee'], statistics, k: 100 });
    const lookAtAll = async (): Promise<unknown[]> => {
      const statistics = await Promise.all(shards.map((shard) => shard.ask('/statistics')));
      const found = await Promise.all(shards.map((shard, i) => look(shard, statistics[i])));
      return [...statistics, ...found];
    };
    const before = await lookAtAll();
    await heat();
    const after = await lookAtAll();
    expect(after).toEqual(before);
    const having = shards.filter((_, i) => JSON.stringify(after[shards.length + i]).includes(`"${hot.id}"`));
    expect(having).toEqual([own]);
  });

  test('falls back to its own shard when a leaf comes back without the copy, and the leaf gets it again', async () => {
    const { open, heat, placed, own, second } = await openLibrary();
    await heat();
    second.stop();
    await second.start(placed.get(second.id)!);
    expect(await second.copies()).toBe(0);
    const seen: Opened[] = [];
    await eventually('a copy from the leaf that came back', async () => {
      seen.push(...(await open(1)));
      return seen.at(-1)!.shard === second.id || undefined;
    });
    const fallbacks = seen.filter(({ source }) => source === 'fallback');
    expect(fallbacks.length).toBeGreaterThan(0);
    for (const { shard } of fallbacks) expect(shard).toBe(own.id);
    expect(seen.at(-1)!.source).toBe('copy');
    expect(await second.copies()).toBe(1);
  });

  test('outlives its own shard while it is hot; a cold one is unavailable, and why is said', async () => {
    const { open, heat, placed, reader, own, second, third } = await openLibrary();
    await heat();
    own.stop();
    expect(shardsOf(await open(20))).toEqual([second.id, third.id].sort());
    const cold = placed.get(own.id)!.find(({ id }) => id !== hot.id)!;
    const refused = reader.open(cold.id, signal);
    await expect(refused).rejects.toBeInstanceOf(UnavailableError);
    await expect(refused).rejects.toThrow(`${own.id} (none of its leaves serves)`);
  });

  test('that has cooled while its copy was on the way leaves none behind', async () => {
    const { router, second } = await openLibrary();
    await new Copies(router, shardReader(extraAttempts())).bring(hot, second, second.leaves()[0]!);
    expect(await second.copies()).toBe(0);
  });

  test('that does not exist is not found, however often it is asked for', async () => {
    const { reader, shards } = await openLibrary();
    for (let i = 0; i < 30; i++) expect(await reader.open('nowhere', signal)).toBeUndefined();
    expect(await Promise.all(shards.map((shard) => shard.copies()))).toEqual([0, 0, 0]);
  });

  test('is not waited for when the client has gone', async () => {
    const { reader } = await openLibrary();
    const gone = AbortSignal.abort(new Error('the client has gone'));
    await expect(reader.open(hot.id, gone)).rejects.toBe(gone.reason);
  });
});

test('the texts of a leaf are its own for ever, and copies from their coming to their going', () => {
  const id = fc.constantFrom('a', 'b', '__proto__', 'constructor');
  const step = fc.record({ does: fc.constantFrom('add', 'copy', 'drop'), id, text: fc.string() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const texts = new Texts();
      const own: Document[] = [];
      const copies: Document[] = [];
      for (const { does, ...document } of steps) {
        if (does === 'add') {
          texts.add(document);
          own.push(document);
        } else if (does === 'copy') {
          texts.addCopy(document);
          copies.unshift(document);
        } else {
          texts.dropCopy(document.id);
          copies.splice(0, copies.length, ...copies.filter((one) => one.id !== document.id));
        }
      }
      for (const one of ['a', 'b', '__proto__', 'constructor', 'toString'])
        expect(texts.get(one)).toBe([...own, ...copies].find((document) => document.id === one)?.text);
      expect(texts.copies).toBe(new Set(copies.map((document) => document.id)).size);
    }),
  );
});

describe('a viral load', () => {
  test('is of one document, now and then of the others in turn', () => {
    expect(viralReads('b', ['a', 'b', 'c'], 13).join('')).toBe('bbbabbbcbbbab');
    expect(viralReads('b', ['b'], 5).join('')).toBe('bbbbb');
  });

  test('is counted by shard; even is 1', () => {
    const counts = countByShard(['s', 't', 'u'], ['t', 's', 't', 't']);
    expect(counts).toEqual([1, 3, 0]);
    expect(peakToMean(counts)).toBe(2.25);
    expect(peakToMean([7, 7, 7])).toBe(1);
  });

  const read = (id: string, shard: string, shards: number): Read => {
    return { opened: { id, text: `text of ${id}`, shard, leaf: `${shard}/a`, source: 'own', ms: 1 }, shards };
  };

  test('is shown as it was and as it would have been', () => {
    const reads = [read('v', 's', 1), read('v', 's', 1), read('v', 't', 2), read('v', 's', 2), read('w', 't', 2)];
    const lines = formatSpread(reads, ['s', 't'], (id) => (id === 'v' ? 's' : 't'));
    expect(lines.map((line) => line.split(/\s{2,}/))).toEqual([
      ['reads of each shard', 's', 't', 'busiest / mean'],
      ['while on 1 shard', '2', '0', '2.00'],
      ['while on 2 shards', '1', '2', '1.33'],
      ['the last, had it not spread', '2', '1', '1.33'],
    ]);
    expect(formatSpread([], ['s', 't'], () => 's')).toEqual([]);
  });

  test('is judged text by text', () => {
    const texts = new Map([
      ['v', 'text of v'],
      ['w', 'another'],
    ]);
    const samples = [
      { asked: 'v', ms: 1, answer: read('v', 's', 1) },
      { asked: 'w', ms: 1, answer: read('w', 's', 1) },
      { asked: 'v', ms: 1, error: new Error('no shard answers') },
    ];
    expect(judgeReads(samples, texts)).toEqual({ opened: 3, lost: 1, wrong: 1 });
  });
});
