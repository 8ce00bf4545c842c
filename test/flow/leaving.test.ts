/*
 * What streaming-iterables, IxJS, iter-tools and web streams do when a reader leaves, or a source is silent, and we must not:
 * sources left open, a `return` that waits behind a pull, one source of two starved, a branch that grows without bound.
 */
import {
  barrier,
  copy,
  count,
  each,
  expand,
  filter,
  flow,
  type Flow,
  map,
  merge,
  reduce,
  shard,
  split,
  values,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { failOnLeaks } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { reading, settled, source, taken, type Told, upTo } from './support.ts';

const warnings = recordWarnings();

/** Each operator over a flow of numbers, as a flow. */
const operators: Record<string, (of: Flow<number>) => Flow<unknown>> = {
  flow: (of) => flow(of),
  map: (of) => map(of, (n) => n, { concurrency: 3 }),
  'map unordered': (of) => map(of, (n) => n, { concurrency: 3, ordered: false }),
  filter: (of) => filter(of, () => true),
  expand: (of) => expand(of, (n) => [n, n]),
  'expand of generators': (of) =>
    expand(of, async function* (n) {
      yield n;
    }),
  copy: (of) => copy(of, ['a', 'b']).a,
  split: (of) => split(of, (n) => (n % 2 === 0 ? 'even' : 'odd'), ['even', 'odd']).even,
  shard: (of) => merge(...Object.values(shard(of, new Rendezvous(['a', 'b']), String))),
  merge: (of) => merge(of),
  barrier: (of) => barrier(of, { key: String, part: String, expect: () => 1, timeoutMs: 60_000 }),
  reduce: (of) => reduce(of, count(), { every: 1 }),
};
const names = Object.keys(operators);

const everySettled = ({ told, read }: Told): void => {
  expect(told.map((text) => text.slice(1)).sort()).toEqual(upTo(read).map(String).sort());
};

describe.each(names)('%s', (name) => {
  const operator = operators[name]!;

  it('closes its source when the loop is left, and gives back what nobody dealt with', async () => {
    const of = source(100);
    await failOnLeaks(async () => {
      for await (const delivery of operator(of.flow)) {
        await delivery.ack();
        break;
      }
      await settled();
    });
    expect(of.closed).toBe(1);
    everySettled(of);
  });

  it('closes its source when the loop throws', async () => {
    const of = source(100);
    const loop = async (): Promise<void> => {
      for await (const delivery of operator(of.flow)) {
        await delivery.nack('no');
        throw new Error('thrown');
      }
    };
    await expect(loop()).rejects.toMatchObject({ message: 'thrown' });
    await settled();
    expect(of.closed).toBe(1);
    everySettled(of);
  });

  it('is left at once while its source is silent: a generator would wait for it', async () => {
    const of = source(0, 'hangs');
    const iterator = operator(of.flow)[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await settled();
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await iterator.return!();
    expect(of.closed).toBe(1);
  });

  it('gives back what comes after it was left', async () => {
    let answer: (value: number) => void = () => undefined;
    const told: string[] = [];
    const late: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            answer = (value) => resolve({ done: false, value });
          }),
      }),
    };
    const iterator = operator(flow(late, { nack: (n) => told.push(`-${String(n)}`) }))[Symbol.asyncIterator]();
    void iterator.next();
    await settled();
    await iterator.return!();
    answer(7);
    await settled();
    expect(told).toEqual(['-7']);
    await warningsSettled();
    expect(warnings).toEqual([]); // a source need not have a `return`
  });

  it('serves a reader that asks for several at once', async () => {
    const of = source(3);
    const iterator = operator(of.flow)[Symbol.asyncIterator]();
    let done = 0;
    for (let asked = 0; asked < 8; asked++) void iterator.next().then((result) => (done += Number(result.done)));
    for (let i = 0; i < 20; i++) await settled();
    const given = name.startsWith('expand') ? (name === 'expand' ? 6 : 3) : name === 'split' ? 2 : 3;
    expect([of.read, done]).toEqual([3, 8 - given]);
  });

  it('throws what its source throws, after what came before it, and once', async () => {
    const of = source(name === 'barrier' ? 0 : 3, 'fails');
    const iterator = operator(of.flow)[Symbol.asyncIterator]();
    await expect(
      (async () => {
        for (let i = 0; i < 10; i++)
          await ((await iterator.next()) as IteratorYieldResult<{ ack(): Promise<void> }>).value.ack();
      })(),
    ).rejects.toMatchObject({ message: 'broken' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(of.closed).toBe(0); // it has ended
  });

  it('reads nothing before it is read', async () => {
    const of = source(3);
    operator(of.flow)[Symbol.asyncIterator]();
    await settled();
    expect(of.read).toBe(0);
  });

  it('reports what closing throws, and leaves all the same', async () => {
    const broken: Flow<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    };
    const iterator = operator(broken)[Symbol.asyncIterator]();
    void iterator.next();
    await settled();
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
    await settled();
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a source could not be closed: cannot close']);
  });
});

it.each([
  ['values', (of: Flow<number>) => reading(values(of) as never, 1)],
  ['each', (of: Flow<number>) => each(of, () => new Promise(() => undefined), { concurrency: 5 })],
])('%s reads no more than it works on', async (_, start) => {
  const of = source(100);
  void start(of.flow);
  for (let i = 0; i < 20; i++) await settled(); // on a loaded machine it takes a turn between two reads
  expect(of.read).toBe(_ === 'each' ? 5 : 1);
});

describe('read-ahead of one item taken', () => {
  it.each([
    ['map', 1],
    ['map unordered', 3],
    ['filter', 1],
    ['expand', 1],
    ['merge', 1],
    ['copy', 1],
    ['reduce', 1],
    ['barrier', 1],
  ])('%s: %d', async (name, most) => {
    const of = source(100);
    const operator = name === 'map' ? (flow: Flow<number>) => map(flow, (n) => n) : operators[name]!;
    await reading(operator(of.flow), 1);
    await settled();
    expect(of.read).toBeLessThanOrEqual(most);
  });
});

it('a branch of a web tee that is left hangs until the other one is; a branch of a copy is left at once', async () => {
  const of = source(10);
  const { a, b } = copy(of.flow, ['a', 'b']);
  const { iterator, read } = await reading(a, 3);
  expect(await iterator.return!()).toEqual({ done: true, value: undefined });
  for (const delivery of read) await delivery.ack();
  expect(await taken(b)).toEqual([]);
  await settled();
  expect(of.closed).toBe(1);
  everySettled(of);
});
