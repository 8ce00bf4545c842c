/** Indexing under a leader: terms that end at any write, over real HTTP with leaves in this process. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type AnalysedDocument, analyse } from '../../examples/search/analysis.ts';
import { Fence } from '../../examples/search/fence.ts';
import { Fillings } from '../../examples/search/fillings.ts';
import { HttpError, listen } from '../../examples/search/http.ts';
import type { EmptyLeaf, Orders, Report } from '../../examples/search/indexer-protocol.ts';
import { Indexing, type IndexingOptions } from '../../examples/search/indexing.ts';
import { Latest } from '../../examples/search/latest.ts';
import { callLeaf, within } from '../../examples/search/leaf-client.ts';
import { createLeafServer } from '../../examples/search/leaf-server.ts';
import type { ClaimAnswer } from '../../examples/search/protocol.ts';
import { eventually } from './search-support.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});

async function startLeaf(id: string, shard: string): Promise<EmptyLeaf> {
  const server = createLeafServer();
  servers.push(server);
  return { id, shard, url: `http://127.0.0.1:${String(await listen(server, 0))}` };
}

const documentsOf = (shard: string, count: number): AnalysedDocument[] =>
  Array.from({ length: count }, (_, i) => analyse({ id: `${shard} ${String(i)}`, text: `bee ${String(i)}` }));

/** A leader that nobody tells that its term is over: all that stands between it and the leaves is its token. */
class Leader {
  readonly #controller = new AbortController();
  readonly reports: Report[] = [];
  readonly orders: Latest<Orders>;
  readonly ended: Promise<void>;
  /** Resolves when it stands still; it goes on with `wake`. */
  readonly stands: Promise<void>;
  wake!: () => void;

  constructor(token: bigint, placed: IndexingOptions['placed'], orders: Orders) {
    this.orders = new Latest(orders);
    const woken = new Promise<void>((resolve) => (this.wake = resolve));
    let stand!: () => void;
    this.stands = new Promise((resolve) => (stand = resolve));
    this.ended = new Indexing({
      term: {
        token,
        signal: this.#controller.signal,
        guard: async <T>(fn: (token: bigint) => T | PromiseLike<T>): Promise<T> => await fn(token),
      },
      placed,
      orders: this.orders,
      tell: async (report) => {
        this.reports.push(report);
        if (report.type !== 'stands') return;
        stand();
        await woken;
      },
      standStill: () => undefined,
    }).run();
  }

  of<T extends Report['type']>(type: T): Extract<Report, { type: T }>[] {
    return this.reports.filter((report): report is Extract<Report, { type: T }> => report.type === type);
  }

  async told(type: Report['type'], count: number): Promise<void> {
    await eventually(`${String(count)} × ${type}`, () => (this.of(type).length >= count ? true : undefined));
  }

  end(): Promise<void> {
    this.#controller.abort();
    return this.ended;
  }
}

/** What a leaf has, asked with a token that shuts out everybody else. */
async function idsOn(leaf: EmptyLeaf): Promise<readonly string[]> {
  return ((await callLeaf(leaf, '/claim', within(10_000), { token: '999' })) as ClaimAnswer).ids;
}

describe('a leader', () => {
  test('that is lost at any write is followed, and goes on: nothing is lost, nothing twice, and its late write is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 99 }),
        async (counts, percent) => {
          const placed = new Map(counts.map((count, i) => [`s${String(i)}`, documentsOf(`s${String(i)}`, count)]));
          const leaves = await Promise.all(
            [...placed.keys()].flatMap((shard) => ['a', 'b'].map((name) => startLeaf(`${shard}/${name}`, shard))),
          );
          const copies = 2 * counts.reduce((sum, count) => sum + count, 0);
          fc.pre(copies > 0);
          // At a half of all copies there is a write left for sure, as each document is written twice.
          const first = new Leader(1n, placed, { leaves, standStillAt: Math.floor((percent / 200) * copies) });
          await first.stands;
          const second = new Leader(2n, placed, { leaves, standStillAt: Infinity });
          await second.told('leads', 1);
          first.wake();
          await first.told('refused', 1);
          await second.told('full', leaves.length);
          await Promise.all([first.end(), second.end()]);
          for (const { documents, why } of first.of('refused')) {
            expect(documents).toBeGreaterThan(0);
            expect(why).toBe('token 1 is of the past: 2 was here');
          }
          expect([...first.of('failed'), ...second.of('failed')]).toEqual([]);
          for (const leaf of leaves)
            expect([...(await idsOn(leaf))].sort()).toEqual(
              placed
                .get(leaf.shard)!
                .map(({ id }) => id)
                .sort(),
            );
        },
      ),
      { numRuns: 25 },
    );
  });

  test('sends a leaf only what it does not have', async () => {
    const placed = new Map([['s', documentsOf('s', 100)]]);
    const leaf = await startLeaf('s/a', 's');
    const first = new Leader(1n, placed, { leaves: [leaf], standStillAt: 64 });
    await first.stands;
    const second = new Leader(2n, placed, { leaves: [leaf], standStillAt: 80 });
    await second.stands;
    expect(second.of('arrived').map(({ documents }) => documents)).toEqual([64, 96]);
    second.wake();
    await second.told('full', 1);
    expect(second.of('arrived').map(({ documents }) => documents)).toEqual([64, 96, 100]);
    first.wake();
    await Promise.all([first.end(), second.end()]);
  });

  test('stands still before its first write when the leaves that are full, of which it hears nothing, are counted off', async () => {
    const placed = new Map([['s', documentsOf('s', 40)]]);
    const leaf = await startLeaf('s/b', 's');
    const first = new Leader(1n, placed, { leaves: [leaf], standStillAt: 10 });
    await first.stands;
    expect(first.of('arrived').map(({ documents }) => documents)).toEqual([0, 32]);
    const second = new Leader(2n, placed, { leaves: [leaf], standStillAt: 72 - 40 });
    await second.stands;
    expect(second.of('arrived').map(({ documents }) => documents)).toEqual([32]);
    second.wake();
    first.wake();
    await Promise.all([first.end(), second.end()]);
  });

  test('fills leaves that come later, and tells of one that it cannot fill', async () => {
    const placed = new Map([['s', documentsOf('s', 3)]]);
    const [there, later, dead] = await Promise.all(['a', 'b', 'c'].map((name) => startLeaf(`s/${name}`, 's')));
    const server = servers.pop()!;
    server.close();
    server.closeAllConnections();
    const leader = new Leader(1n, placed, { leaves: [there!, dead!], standStillAt: Infinity });
    await leader.told('full', 1);
    await leader.told('failed', 1);
    expect(leader.of('failed')[0]).toMatchObject({ leaf: dead });
    leader.orders.set({ leaves: [there!, later!], standStillAt: Infinity });
    await leader.told('full', 2);
    expect(leader.of('full').map(({ leaf }) => leaf.id)).toEqual(['s/a', 's/b']);
    await leader.end();
    leader.orders.set({ leaves: [there!, later!, await startLeaf('s/d', 's')], standStillAt: Infinity });
    expect(leader.of('full')).toHaveLength(2);
  });
});

