import fc from 'fast-check';
import { mergeSorted, type SortedStream } from 'holdfast/scatter';
import { failOnLeaks } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';
import { bad, catchWarnings, expectInvalid, rejectionOf, thrownBy } from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Item {
  readonly key: number;
  readonly stream: number;
  readonly place: number;
}

const byKey = (a: Item, b: Item): number => a.key - b.key;

const streams: fc.Arbitrary<Item[][]> = fc
  .array(fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 12 }), { maxLength: 9 })
  .map((all) => all.map((keys, stream) => keys.sort((a, b) => a - b).map((key, place) => ({ key, stream, place }))));

/** A stream that counts what is read of it, and whether it was closed. */
class Counted implements AsyncIterable<Item> {
  read = 0;
  closed = 0;
  ended = false;
  readonly #items: readonly Item[];
  readonly #failAt: number;

  constructor(items: readonly Item[], failAt = Infinity) {
    this.#items = items;
    this.#failAt = failAt;
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: async () => {
        if (this.read === this.#failAt) {
          this.ended = true;
          throw new Error('cut off');
        }
        const value = this.#items[this.read++];
        if (value !== undefined) return { done: false, value };
        this.ended = true;
        return { done: true, value: undefined };
      },
      return: async () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}

async function collect<T>(merged: AsyncIterable<T>, most = Infinity): Promise<T[]> {
  const items: T[] = [];
  if (most === 0) return items;
  for await (const item of merged) if (items.push(item) === most) break;
  return items;
}

describe('mergeSorted', () => {
  it('gives everything, sorted, equals in the order of the streams', async () => {
    await fc.assert(
      fc.asyncProperty(streams, fc.array(fc.boolean(), { maxLength: 9 }), async (all, sync) => {
        const sources = all.map((items, i): SortedStream<Item> => (sync[i] === true ? items : new Counted(items)));
        // A stable sort of the streams one behind the other.
        expect(await collect(mergeSorted(sources, byKey))).toEqual(all.flat().sort(byKey));
      }),
      { numRuns: runs(3) },
    );
  });

  it('reads a string, and whatever says by any true value that it is done', async () => {
    const byText = (a: string, b: string): number => (a < b ? -1 : 1);
    let read = 0;
    const loose: Iterable<string> = {
      [Symbol.iterator]: () => ({ next: () => bad(read++ < 1 ? { value: 'c' } : { done: 1 }) }),
    };
    const unset: Iterable<string> = Object.assign(['b'], { [Symbol.asyncIterator]: undefined });
    expect(await collect(mergeSorted(['ad', loose, unset], byText), 9)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('reads no more than one element of each stream beyond what it gave, and closes all that have not ended', async () => {
    const ends = fc.record({
      all: streams,
      most: fc.integer({ min: 0, max: 20 }),
      failing: fc.integer({ min: 0, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(ends, async ({ all, most, failing }) => {
        const sources = all.map((items, i) => new Counted(items, i === 0 && failing < 6 ? failing : Infinity));
        const merged = mergeSorted(sources, byKey);
        expect(sources.every(({ read }) => read === 0)).toBe(true);
        const given = await failOnLeaks(() => collect(merged, most).catch(() => undefined));
        for (const [i, { read, ended, closed }] of sources.entries()) {
          const taken = given?.filter(({ stream }) => stream === i).length ?? 12;
          expect(read).toBeLessThanOrEqual(taken + 1);
          expect(closed).toBe(most === 0 || ended ? 0 : 1);
        }
        if (given !== undefined) expect(given).toEqual(all.flat().sort(byKey).slice(0, most));
      }),
      { numRuns: runs(3) },
    );
  });

  it('throws what a stream or the comparison throws', async () => {
    const cut = new Counted([{ key: 1, stream: 0, place: 0 }], 1);
    const other = new Counted([{ key: 2, stream: 1, place: 0 }]);
    expect(await rejectionOf(() => collect(mergeSorted([cut, other], byKey)))).toMatchObject({ message: 'cut off' });
    expect(other.closed).toBe(1);

    const both = [new Counted([{ key: 1, stream: 0, place: 0 }]), new Counted([{ key: 2, stream: 1, place: 0 }])];
    const compare = (): number => {
      throw new Error('no order');
    };
    expect(await rejectionOf(() => collect(mergeSorted(both, compare)))).toMatchObject({ message: 'no order' });
    expect(both.map(({ closed }) => closed)).toEqual([1, 1]);
  });

  it('tells a stream that never answers, and does not wait for it, when another fails', async () => {
    let told = 0;
    const hanging: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          told++;
          return new Promise(() => undefined);
        },
      }),
    };
    function* failing(): Generator<number> {
      yield* [];
      throw new Error('down');
    }
    expect(await rejectionOf(() => collect(mergeSorted([hanging, failing()], (a, b) => a - b)))).toMatchObject({
      message: 'down',
    });
    expect(told).toBe(1);
  });

  /** A stream of one element that counts how often it was closed, and never says that it is. */
  function stuck(value: number, next: 'ends' | 'hangs' = 'ends') {
    const closed = { times: 0 };
    let read = 0;
    const stream: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (read++ > 0 && next === 'hangs') await new Promise(() => undefined);
          return read > 1 ? { done: true, value: undefined } : { done: false, value };
        },
        return: () => {
          closed.times++;
          return new Promise(() => undefined);
        },
      }),
    };
    return { stream, closed };
  }
  const byValue = (a: number, b: number): number => a - b;
  const cut = async function* (): AsyncGenerator<number> {
    yield 0;
    throw new Error('cut off');
  };

