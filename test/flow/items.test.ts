import { Readable } from 'node:stream';
import { expand, filter, flow, FlowEvents, type Flow, map, values } from 'holdfast/flow';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { steady } from '../support/serving.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { reading, settled, source, taken, upTo } from './support.ts';

const warnings = recordWarnings();

describe('flow', () => {
  it('reads any iterable, synchronous or not, a string and a stream too', async () => {
    async function* asynchronous(): AsyncGenerator<number> {
      yield* [1, 2];
    }
    expect(await taken(flow([1, 2]))).toEqual([1, 2]);
    expect(await taken(flow(new Set([1, 2])))).toEqual([1, 2]);
    expect(await taken(flow('ab'))).toEqual(['a', 'b']);
    expect(await taken(flow(asynchronous()))).toEqual([1, 2]);
    expect(await taken(flow(Readable.from([1, 2])))).toEqual([1, 2]);
  });

  it('numbers what has no id of its own, anew in each reading', async () => {
    const of = flow(['a', 'b']);
    const aboutOf = async (): Promise<unknown[]> => (await reading(of, 2)).read.map(({ id, attempt }) => [id, attempt]);
    const numbered = [
      ['0', 1],
      ['1', 1],
    ];
    expect([await aboutOf(), await aboutOf()]).toEqual([numbered, numbered]);
    const named = flow(['a', 'b'], { id: (value, index) => value + String(index), attempt: () => 3 });
    expect((await reading(named, 2)).read.map(({ id, attempt }) => [id, attempt])).toEqual([
      ['a0', 3],
      ['b1', 3],
    ]);
  });

  it('tells the source once, whatever is called how often, and its answer is the acknowledgement’s', async () => {
    const told: string[] = [];
    const of = flow(['a', 'b', 'c'], {
      ack: async (value) => {
        told.push(`+${value}`);
        await settled();
        if (value === 'c') throw new Error('connection lost');
      },
      nack: (value, reason) => told.push(`-${value} ${String(reason)}`),
    });
    const { read } = await reading(of, 3);
    const [a, b, c] = read;
    await a!.ack();
    await a!.nack('no');
    await b!.nack('no');
    await b!.ack();
    await expect(c!.ack()).rejects.toMatchObject({ message: 'connection lost' });
    await c!.ack();
    expect(told).toEqual(['+a', '-b no', '+c']);
  });

  it('takes deliveries as they are, and lets each be settled once', async () => {
    const told: string[] = [];
    const settle = (how: string) => async (reason?: unknown) => void told.push(`${how} ${String(reason)}`);
    const delivery = { value: 1, id: 'x', attempt: 2, ack: settle('ack'), nack: settle('nack') };
    const of: Flow<number> = flow([delivery, delivery]);
    const { read } = await reading(of, 2);
    expect(read.map(({ value, id, attempt }) => [value, id, attempt])).toEqual([
      [1, 'x', 2],
      [1, 'x', 2],
    ]);
    await read[0]!.ack();
    await read[0]!.ack();
    await read[1]!.nack('no');
    await read[1]!.ack();
    expect(told).toEqual(['ack undefined', 'nack no']);
  });

  it('ends with what id or attempt throws, and gives the value back', async () => {
    const of = source(3, 'ends', {
      id: (value) => {
        if (value === 1) throw new Error('no id');
        return 'x';
      },
    });
    await expect(taken(of.flow)).rejects.toMatchObject({ message: 'no id' });
    expect([of.told, of.closed]).toEqual([['+0', '-1'], 1]);
  });

  it('destroys a stream that is silent: its own iterator would wait', async () => {
    const stream = new Readable({ objectMode: true, read: () => undefined });
    const iterator = flow(stream)[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await settled();
    await iterator.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await settled();
    expect(stream.destroyed).toBe(true);
  });

  it('passes on the error of a stream', async () => {
    const stream = new Readable({
      read() {
        this.destroy(new Error('reset'));
      },
    });
    await expect(taken(flow(stream))).rejects.toMatchObject({ message: 'reset' });
  });

  it('renews the lease of what is not settled, wherever it waits, and of nothing else', async () => {
    const clock = new VirtualClock();
    const renewed: string[] = [];
    const of = source(4, 'hangs', {
      renew: {
        everyMs: 10,
        extend: (value) => {
          renewed.push(`${String(value)}@${String(clock.now())}`);
          if (value === 1) throw new Error('too late');
        },
      },
      runtime: steady(clock),
    });
    const { read, iterator } = await reading(
      map(of.flow, (n) => n),
      2,
    );
    await clock.advance(15);
    expect(renewed).toEqual(['0@10', '1@10']);
    await read[0]!.ack();
    await reading(
      map({ [Symbol.asyncIterator]: () => iterator }, (n) => n),
      1,
    );
    await clock.advance(10);
    expect(renewed.slice(2)).toEqual(['1@20', '2@20']);
    await read[1]!.nack();
    await iterator.return!(); // the third is with its reader still
    await clock.advance(10);
    expect(renewed.slice(4)).toEqual(['2@30']);
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => 'holdfast: a delivery could not be settled: too late'),
    );
  });

  it('leaves no timer when all is settled', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      async ({ runtime }) => {
        expect(await taken(flow(upTo(3), { renew: { everyMs: 10, extend: () => undefined }, runtime }))).toEqual(
          upTo(3),
        );
      },
      { clock },
    );
    expect(clock.pending).toBe(0);
  });
});