test('a fence lets a token pass exactly when none above it was there before', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 20n }), { maxLength: 20 }), (tokens) => {
      const fence = new Fence();
      for (const [i, token] of tokens.entries()) {
        const highest = tokens.slice(0, i + 1).reduce((most, one) => (one > most ? one : most), 0n);
        const admit = (): void => {
          fence.admit(String(token));
        };
        if (token < highest) expect(admit).toThrow(HttpError);
        else admit();
        expect(fence.highest).toBe(highest);
      }
    }),
  );
});

test.each(['', '-1', '1.5', '0x1', 'one', ' 1'])('a fence takes %j for no token at all', (text) => {
  expect(() => {
    new Fence().admit(text);
  }).toThrow('whole number');
});

test('a value that changes is seen at its newest, until the signal', async () => {
  const value = new Latest(1);
  const end = new AbortController();
  const seen: number[] = [];
  const over = (async () => {
    for await (const one of value.changes(end.signal)) {
      seen.push(one);
      if (one === 1) {
        value.set(2);
        value.set(3); // who is slow gets the newest
      }
      if (one === 4) end.abort();
    }
  })();
  await eventually('3 is seen', () => (seen.at(-1) === 3 ? true : undefined));
  value.set(4);
  await over;
  value.set(5);
  expect(seen).toEqual([1, 3, 4]);
  expect(value.current).toBe(5);
});

describe('leaves that wait', () => {
  const never = new AbortController().signal;
  const replica = { id: 's/a', url: 'http://a' };
  const leaf: EmptyLeaf = { ...replica, shard: 's' };

  test('are told of until they are full, could not be filled, or have ended', async () => {
    let changes = 0;
    const fillings = new Fillings(() => changes++);
    const full = fillings.add(replica, 's', never);
    const other = { id: 's/b', url: 'http://b' };
    const failed = fillings.add(other, 's', never);
    const ended = new AbortController();
    const gone = fillings.add({ id: 's/c', url: 'http://c' }, 's', ended.signal);
    expect(fillings.leaves.map(({ id }) => id)).toEqual(['s/a', 's/b', 's/c']);
    fillings.end(leaf);
    fillings.end(leaf, new Error('told twice'));
    fillings.end({ ...other, shard: 's' }, new Error('no answer'));
    ended.abort(new Error('it has ended'));
    await full;
    await expect(failed).rejects.toThrow('no answer');
    await expect(gone).rejects.toThrow('it has ended');
    await expect(fillings.add(replica, 's', ended.signal)).rejects.toThrow('it has ended');
    expect(fillings.leaves).toEqual([]);
    expect(changes).toBe(6);
  });

  test('are counted; one that comes back begins anew, and what is said of it before is passed over', () => {
    const fillings = new Fillings(() => undefined);
    void fillings.add(replica, 's', never);
    fillings.arrived(leaf, 7);
    expect(fillings.copies).toBe(7);
    expect(fillings.copiesElsewhere).toBe(0);
    fillings.end(leaf);
    expect([fillings.copies, fillings.copiesElsewhere]).toEqual([7, 7]);
    void fillings.add({ id: 's/a', url: 'http://new' }, 's', never);
    fillings.arrived(leaf, 7);
    expect([fillings.copies, fillings.copiesElsewhere]).toEqual([0, 0]);
  });
});
