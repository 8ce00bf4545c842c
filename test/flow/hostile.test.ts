/*
 * Functions and listeners that leave the flow while it calls them, settlements that throw instead of rejecting, sources that
 * break the protocol: what a graph of well-behaved parts never does.
 */
import type { Runtime } from 'holdfast/core';
import {
  all,
  barrier,
  copy,
  type Delivery,
  each,
  expand,
  filter,
  flow,
  type Flow,
  FlowEvents,
  histogram,
  map,
  merge,
  type Monoid,
  reduce,
  sum,
  values,
} from 'holdfast/flow';
import { WorkQueue } from 'holdfast/queue';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { rejectionOf, steady } from '../support/serving.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { reading, settled, source, taken, upTo } from './support.ts';

const warnings = recordWarnings();

describe('a function that leaves the flow while it is called', () => {
  it.each<[string, (of: Flow<number>, leave: () => void, runtime: Runtime) => Flow<unknown>]>([
    ['filter', (of, leave) => filter(of, () => (leave(), true))],
    ['expand', (of, leave) => expand(of, (n) => (leave(), [n]))],
    [
      'expand, in the middle',
      (of, leave) =>
        expand(of, function* (n) {
          leave();
          yield n;
        }),
    ],
    ['map', (of, leave) => map(of, leave)],
    ['reduce', (of, leave) => reduce(of, { ...sum(), add: (a, b) => (leave(), a + b) })],
    [
      'barrier, key',
      (of, leave, runtime) =>
        barrier(of, {
          key: (n) => (leave(), String(n)),
          part: String,
          expect: () => 2,
          timeoutMs: 1_000,
          runtime,
        }),
    ],
    [
      'barrier, expect',
      (of, leave, runtime) =>
        barrier(of, {
          key: String,
          part: String,
          expect: () => (leave(), 2),
          timeoutMs: 1_000,
          runtime,
        }),
    ],
  ])('%s: has its delivery given back, and keeps no timer', async (_, operator) => {
    const clock = new VirtualClock();
    const of = source(5);
    const controller = new AbortController();
    const leave = (): void => {
      controller.abort('left');
    };
    const left = operator(of.flow, leave, steady(clock));
    const ending = rejectionOf(() =>
      each(left, () => undefined, { signal: controller.signal, runtime: steady(clock) }),
    );
    await clock.advance(0);
    expect(await ending).toBe('left');
    expect([of.told, of.closed, of.read]).toEqual([['-0'], 1, 1]);
    expect(clock.pending).toBe(0);
  });

  it('a closed expansion is closed too', async () => {
    const of = source(1);
    const children = source(5);
    const controller = new AbortController();
    const expanded = expand(of.flow, () => (controller.abort('left'), children.flow));
    expect(await rejectionOf(() => each(expanded, () => undefined, { signal: controller.signal }))).toBe('left');
    await settled();
    expect([children.read, children.closed, of.told]).toEqual([0, 1, ['-0']]);
  });
});

describe('copy, detach', () => {
  it('a listener that leaves a branch in the middle of a push does not stop the others', async () => {
    const of = source(6);
    const events = new FlowEvents();
    const { a, b, c } = copy(of.flow, ['a', 'b', 'c'], {
      detach: true,
      buffer: 2,
      branches: { a: { overflow: 'drop-newest' } },
      events,
    });
    events.on('dropped', ({ branch }) => branch === 'a' && b[Symbol.asyncIterator]().return!());
    const { read } = await reading(b, 2);
    expect(await taken(c)).toEqual(upTo(6));
    expect(await taken(a)).toEqual([0, 1]);
    for (const delivery of read) await delivery.ack();
    expect([...of.told].sort()).toEqual(upTo(6).map((n) => `+${String(n)}`));
  });

  it('the last branch that is left takes the timer of stalled along', async () => {
    const clock = new VirtualClock();
    const events = new FlowEvents();
    const stalls: unknown[] = [];
    events.on('stalled', (stall) => stalls.push(stall));
    const of = source(10);
    const { a, b } = copy(of.flow, ['a', 'b'], { detach: true, buffer: 1, events, runtime: steady(clock) });
    const { iterator, read } = await reading(a, 2);
    await iterator.return!();
    expect(clock.pending).toBe(1); // b holds one more than its buffer
    await b[Symbol.asyncIterator]().return!();
    expect(clock.pending).toBe(0);
    await clock.advance(100_000);
    expect(stalls).toEqual([]);
    for (const delivery of read) await delivery.ack();
    expect(of.told).toEqual(['+0', '+1']);
  });
});

