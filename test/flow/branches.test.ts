import fc from 'fast-check';
import {
  copy,
  type CopyOptions,
  each,
  flow,
  FlowEvents,
  isBufferFull,
  isNoRoute,
  merge,
  shard,
  split,
  values,
} from 'holdfast/flow';
import { HashRing, Maglev, Rendezvous } from 'holdfast/hashing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { rejectionOf, steady } from '../support/serving.ts';
import { reading, settled, source, taken, upTo } from './support.ts';

describe('copy', () => {
  it('gives every branch the same sequence, whatever the buffers and who reads when', async () => {
    const plans = fc.record({
      length: fc.nat(40),
      buffers: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      pauses: fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }),
      end: fc.constantFrom('ends' as const, 'fails' as const),
    });
    await fc.assert(
      fc.asyncProperty(plans, async ({ length, buffers, pauses, end }) => {
        const clock = new VirtualClock();
        const names = buffers.map((_, i) => `b${String(i)}`);
        const branches = Object.fromEntries(buffers.map((buffer, i) => [names[i]!, { buffer }]));
        const of = source(length, end);
        const copies = copy(of.flow, names, { branches, runtime: steady(clock) });
        const read = async (name: string, i: number): Promise<unknown[]> => {
          const seen: unknown[] = [];
          try {
            for await (const delivery of copies[name]!) {
              await clock.sleep(pauses[(seen.length + i) % pauses.length]!);
              seen.push(delivery.value);
              await delivery.ack();
            }
          } catch (error) {
            seen.push((error as Error).message);
          }
          return seen;
        };
        const reads = Promise.all(names.map(read));
        await clock.runUntilIdle();
        const expected = [...upTo(length), ...(end === 'fails' ? ['broken'] : [])];
        for (const seen of await reads) expect(seen).toEqual(expected);
        expect(of.told).toEqual(upTo(length).map((n) => `+${String(n)}`));
      }),
    );
  });

  it('acknowledges when all branches have, and nacks with the first that does, once', async () => {
    const of = source(3);
    const { a, b } = copy(of.flow, ['a', 'b']);
    const { read: ofA } = await reading(a, 3);
    const { read: ofB } = await reading(b, 3);
    await ofA[0]!.ack();
    await ofA[0]!.ack();
    await ofA[0]!.nack('too late');
    expect(of.told).toEqual([]);
    await ofB[0]!.ack();
    expect(of.told).toEqual(['+0']);
    await ofB[1]!.nack('first');
    await ofA[1]!.nack('second');
    await ofB[2]!.nack('only');
    await ofA[2]!.ack();
    expect([of.told, of.reasons]).toEqual([
      ['+0', '-1', '-2'],
      ['first', 'only'],
    ]);
  });

  it.each<[CopyOptions['overflow'], number, string]>([
    ['block', 5, 'the others wait: 4 are in the buffer and one is held'],
    ['drop-oldest', 1_000, 'what waits longest is dropped'],
    ['drop-newest', 1_000, 'what comes is dropped'],
  ])('with a branch that nobody reads, %s: %d are read, for %s', async (overflow, reads) => {
    const of = source(1_000);
    const events = new FlowEvents();
    const dropped: number[] = [];
    const ids: string[] = [];
    events.on('dropped', ({ dropped: count, id }) => {
      dropped.push(count);
      ids.push(id);
    });
    const { a, b } = copy(of.flow, ['a', 'b'], { branches: { b: { buffer: 4, overflow } }, events });
    const seen: number[] = [];
    void each(a, (n) => seen.push(n));
    for (let i = 0; i < 100; i++) await settled();
    expect(of.read).toBe(reads);
    if (overflow === 'block') expect(seen).toEqual(upTo(5));
    else {
      expect(seen).toEqual(upTo(1_000));
      expect(dropped).toEqual(upTo(996).map((n) => n + 1));
      expect(ids[0]).toBe(overflow === 'drop-oldest' ? '0' : '4');
      // What was dropped by intent hangs on the other branch alone.
      expect(of.told.length).toBe(996);
      expect(await taken(b)).toEqual(overflow === 'drop-oldest' ? [996, 997, 998, 999] : [0, 1, 2, 3]);
      expect(of.told.length).toBe(1_000);
    }
  });

  it('strict: ends with BUFFER_FULL and gives back what nobody has', async () => {
    const of = source(1_000);
    const { a, b } = copy(of.flow, ['a', 'b'], { overflow: 'strict', buffer: 4 });
    const errors = [await rejectionOf(() => taken(a)), await rejectionOf(() => taken(b))];
    expect(errors.map(isBufferFull)).toEqual([true, true]);
    expect(errors.map(String)).toEqual(Array.from({ length: 2 }, () => 'HoldfastError: the branch "b" is not read'));
    await settled();
    expect([of.read, of.closed]).toEqual([5, 1]);
    expect(of.told.sort()).toEqual(['-0', '-1', '-2', '-3', '-4']);
  });

  it('tells of a branch that holds up the others', async () => {
    const clock = new VirtualClock();
    const events = new FlowEvents();
    const stalls: unknown[] = [];
    events.on('stalled', (stall) => stalls.push(stall));
    const { a, b } = copy(source(100).flow, ['a', 'b'], { buffer: 2, stalledMs: 500, events, runtime: steady(clock) });
    void each(a, () => undefined, { runtime: steady(clock) });
    await clock.advance(499);
    expect(stalls).toEqual([]);
    await clock.advance(10_000);
    expect(stalls).toEqual([{ operator: 'copy', branch: 'b', waitedMs: 500 }]);
    await reading(b, 2);
    await clock.advance(500);
    expect(stalls.length).toBe(2);
    await b[Symbol.asyncIterator]().return!();
    expect(clock.pending).toBe(0);
  });

  it('detach: a branch that is left is no longer asked for, and what it has not read is dropped', async () => {
    const of = source(10);
    const events = new FlowEvents();
    const dropped: string[] = [];
    events.on('dropped', ({ branch, id }) => dropped.push(branch + id));
    const { a, b } = copy(of.flow, ['a', 'b'], { detach: true, buffer: 3, events });
    const { read, iterator } = await reading(a, 3);
    await iterator.return!();
    expect(dropped).toEqual([]);
    expect(await taken(b)).toEqual(upTo(10));
    expect(of.told).toEqual(
      upTo(10)
        .slice(3)
        .map((n) => `+${String(n)}`),
    );
    for (const delivery of read) await delivery.ack();
    expect(of.told.length).toBe(10);

    const other = copy(source(10).flow, ['a', 'b'], { detach: true, buffer: 3, events });
    await reading(other.a, 2);
    await other.b[Symbol.asyncIterator]().return!();
    expect(dropped).toEqual(['b0', 'b1']);
  });

  it('detach: also of a flow that has ended, what a branch that is left has not read is dropped', async () => {
    const of = source(3);
    const events = new FlowEvents();
    const dropped: string[] = [];
    events.on('dropped', ({ branch, id }) => dropped.push(branch + id));
    const { a, b } = copy(of.flow, ['a', 'b'], { detach: true, events });
    expect(await taken(a)).toEqual(upTo(3));
    await (
      await reading(b, 1)
    ).iterator.return!();
    expect([dropped, of.told]).toEqual([
      ['b1', 'b2'],
      ['+1', '+2'],
    ]);
  });

  it('a branch that was read to its end may be left, and leaves the others what they have not read', async () => {
    const of = source(3);
    const { a, b } = copy(of.flow, ['a', 'b']);
    expect(await taken(a)).toEqual(upTo(3));
    await a[Symbol.asyncIterator]().return!();
    expect(await taken(b)).toEqual(upTo(3));
    expect(of.told).toEqual(['+0', '+1', '+2']);
  });

  it('has no timer of a stall of which nobody would hear', async () => {
    const clock = new VirtualClock();
    const { a } = copy(source(100).flow, ['a', 'b'], { buffer: 2, stalledMs: 500, runtime: steady(clock) });
    await reading(a, 3);
    expect(clock.pending).toBe(0);
    await clock.advance(1_000);
  });

  it('detach: the last branch that is left closes the source', async () => {
    const of = source(10);
    const { a, b } = copy(of.flow, ['a', 'b'], { detach: true });
    for (const branch of [a, b]) await (await reading(branch, 1)).iterator.return!();
    expect(of.closed).toBe(1);
  });
});

