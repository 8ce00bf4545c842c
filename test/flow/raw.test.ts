/*
 * Deliveries and sources that do not forgive: a delivery that notes each settlement, a source that notes each `return`. What
 * `flow` makes settles once whatever is called, so that behind it nobody would notice.
 */
import {
  barrier,
  type Delivery,
  each,
  expand,
  filter,
  flow,
  type Flow,
  FlowEvents,
  map,
  merge,
  reduce,
  sum,
  values,
} from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { steady } from '../support/serving.ts';
import { reading, readUntil, settled, taken } from './support.ts';

interface Raw {
  readonly flow: Flow<number>;
  /** Each settlement of each delivery. */
  readonly told: string[];
  closed: number;
  /** Of a source that hangs: it answers after all. */
  answer: () => void;
}

function raw(length: number, then: 'ends' | 'hangs' | 'fails' = 'ends'): Raw {
  const settle = (how: string) => async (): Promise<void> => void raw.told.push(how);
  const deliveryOf = (value: number): IteratorYieldResult<Delivery<number>> => {
    const id = String(value);
    return { done: false, value: { value, id, attempt: 1, ack: settle(`+${id}`), nack: settle(`-${id}`) } };
  };
  let read = 0;
  const raw: Raw = {
    flow: {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (read < length) return deliveryOf(read++);
          if (then === 'fails') throw new Error('broken');
          if (then === 'ends') return { done: true, value: undefined };
          return await new Promise((resolve) => {
            raw.answer = () => resolve(deliveryOf(read));
          });
        },
        return: async () => {
          raw.closed++;
          return { done: true, value: undefined };
        },
      }),
    },
    told: [],
    closed: 0,
    answer: () => undefined,
  };
  return raw;
}

const outcomeOf = (running: Promise<unknown>): Promise<unknown> =>
  running.then(
    () => 'end',
    (error: unknown) => (error as Error | undefined)?.message,
  );

describe('a source that has ended by itself is not told that it is left, as by a loop', () => {
  it.each<[string, (of: Flow<number>) => Promise<unknown>]>([
    ['each', (of) => each(of, () => undefined)],
    ['values', (of) => readUntil(values(of))],
    ['map', (of) => taken(map(of, (n) => n))],
    ['merge', (of) => taken(merge(of))],
    ['reduce', (of) => taken(reduce(of, sum()))],
  ])('%s', async (_, run) => {
    for (const [then, expected] of [
      ['ends', 'end'],
      ['fails', 'broken'],
    ] as const) {
      const of = raw(2, then);
      expect(await outcomeOf(run(of.flow))).toBe(expected);
      await settled();
      expect(of.closed).toBe(0);
    }
  });
});

describe('what comes after an operator was left is given back, and its function does not see it', () => {
  it.each<[string, (of: Flow<number>, fn: (n: number) => number) => Flow<unknown>]>([
    ['map', (of, fn) => map(of, fn)],
    ['filter', (of, fn) => filter(of, (n) => fn(n) === n)],
    ['expand', (of, fn) => expand(of, (n) => [fn(n)])],
    ['reduce', (of, fn) => reduce(of, { ...sum(), add: (_, n) => fn(n) })],
    [
      'barrier',
      (of, fn) => barrier(of, { key: (n) => String(fn(n)), part: String, expect: () => 1, timeoutMs: 1_000 }),
    ],
  ])('%s', async (_, operator) => {
    const of = raw(0, 'hangs');
    const seen: number[] = [];
    const iterator = operator(of.flow, (n) => (seen.push(n), n))[Symbol.asyncIterator]();
    void iterator.next();
    await settled();
    await iterator.return!();
    await iterator.return!();
    of.answer();
    await settled();
    expect([seen, of.told, of.closed]).toEqual([[], ['-0'], 1]);
  });
});

describe('map', () => {
  it('what it has refused, and waits for its place, is not given back once more', async () => {
    const of = raw(3, 'hangs');
    const work = async (n: number): Promise<number> => {
      if (n === 0) await new Promise(() => undefined);
      if (n === 1) throw new Error('one');
      return n;
    };
    const iterator = map(of.flow, work, { concurrency: 3 })[Symbol.asyncIterator]();
    void iterator.next();
    await settled();
    expect(of.told).toEqual(['-1']);
    await iterator.return!();
    expect(of.told).toEqual(['-1', '-0', '-2']);
  });

  it('what fails after it was given back is not told of, nor settled again', async () => {
    const of = raw(1, 'hangs');
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', (event) => failed.push(event));
    const work = (_: number, { signal }: { readonly signal: AbortSignal }): Promise<number> =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    const iterator = map(of.flow, work, { events })[Symbol.asyncIterator]();
    void iterator.next();
    await settled();
    await iterator.return!();
    await settled();
    expect([of.told, failed]).toEqual([['-0'], []]);
  });

  it.each([true, false])('an error of its source comes after what was under way (ordered: %s)', async (ordered) => {
    const clock = new VirtualClock();
    const of = raw(2, 'fails');
    const seen: string[] = [];
    const work = async (n: number): Promise<number> => {
      await clock.sleep(100 - n);
      return n;
    };
    const reader = async (): Promise<void> => {
      const mapped = map(of.flow, work, { concurrency: 3, ordered, runtime: steady(clock) });
      for await (const { value } of mapped) seen.push(String(value));
    };
    const ending = outcomeOf(reader());
    await clock.runUntilIdle();
    expect([await ending, seen]).toEqual(['broken', ordered ? ['0', '1'] : ['1', '0']]);
  });
});

describe('flow', () => {
  it('a settlement that it does not tell its source of does nothing, and nothing goes wrong', async () => {
    const only = {
      ack: flow(['a'], { nack: () => Promise.reject(new Error('lost')) }),
      nack: flow(['a'], { ack: () => 1 }),
    };
    for (const how of ['ack', 'nack'] as const) {
      const { read } = await reading(only[how], 1);
      await expect(read[0]![how]()).resolves.toBe(undefined);
    }
    const { read } = await reading(only.ack, 1);
    await expect(read[0]!.nack('no')).rejects.toMatchObject({ message: 'lost' });
  });

  it('what comes after it was left and has no id ends nothing any more', async () => {
    let answer: (value: number) => void = () => undefined;
    const late: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            answer = (value) => resolve({ done: false, value });
          }),
      }),
    };
    const told: string[] = [];
    const id = (): string => {
      throw new Error('no id');
    };
    const iterator = flow(late, { id, nack: (n) => told.push(`-${String(n)}`) })[Symbol.asyncIterator]();
    void iterator.next();
    await iterator.return!();
    answer(7);
    await settled();
    expect([await iterator.next(), told]).toEqual([{ done: true, value: undefined }, ['-7']]);
  });
});