describe('settlements that throw instead of rejecting', () => {
  /** Deliveries whose first settlement throws. */
  const throwing = (count: number) => {
    const told: string[] = [];
    let closed = 0;
    const settle = (how: string, n: number) => (): Promise<void> => {
      told.push(how + String(n));
      if (n === 0) throw new Error('thrown');
      return Promise.resolve();
    };
    const of: Flow<number> = {
      [Symbol.asyncIterator]: () => {
        let n = 0;
        return {
          next: async () => {
            if (n === count) return { done: true, value: undefined };
            const value = n++;
            const delivery: Delivery<number> = {
              value,
              id: String(value),
              attempt: 1,
              ack: settle('+', value),
              nack: settle('-', value),
            };
            return { done: false, value: delivery };
          },
          return: async () => {
            closed++;
            return { done: true, value: undefined };
          },
        };
      },
    };
    return { of, told, closed: () => closed };
  };
  const reported = async (): Promise<string[]> => {
    await warningsSettled();
    return warnings.map(({ message }) => message);
  };
  const report = 'holdfast: a delivery could not be settled: thrown';

  it('values: throws and closes its source', async () => {
    const { of, closed } = throwing(3);
    await expect(taken2(of)).rejects.toMatchObject({ message: 'thrown' });
    expect(closed()).toBe(1);
  });

  it('filter and expand go on', async () => {
    const filtered = throwing(3);
    expect(await taken(filter(filtered.of, (n) => n > 0))).toEqual([1, 2]);
    const refused = throwing(3);
    expect(await taken(filter(refused.of, (n) => (n === 0 ? (undefined as never) : true)))).toEqual([1, 2]);
    const expanded = throwing(3);
    expect(await taken(expand(expanded.of, (n) => (n === 0 ? [] : [n])))).toEqual([1, 2]);
    expect([filtered.told, refused.told, expanded.told]).toEqual([
      ['+0', '+1', '+2'],
      ['-0', '+1', '+2'],
      ['+0', '+1', '+2'],
    ]);
    expect(await reported()).toEqual([report, report, report]);
  });

  it('a result of several settles the others all the same', async () => {
    const { of, told } = throwing(3);
    const { read } = await reading(reduce(of, sum()), 1);
    await expect(read[0]!.ack()).rejects.toMatchObject({ message: 'thrown' });
    expect(told).toEqual(['+0', '+1', '+2']);
  });

  it('what is left is given back all the same', async () => {
    const { of, told, closed } = throwing(3);
    const iterator = reduce(merge(of), sum(), { every: 4, atEnd: 'nack' })[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(true);
    expect(told).toEqual(['-0', '-1', '-2']);
    expect(closed()).toBe(0);
    expect(await reported()).toEqual([report]);
  });
});

async function taken2(of: Flow<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const n of values(of)) seen.push(n);
  return seen;
}

it('a branch that is left before the error came out of it has none any more', async () => {
  const of = source(1, 'fails');
  const { a, b } = copy(of.flow, ['a', 'b']);
  await expect(taken(a)).rejects.toMatchObject({ message: 'broken' });
  const left = b[Symbol.asyncIterator]();
  await left.return!();
  expect(await left.next()).toEqual({ done: true, value: undefined });
  expect(of.told).toEqual(['-0']);
});

describe('values', () => {
  it('reports an acknowledgement that is lost when nobody waits for it any more', async () => {
    let reject: (error: Error) => void = () => undefined;
    const lost = new Promise<never>((_, no) => (reject = no));
    const of = source(3, 'ends', { ack: () => lost });
    const iterator = values(of.flow)[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    await settled();
    await iterator.return!();
    expect((await waiting).done).toBe(true);
    reject(new Error('lost'));
    await settled();
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a delivery could not be settled: lost']);
    expect([of.told, of.closed]).toEqual([[], 1]);
  });
});

describe('reduce', () => {
  it('of several monoids: a value that one cannot add is in none', async () => {
    const of = source(3);
    const picky: Monoid<number, number> = sum((n: number) => {
      if (n === 1) throw new Error('one');
      return n;
    });
    const monoid = all({ kinds: histogram((n: number) => String(n)), picky });
    expect(await taken(reduce(of.flow, monoid))).toEqual([
      {
        kinds: new Map([
          ['0', 1],
          ['2', 1],
        ]),
        picky: 2,
      },
    ]);
    expect(of.told).toEqual(['-1', '+0', '+2']);
  });

  it('a value whose result cannot say its size is not in it', async () => {
    const of = source(3);
    const size = (result: number): number => {
      if (result === 1) throw new Error('one');
      return 1;
    };
    expect(await taken(reduce(of.flow, { ...sum(), size }, { maxKeys: 5 }))).toEqual([2]);
    expect(of.told).toEqual(['-1', '+0', '+2']);
  });
});

describe('flow', () => {
  it('ends with an error when its source does not answer with a result', async () => {
    const broken = { [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) };
    await expect(taken(flow(broken))).rejects.toMatchObject({
      message: 'what a source answers must be an object, got undefined',
    });
  });

  it('renews nothing any more when a renewal has it all given back', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const of = source(3, 'hangs', {
      renew: {
        everyMs: 10,
        extend: () => {
          controller.abort('lease lost');
        },
      },
      runtime: steady(clock),
    });
    const waits = barrier(of.flow, {
      key: () => '',
      part: String,
      expect: () => 9,
      timeoutMs: 99,
      runtime: steady(clock),
    });
    const ending = rejectionOf(() =>
      each(waits, () => undefined, { signal: controller.signal, runtime: steady(clock) }),
    );
    await clock.advance(10);
    expect(await ending).toBe('lease lost');
    expect([of.told, clock.pending]).toEqual([['-0', '-1', '-2'], 0]);
  });

  it('of a queue: what is left goes back to it without a complaint', async () => {
    const queue = new WorkQueue<number>();
    for (const n of upTo(6)) await queue.add(n);
    const seen: number[] = [];
    for await (const n of values(map(queue.consume(), (n) => n, { concurrency: 2 }))) {
      seen.push(n);
      if (n === 2) break;
    }
    await settled();
    const again: number[] = [];
    for await (const n of values(queue.consume())) {
      again.push(n);
      if (again.length === 4) break;
    }
    await queue.close({ graceMs: 0 });
    await warningsSettled();
    expect([seen, again.sort(), warnings]).toEqual([[0, 1, 2], [2, 3, 4, 5], []]);
  });
});