const placements = [new Rendezvous(['a', 'b', 'c']), new HashRing(['a', 'b', 'c']), new Maglev(['a', 'b', 'c'])];

describe('shard', () => {
  it.each(placements)(
    'agrees with the placement, loses nothing and keeps the order of each key: %o',
    async (placement) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(12), { maxLength: 60 }),
          fc.integer({ min: 1, max: 4 }),
          async (keys, buffer) => {
            const items = keys.map((key, i) => ({ key: String(key), i }));
            const lanes = shard(flow(items), placement, ({ key }) => key, undefined, { buffer });
            expect(Object.keys(lanes)).toEqual([...placement.nodes.keys()]);
            const read = await Promise.all(
              Object.entries(lanes).map(async ([name, lane]) => [name, await taken(lane)] as const),
            );
            for (const [name, seen] of read) {
              // Each lane is the items of its keys in their order: order of each key follows.
              expect(seen).toEqual(items.filter(({ key }) => placement.get(key)?.id === name));
            }
          },
        ),
        { numRuns: 50 },
      );
    },
  );

  it('follows a placement that changes, as far as there are lanes', async () => {
    let current = new Rendezvous(['a', 'b']);
    const live = {
      get current() {
        return current;
      },
      version: 1,
      ready: Promise.resolve(current),
      changes: () => {
        throw new Error('not asked');
      },
      close: () => undefined,
    };
    const { a, b } = shard(flow(upTo(20)), live, String, ['a', 'b'] as const);
    const [first] = (await reading(merge(a, b), 1)).read;
    expect(['0']).toContain(String(first!.value));
    current = new Rendezvous(['a']);
    const { a: onlyA, b: none } = shard(flow(upTo(20)), live, String, ['a', 'b'] as const);
    expect(await Promise.all([taken(onlyA), taken(none)])).toEqual([upTo(20), []]);
  });

  it('refuses what belongs nowhere: no node with weight, or one without a lane', async () => {
    const of = source(4);
    const { x } = shard(of.flow, new Rendezvous([]), String, ['x']);
    expect(await taken(x)).toEqual([]);
    expect(of.told).toEqual(['-0', '-1', '-2', '-3']);
    expect(of.reasons.every(isNoRoute)).toBe(true);
  });
});