describe('map', () => {
  it.each([true, false])(
    'an error of its source waits for a function that hangs; leaving does not (ordered: %s)',
    async (ordered) => {
      const of = source(3, 'fails');
      const mapped = map(of.flow, (n) => (n === 1 ? new Promise<number>(() => undefined) : n), {
        concurrency: 4,
        ordered,
      });
      const { iterator, read } = await reading(mapped, ordered ? 1 : 2);
      const waiting = iterator.next();
      for (let i = 0; i < 5; i++) await settled();
      let ended = false;
      void waiting.finally(() => (ended = true));
      await settled();
      expect(ended).toBe(false);
      await iterator.return!();
      expect(await waiting).toEqual({ done: true, value: undefined });
      for (const delivery of read) await delivery.ack();
      expect([...of.told].sort()).toEqual(ordered ? ['+0', '-1', '-2'] : ['+0', '+2', '-1']);
    },
  );

  it('keeps the order and works on so many at a time', async () => {
    const clock = new VirtualClock();
    let [now, most] = [0, 0];
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, ++now);
      await clock.sleep((7 * n) % 5);
      now--;
      return 10 * n;
    };
    const of = source(20);
    const taking = taken(map(of.flow, work, { concurrency: 4 }));
    await clock.runUntilIdle();
    expect(await taking).toEqual(upTo(20).map((n) => 10 * n));
    expect([most, of.told]).toEqual([4, upTo(20).map((n) => `+${String(n)}`)]);
  });

  it('unordered: gives what is done first', async () => {
    const clock = new VirtualClock();
    const work = async (n: number): Promise<number> => {
      await clock.sleep([9, 2, 5][n]!);
      return n;
    };
    const taking = taken(map(source(3).flow, work, { concurrency: 3, ordered: false }));
    await clock.runUntilIdle();
    expect(await taking).toEqual([1, 2, 0]);
  });

  it('nacks what its function throws on, tells of it and goes on', async () => {
    const of = source(4);
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', (event) => failed.push(event));
    const error = new Error('odd');
    const half = (n: number): number => {
      if (n % 2 === 1) throw error;
      return n / 2;
    };
    expect(await taken(map(of.flow, half, { events }))).toEqual([0, 1]);
    expect(of.told).toEqual(['+0', '-1', '+2', '-3']);
    expect(of.reasons).toEqual([error, error]);
    expect(failed).toEqual(['1', '3'].map((id) => ({ operator: 'map', id, error })));
  });

  it('hands over the id and the attempt, and a signal that aborts when it is left', async () => {
    const seen: unknown[] = [];
    const signals: AbortSignal[] = [];
    const of = source(3, 'ends', { id: (n) => `n${String(n)}`, attempt: () => 2 });
    const work = (
      n: number,
      { id, attempt, signal }: { id: string; attempt: number; signal: AbortSignal },
    ): unknown => {
      seen.push([n, id, attempt, signal.aborted]);
      signals.push(signal);
      return n === 0 ? n : new Promise(() => undefined);
    };
    const { iterator } = await reading(map(of.flow, work, { concurrency: 2 }), 1);
    void iterator.next();
    await settled();
    await iterator.return!();
    expect(seen).toEqual([
      [0, 'n0', 2, false],
      [1, 'n1', 2, false],
      [2, 'n2', 2, false],
    ]);
    expect(signals[2]!.aborted).toBe(true);
    expect(new Set(signals).size).toBe(1);
    expect(of.told).toEqual(['-1', '-2']);
  });
});