  it('closes every stream and waits for none: when the loop is left, a stream fails or the comparison does', async () => {
    const endings: readonly [string, (streams: SortedStream<number>[]) => Promise<unknown>][] = [
      ['left', (streams) => collect(mergeSorted(streams, byValue), 1)],
      ['failed', (streams) => rejectionOf(() => collect(mergeSorted([cut(), ...streams], byValue)))],
      [
        'no order',
        (streams) =>
          rejectionOf(() =>
            collect(
              mergeSorted(streams, () => {
                throw new Error('no order');
              }),
            ),
          ),
      ],
    ];
    for (const [how, end] of endings) {
      const sources = [stuck(1), stuck(2), stuck(3)];
      await end(sources.map(({ stream }) => stream));
      expect([how, ...sources.map(({ closed }) => closed.times)]).toEqual([how, 1, 1, 1]);
    }
  });

  it('is left at once while a stream is silent, also when it is a stream of another merge', async () => {
    const silent = stuck(1, 'hangs');
    const other = stuck(2);
    let compared = 0;
    const compare = (a: number, b: number): number => (compared++, a - b);
    const merged = mergeSorted([silent.stream, other.stream, [3]], compare)[Symbol.asyncIterator]();
    expect(await merged.next()).toEqual({ done: false, value: 1 });
    compared = 0;
    const waiting = merged.next();
    expect(await merged.return!()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await merged.next()).toEqual({ done: true, value: undefined });
    await merged.return!();
    expect([silent.closed.times, other.closed.times]).toEqual([1, 1]);
    expect(compared).toBe(0);

    let told = 0;
    const inner: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          told++;
          return new Promise(() => undefined);
        },
      }),
    };
    const broken: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('down')) }),
    };
    const nested = mergeSorted([mergeSorted([inner], byValue), broken], byValue);
    expect(await rejectionOf(() => collect(nested))).toMatchObject({ message: 'down' });
    await Promise.resolve();
    expect(told).toBe(1);
  });

  it('is left at once from inside of a stream that then stays silent', async () => {
    for (const silentFrom of [1, 2]) {
      let read = 0;
      const leaving: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            if (++read < silentFrom) return { done: false, value: read };
            left = merged.return!();
            return await new Promise(() => undefined);
          },
        }),
      };
      const merged = mergeSorted([leaving], byValue)[Symbol.asyncIterator]();
      let left: Promise<unknown> | undefined;
      let last = await merged.next();
      while (last.done !== true) last = await merged.next();
      expect(await left).toEqual({ done: true, value: undefined });
      expect(read).toBe(silentFrom);
    }
  });

  it('that is left from inside of a stream gives nothing more, whatever the others have', async () => {
    let read = 0;
    const leaving: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next: () => {
          if (read++ > 0) void merged.return!();
          return { done: false, value: read };
        },
      }),
    };
    const merged = mergeSorted([leaving, [5]], byValue)[Symbol.asyncIterator]();
    expect(await merged.next()).toEqual({ done: false, value: 1 });
    expect(await merged.next()).toEqual({ done: true, value: undefined });
  });

  it('that is left does not mind streams that cannot be closed', async () => {
    const warnings = catchWarnings();
    expect(await collect(mergeSorted([[1, 2], [3]], byValue), 1)).toEqual([1]);
    await Promise.resolve();
    expect(warnings).toEqual([]);
  });

  it('that is left before it is read reads and closes nothing', async () => {
    const source = stuck(1);
    const merged = mergeSorted([source.stream], byValue)[Symbol.asyncIterator]();
    expect(await merged.return!()).toEqual({ done: true, value: undefined });
    expect(await merged.next()).toEqual({ done: true, value: undefined });
    expect(source.closed.times).toBe(0);
  });

  it('closes once a stream that answers when it was told', async () => {
    let answer: (result: IteratorResult<number>) => void = () => undefined;
    let closed = 0;
    const slow: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => (answer = resolve)),
        return: async () => {
          closed++;
          return { done: true, value: undefined };
        },
      }),
    };
    const merged = mergeSorted([slow], byValue)[Symbol.asyncIterator]();
    const waiting = merged.next();
    await merged.return!();
    answer({ done: false, value: 5 });
    expect(await waiting).toEqual({ done: true, value: undefined });
    await Promise.resolve();
    expect(closed).toBe(1);
  });

  it('survives a late failure of a stream that was told, and reports what closing throws', async () => {
    const warnings = catchWarnings();
    let fail: (error: Error) => void = () => undefined;
    const late: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>((_, reject) => (fail = reject)),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    };
    const broken: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('down')) }),
    };
    await failOnLeaks(async () => {
      await rejectionOf(() => collect(mergeSorted([late, broken], (a, b) => a - b)));
      fail(new Error('much too late'));
      await Promise.resolve();
    });
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a merged stream could not be closed: cannot close',
    ]);
  });

  it('takes NaN for equal, and streams that are not sorted as they come', async () => {
    expect(await collect(mergeSorted([[1, 2], [3]], () => Number.NaN))).toEqual([1, 2, 3]);
    expect(await collect(mergeSorted([[5, 1], [3]], (a, b) => a - b))).toEqual([3, 5, 1]);
    expect(await collect(mergeSorted([], byKey))).toEqual([]);
  });

  it.each<[unknown, unknown, string]>([
    [5, byKey, 'streams must be an array or another iterable, got 5'],
    [[[1], 5], byKey, 'a stream must be an iterable or an async iterable, got 5'],
    [[[1], null], byKey, 'a stream must be an iterable or an async iterable, got null'],
    [[undefined], byKey, 'a stream must be an iterable or an async iterable, got undefined'],
    [[], undefined, 'compare must be a function, got undefined'],
  ])('refuses %j, %s', (sources, compare, message) => {
    expectInvalid(
      thrownBy(() => mergeSorted(bad(sources), bad(compare))),
      message,
    );
  });
});