describe('split', () => {
  it('puts each delivery into exactly one branch, in its order', async () => {
    const routes = ['a', 'b', '__proto__', 'constructor'] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...routes), { maxLength: 40 }), async (items) => {
        const branches = split(flow(items), (item) => item, routes);
        const seen = await Promise.all(routes.map((name) => taken(branches[name])));
        expect(seen).toEqual(routes.map((name) => items.filter((item) => item === name)));
      }),
      { numRuns: 50 },
    );
  });

  it('nacks what has no route, or whose route cannot be told, tells of it and goes on', async () => {
    const of = source(6);
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', ({ operator, id }) => failed.push([operator, id]));
    const route = (n: number): 'even' => {
      if (n === 5) throw new Error('five');
      return (n % 2 === 0 ? 'even' : 'odd') as 'even';
    };
    const { even } = split(of.flow, route, ['even'], { events });
    const seen: number[] = [];
    for await (const n of values(even)) seen.push(n);
    expect(seen).toEqual([0, 2, 4]);
    expect([...of.told].sort()).toEqual(['+0', '+2', '+4', '-1', '-3', '-5']);
    expect(of.reasons.map((reason) => (isNoRoute(reason) ? reason.message : (reason as Error).message))).toEqual([
      'there is no branch "odd"',
      'there is no branch "odd"',
      'five',
    ]);
    expect(failed).toEqual([
      ['split', '1'],
      ['split', '3'],
      ['split', '5'],
    ]);
  });

  it('one branch that is left ends all', async () => {
    const of = source(10);
    const { even, odd } = split(of.flow, (n) => (n % 2 === 0 ? 'even' : 'odd'), ['even', 'odd']);
    const { read, iterator } = await reading(even, 2);
    await iterator.return!();
    await settled();
    expect(await taken(odd)).toEqual([]);
    expect([of.closed, of.told]).toEqual([1, ['-1']]);
    for (const delivery of read) await delivery.ack();
    expect(of.told).toEqual(['-1', '+0', '+2']);
  });
});