describe('filter', () => {
  it('acknowledges what it drops, and narrows the type', async () => {
    const of = source(5);
    const even = (n: number): n is 0 | 2 | 4 => n % 2 === 0;
    const narrow = filter(of.flow, even);
    expectTypeOf(narrow).toEqualTypeOf<Flow<0 | 2 | 4>>();
    const { read } = await reading(narrow, 3);
    expect(read.map(({ value }) => value)).toEqual([0, 2, 4]);
    expect(of.told).toEqual(['+1', '+3']);
  });

  it('nacks what its test throws on, and a test that does not say yes or no', async () => {
    const of = source(3);
    const test = (n: number): boolean => {
      if (n === 0) throw new Error('zero');
      return n === 1 ? true : (Promise.resolve(false) as never);
    };
    expect(await taken(filter(of.flow, test))).toEqual([1]);
    expect(of.told).toEqual(['-0', '+1', '-2']);
    expect((of.reasons[1] as Error).message).toBe('what the test returns must be a boolean, got a Promise');
  });

  it('reports what an acknowledgement that nobody waits for rejects with', async () => {
    const of = source(2, 'ends', { ack: () => Promise.reject(new Error('lost')) });
    expect(await taken(filter(of.flow, () => false))).toEqual([]);
    await settled();
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => 'holdfast: a delivery could not be settled: lost'),
    );
  });
});

describe('expand', () => {
  it('acknowledges the parent when all children are and nothing more comes of it', async () => {
    const of = source(3);
    const { read, iterator } = await reading(
      expand(of.flow, (n) => upTo(n).map((i) => 10 * n + i)),
      3,
    );
    expect(read.map(({ id, value }) => [id, value])).toEqual([
      ['1/0', 10],
      ['2/0', 20],
      ['2/1', 21],
    ]);
    expect(of.told).toEqual(['+0']); // no children
    await read[1]!.ack();
    await read[2]!.ack();
    expect(of.told).toEqual(['+0']); // there may be a third
    const last = iterator.next();
    await settled();
    expect(of.told).toEqual(['+0', '+2']);
    await read[0]!.ack();
    expect([(await last).done, of.told]).toEqual([true, ['+0', '+2', '+1']]);
  });

  it('nacks the parent with the first child that is, once', async () => {
    const of = source(1);
    const { read } = await reading(
      expand(of.flow, () => ['a', 'b', 'c']),
      3,
    );
    await read[1]!.nack('b');
    await read[0]!.nack('a');
    await read[2]!.ack();
    expect([of.told, of.reasons]).toEqual([['-0'], ['b']]);
  });

  it('nacks the parent of an expansion that throws, before or in the middle, and goes on', async () => {
    const of = source(4);
    function* half(): Generator<string> {
      yield 'half';
      throw new Error('broken off');
    }
    const work = (n: number): Iterable<string> => {
      if (n === 0) throw new Error('none');
      if (n === 1) return half();
      return n === 2 ? (5 as never) : ['whole'];
    };
    expect(await taken(expand(of.flow, work))).toEqual(['half', 'whole']);
    expect([...of.told].sort()).toEqual(['+3', '-0', '-1', '-2']);
    expect(of.reasons.map((reason) => (reason as Error).message)).toEqual([
      'none',
      'broken off',
      'what is expanded must be an iterable or an async iterable, got 5',
    ]);
  });

  it('is lazy, and closes the expansion when it is left', async () => {
    let [read, closed] = [0, 0];
    function* endless(): Generator<number> {
      try {
        for (;;) yield read++;
      } finally {
        closed++;
      }
    }
    const of = source(1);
    const { iterator } = await reading(expand(of.flow, endless), 3);
    await settled();
    expect(read).toBe(3);
    await iterator.return!();
    await settled();
    expect([closed, of.told]).toEqual([1, ['-0']]);
  });
});

it('a chain passes the values and the settlements through', async () => {
  const of = source(4);
  const seen: string[] = [];
  for await (const text of values(
    map(
      filter(of.flow, (n) => n > 0),
      String,
    ),
  ))
    seen.push(text);
  expect([seen, of.told]).toEqual([
    ['1', '2', '3'],
    ['+0', '+1', '+2', '+3'],
  ]);
});
