import fc from 'fast-check';
import { all, count, FlowEvents, histogram, type Monoid, reduce, sum } from 'holdfast/flow';
import { monoidLaws } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { reading, settled, source, taken, upTo } from './support.ts';

const union: Monoid<number, number[]> = {
  empty: () => [],
  add: (result, value) => [...result, value],
  merge: (one, other) => [...one, ...other],
  size: (result) => new Set(result.map((value) => value % 4)).size,
};
const sorted = (one: number[], other: number[]): boolean => one.toSorted().join() === other.toSorted().join();

describe('the monoids', () => {
  it('keep the laws: every order and every bracketing', () => {
    const kinds = histogram((n: number) => String(n % 3));
    const weighted = histogram(
      (n: number) => String(n % 3),
      (n) => n,
    );
    monoidLaws(count(), ['a', undefined, 3]);
    monoidLaws(sum(), [0, 1, -7, 2 ** 40]);
    monoidLaws(
      sum(({ n }: { n: number }) => n),
      [{ n: 1 }, { n: 0 }],
    );
    monoidLaws(kinds, upTo(7));
    monoidLaws(weighted, upTo(7));
    monoidLaws(all({ n: count(), s: sum(), kinds, both: all({ kinds, weighted }) }), upTo(7));
    monoidLaws(union, upTo(5), { same: sorted });
  });

  it('say how many keys they have', () => {
    const kinds = histogram((n: number) => String(n));
    const monoid = all({ kinds, more: kinds, n: count() });
    expect(monoid.size!(upTo(5).reduce((result, n) => monoid.add(result, n), monoid.empty()))).toBe(10);
  });
});

describe('monoidLaws', () => {
  const plain = { empty: () => 0, add: (a: number, v: number) => a + v, merge: (a: number, b: number) => a + b };
  it.each<[string, Monoid<number, never>, string | RegExp]>([
    ['an order', { ...plain, add: (a: number, v: number) => 2 * a + v } as never, /the order of the values/],
    [
      'another bracketing',
      { ...plain, merge: (a: number, b: number) => (a === 0 || b === 0 ? a + b : (a + b) / 2) } as never,
      /pieces/,
    ],
    ['an empty that counts', { ...plain, empty: () => 1 } as never, /adds something/],
    ['a merge that loses the right', { ...plain, merge: (a: number) => a } as never, /pieces|adds something/],
    [
      'a changed second argument',
      {
        empty: () => new Map(),
        add: (a: Map<number, number>, v: number) => a.set(v, (a.get(v) ?? 0) + 1),
        merge: (a: Map<number, number>, b: Map<number, number>) => {
          for (const [key, n] of a) b.set(key, (b.get(key) ?? 0) + n);
          return b;
        },
      } as never,
      'merge changes its second argument',
    ],
  ])('finds %s', (_, monoid, message) => {
    expect(() => monoidLaws(monoid, [1, 2, 3] as never)).toThrow(message);
  });

  it('finds an empty() that is shared', () => {
    const shared = new Set<number>();
    const monoid: Monoid<number, Set<number>> = {
      empty: () => shared,
      add: (a, v) => a.add(v),
      merge: (a, b) => {
        for (const v of b) a.add(v);
        return a;
      },
    };
    expect(() => monoidLaws(monoid, [1, 2])).toThrow('empty() is not its own each time');
  });

  it('refuses what is not to be tried', () => {
    expect(() => monoidLaws(sum(), [])).toThrow('values must be an array of one or more values, got an array of 0');
    expect(() => monoidLaws({} as never, [1])).toThrow('monoid must be a monoid, got an object');
    expect(() => monoidLaws(sum(), [1], { numRuns: 0 })).toThrow('numRuns must be an integer >= 1, got 0');
  });
});

describe('reduce', () => {
  it('is the same for every order and every size of pieces', async () => {
    const monoid = all({ n: count(), s: sum(), kinds: histogram((n: number) => String(n % 5)) });
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 12 }), fc.nat(6), async (length, every, maxKeys) => {
        const of = source(length);
        const options = { every, ...(maxKeys > 0 && { maxKeys }) };
        const partials = await taken(reduce(of.flow, monoid, options));
        const whole = partials.reduce((one, other) => monoid.merge(one, other), monoid.empty());
        expect(whole).toEqual(upTo(length).reduce((result, n) => monoid.add(result, n), monoid.empty()));
        for (const { n, kinds } of partials) {
          expect(n).toBeLessThanOrEqual(every);
          if (maxKeys > 0) expect(kinds.size).toBeLessThanOrEqual(maxKeys);
        }
        if (maxKeys === 0) expect(partials.length).toBe(Math.ceil(length / every));
        expect(of.told).toEqual(upTo(length).map((n) => `+${String(n)}`));
      }),
    );
  });

  it('holds its inputs until the result is settled', async () => {
    const of = source(5);
    const { read, iterator } = await reading(reduce(of.flow, count(), { every: 2 }), 2);
    expect(read.map(({ id, value }) => [id, value])).toEqual([
      ['0+2', 2],
      ['2+2', 2],
    ]);
    expect(of.told).toEqual([]);
    await read[1]!.ack();
    await read[0]!.nack('full disk');
    expect(of.told).toEqual(['+2', '+3', '-0', '-1']);
    const last = (await iterator.next()) as IteratorYieldResult<(typeof read)[0]>;
    expect(last.value.value).toBe(1);
    await last.value.ack();
    expect([await iterator.next(), of.told.at(-1)]).toEqual([{ done: true, value: undefined }, '+4']);
  });

  it('nacks the rest at the end when it is told to, when its source fails and when it is left', async () => {
    const nacking = source(5);
    expect(await taken(reduce(nacking.flow, count(), { every: 2, atEnd: 'nack' }))).toEqual([2, 2]);
    expect(nacking.told).toEqual(['+0', '+1', '+2', '+3', '-4']);

    const failing = source(3, 'fails');
    await expect(taken(reduce(failing.flow, count()))).rejects.toMatchObject({ message: 'broken' });
    expect(failing.told).toEqual(['-0', '-1', '-2']);

    const hanging = source(3, 'hangs');
    const iterator = reduce(hanging.flow, count())[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await settled();
    await iterator.return!();
    expect([(await waiting).done, hanging.told]).toEqual([true, ['-0', '-1', '-2']]);
  });

  it('nacks a value that cannot be added, and goes on without it', async () => {
    const of = source(4);
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', ({ operator, id }) => failed.push([operator, id]));
    const picky: Monoid<number, number> = {
      ...sum(),
      add: (result, n) => {
        if (n === 2) throw new Error('two');
        return result + n;
      },
    };
    expect(await taken(reduce(of.flow, picky, { events }))).toEqual([4]);
    expect([of.told, failed]).toEqual([['-2', '+0', '+1', '+3'], [['reduce', '2']]]);
  });

  it('of nothing is nothing', async () => {
    expect(await taken(reduce(source(0).flow, count()))).toEqual([]);
  });
});
