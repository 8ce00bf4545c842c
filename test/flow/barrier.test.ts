import fc from 'fast-check';
import { isHoldfastError } from 'holdfast/core';
import {
  barrier,
  type BarrierOptions,
  type Delivery,
  each,
  flow,
  FlowEvents,
  isIncomplete,
  type Joined,
} from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { steady } from '../support/serving.ts';
import { reading, settled, taken, upTo } from './support.ts';

interface Part {
  readonly set: string;
  readonly part: string;
}

const textOf = ({ set, part }: Part): string => set + part;

/** Parts by text: `a1` is part 1 of set a. A number waits so many milliseconds. */
function parts(clock: VirtualClock, script: readonly (string | number)[]) {
  const told: string[] = [];
  const reasons: unknown[] = [];
  const read: string[] = [];
  async function* source(): AsyncGenerator<Part> {
    for (const step of script) {
      if (typeof step === 'number') await clock.sleep(step);
      else {
        read.push(step);
        yield { set: step.slice(0, -1), part: step.slice(-1) };
      }
    }
  }
  return {
    told,
    reasons,
    read,
    flow: flow(source(), {
      runtime: steady(clock),
      id: textOf,
      ack: (part) => told.push(`+${textOf(part)}`),
      nack: (part, reason) => {
        told.push(`-${textOf(part)}`);
        reasons.push(reason);
      },
    }),
  };
}

const options = (clock: VirtualClock, more: Partial<BarrierOptions<Part>> = {}): BarrierOptions<Part> => ({
  key: ({ set }) => set,
  part: ({ part }) => part,
  expect: () => ['1', '2'],
  timeoutMs: 1_000,
  runtime: steady(clock),
  ...more,
});

const shown = ({ key, parts: of, complete, missing }: Joined<Part>): string =>
  `${key}:${[...of.keys()].join('')}${complete ? '' : `-${missing.join('')}`}`;

describe('barrier', () => {
  it('delivers each set once, when all its parts are there, whatever comes twice and in which order', async () => {
    const plans = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
      seed: fc.infiniteStream(fc.nat(1_000)),
      twice: fc.boolean(),
      named: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(plans, async ({ sizes, seed, twice, named }) => {
        const clock = new VirtualClock();
        const all = sizes.flatMap((size, set) => upTo(size).map((part) => `${'abcdef'[set]!}${String(part)}`));
        const order = [...all, ...(twice ? all : [])]
          .map((text) => ({ text, at: seed.next().value as number }))
          .sort((one, other) => one.at - other.at)
          .map(({ text }) => text);
        const of = parts(clock, order);
        const size = (part: Part): number => sizes['abcdef'.indexOf(part.set)]!;
        const joined = barrier(
          of.flow,
          options(clock, { expect: (part) => (named ? upTo(size(part)).map(String) : size(part)) }),
        );
        const taking = taken(joined);
        await clock.runUntilIdle();
        const sets = await taking;
        expect(sets.map(({ key }) => key).sort()).toEqual('abcdef'.slice(0, sizes.length).split(''));
        for (const { key, parts: got, complete, missing } of sets) {
          expect([...got.keys()].sort()).toEqual(upTo(sizes['abcdef'.indexOf(key)]!).map(String));
          for (const [name, part] of got) expect(part).toEqual({ set: key, part: name });
          expect([complete, missing]).toEqual([true, []]);
        }
        expect([...of.told].sort()).toEqual(order.map((text) => `+${text}`).sort());
      }),
    );
  });

  it('holds the parts until the set is settled, and they all share its fate', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'b1', 'b2', 'a2']);
    const { read } = await reading(barrier(of.flow, options(clock)), 2);
    expect(read.map(({ id, value }) => `${id} ${shown(value)}`)).toEqual(['b b:12', 'a a:12']);
    expect(of.told).toEqual([]);
    await read[1]!.ack();
    await read[0]!.nack('no');
    await read[0]!.ack();
    expect([of.told, of.reasons]).toEqual([
      ['+a1', '+a2', '-b1', '-b2'],
      ['no', 'no'],
    ]);
  });

  it('a set that fails may be formed anew', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'a2', 'a1', 'a2']);
    const joined = barrier(of.flow, options(clock));
    const { read, iterator } = await reading(joined, 1);
    await read[0]!.nack('once more');
    const again = (await iterator.next()) as IteratorYieldResult<(typeof read)[0]>;
    expect(shown(again.value.value)).toBe('a:12');
    await again.value.ack();
    expect(of.told).toEqual(['-a1', '-a2', '+a1', '+a2']);
  });

  it.each<['fail' | 'emit', string[], string[]]>([
    ['fail', [], ['-a1', '-b2', '+c1', '+c2']],
    ['emit', ['a:1-2', 'b:2-1'], ['+a1', '+b2', '+c1', '+c2']],
  ])('when the time of a set is over: %s', async (onTimeout, emitted, told) => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'c1', 600, 'b2', 'c2', 5_000]);
    const seen: string[] = [];
    const at: number[] = [];
    const running = each(
      barrier(of.flow, options(clock, { onTimeout })),
      (set) => {
        seen.push(shown(set));
        at.push(clock.now());
      },
      { runtime: steady(clock) },
    );
    await clock.advance(999);
    expect(seen).toEqual(['c:12']);
    await clock.advance(601);
    expect(seen).toEqual(['c:12', ...emitted]);
    if (onTimeout === 'emit') expect(at).toEqual([600, 1_000, 1_600]);
    expect([...of.told].sort()).toEqual([...told].sort());
    if (onTimeout === 'fail') expect(of.reasons.every(isIncomplete)).toBe(true);
    await clock.runUntilIdle();
    await running;
    expect(clock.pending).toBe(0);
  });

  it('at the end of the flow a set has no more time', async () => {
    for (const [onTimeout, expected] of [
      ['fail', []],
      ['emit', ['a:1-2']],
    ] as const) {
      const clock = new VirtualClock();
      const of = parts(clock, ['a1']);
      expect((await taken(barrier(of.flow, options(clock, { onTimeout })))).map(shown)).toEqual(expected);
      expect(of.told).toEqual([onTimeout === 'fail' ? '-a1' : '+a1']);
      expect(clock.pending).toBe(0);
    }
  });

  it('a part that comes late is acknowledged, with its set or after it, and told of', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'a2', 'a2', 'b1', 'b2', 'a1', 2_000, 'a1', 'a2']);
    const events = new FlowEvents();
    const late: string[] = [];
    events.on('late', ({ key, part }) => late.push(key + part));
    const iterator = barrier(of.flow, options(clock, { events }))[Symbol.asyncIterator]();
    const next = async () =>
      ((await iterator.next()) as IteratorYieldResult<{ value: Joined<Part>; ack(): Promise<void> }>).value;
    const a = await next();
    const b = await next(); // a2 came once more, while a is under way
    expect(of.told).toEqual([]);
    await a.ack();
    expect(of.told).toEqual(['+a1', '+a2', '+a2']);
    await b.ack();
    const after = next();
    await clock.advance(0);
    expect(late).toEqual(['a1']); // acknowledged a moment ago
    await clock.advance(2_000);
    expect(shown((await after).value)).toBe('a:12'); // long forgotten
    expect(late).toEqual(['a1']);
  });

  it('maxPending: reads no further than the first part of a set too many, until there is room', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'b1', 'a1', 'c1', 'd1', 'c2', 'd2']);
    const events = new FlowEvents();
    const stalls: unknown[] = [];
    events.on('stalled', (stall) => stalls.push(stall));
    const seen: string[] = [];
    const running = each(
      barrier(of.flow, options(clock, { maxPending: 2, stalledMs: 300, events })),
      (set) => seen.push(shown(set)),
      { runtime: steady(clock) },
    );
    await clock.advance(999);
    expect(of.read).toEqual(['a1', 'b1', 'a1', 'c1']);
    expect(stalls).toEqual([{ operator: 'barrier', branch: undefined, waitedMs: 300 }]);
    await clock.runUntilIdle();
    await running;
    expect(seen).toEqual(['c:12', 'd:12']);
    expect([...of.told].sort()).toEqual(['+c1', '+c2', '+d1', '+d2', '-a1', '-a1', '-b1']);
  });

  it('a stall that ends in time is not told of, nor one that is left', async () => {
    for (const leaves of [false, true]) {
      const clock = new VirtualClock();
      const events = new FlowEvents();
      const stalls: unknown[] = [];
      events.on('stalled', (stall) => stalls.push(stall));
      const of = parts(clock, ['a1', 'b1', 'b2', 60_000]);
      const joined = barrier(of.flow, options(clock, { maxPending: 1, stalledMs: 2_000, events }));
      const iterator = joined[Symbol.asyncIterator]();
      const next = iterator.next();
      await clock.advance(500);
      expect(of.read).toEqual(['a1', 'b1']);
      if (leaves) await iterator.return!();
      await clock.advance(500);
      expect((await next).done).toBe(leaves);
      await clock.advance(10_000);
      await iterator.return!();
      expect(stalls).toEqual([]);
    }
  });

  it('keeps the process alive for the sets that wait, and has no timer when none does', async () => {
    const clock = new VirtualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const of = parts(clock, ['a1', 100, 'a2', 5_000]);
    const joined = reading(barrier(of.flow, options(clock)), 1);
    await clock.advance(100);
    expect(setTimer).toHaveBeenCalledWith(1_000, expect.any(Function), { ref: true });
    const { iterator } = await joined;
    void iterator.next();
    await clock.advance(1);
    expect(clock.pending).toBe(1); // the source's own pause
    await iterator.return!();
  });

  it('of a part that comes again the first counts, and of the attempts the greatest', async () => {
    const clock = new VirtualClock();
    const came = [
      { set: 'a', part: '1', attempt: 1 },
      { set: 'a', part: '1', attempt: 4 },
      { set: 'a', part: '2', attempt: 2 },
    ];
    const of = flow(came, { attempt: ({ attempt }) => attempt, runtime: steady(clock) });
    const { read } = await reading(barrier(of, options(clock)), 1);
    expect(read[0]!.attempt).toBe(4);
    expect([...read[0]!.value.parts.values()]).toEqual([came[0], came[2]]);
  });

  it('what waits when its source fails is given back as it is: the set may yet come', async () => {
    const clock = new VirtualClock();
    const reasons: unknown[] = [];
    async function* broken(): AsyncGenerator<Part> {
      yield { set: 'a', part: '1' };
      throw new Error('broken');
    }
    const of = flow(broken(), { nack: (_, reason) => reasons.push(reason), runtime: steady(clock) });
    const sets: unknown[] = [];
    const reader = async (): Promise<void> => {
      for await (const delivery of barrier(of, options(clock, { onTimeout: 'emit' }))) sets.push(delivery);
    };
    await expect(reader()).rejects.toMatchObject({ message: 'broken' });
    expect([sets, reasons.map((reason) => isHoldfastError(reason, 'CANCELLED'))]).toEqual([[], [true]]);
  });

  it('a late part is acknowledged and nothing else, for timeoutMs and of as many sets as it remembers', async () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    async function* raw(): AsyncGenerator<Delivery<Part>> {
      for (const step of ['a1', 'a2', 'a1', 'b1', 'b2', 'a2', 'b2', 999, 'b1', 1, 'b2']) {
        if (typeof step === 'number') await clock.sleep(step);
        else {
          const settle = (how: string) => async (): Promise<void> => void told.push(how + step);
          yield {
            value: { set: step[0]!, part: step[1]! },
            id: step,
            attempt: 1,
            ack: settle('+'),
            nack: settle('-'),
          };
        }
      }
    }
    const running = taken(barrier(raw(), options(clock, { remember: 1 })));
    await clock.runUntilIdle();
    expect((await running).map(shown)).toEqual(['a:12', 'b:12']);
    // b has taken a's place in the memory, so that a second a waits for its other part until the end; and b is forgotten by then.
    expect(told).toEqual(['+a1', '+a2', '+a1', '+b1', '+b2', '+b2', '+b1', '-a2', '-b2']);
  });

  it('nacks a part that its set does not expect, or that cannot be told, and goes on', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a3', 'a1', 'x1', 'y1', 'a2']);
    const joined = barrier(
      of.flow,
      options(clock, {
        key: ({ set }) => {
          if (set === 'x') throw new Error('no key');
          return set === 'y' ? (5 as never) : set;
        },
      }),
    );
    expect((await taken(joined)).map(shown)).toEqual(['a:12']);
    expect(of.reasons.map((reason) => (reason as Error).message)).toEqual([
      'a part must be one that its set expects, got "3"',
      'no key',
      'a key must be a string, got 5',
    ]);
  });

  it('gives back what waits when it is left, and no timer stays', async () => {
    const clock = new VirtualClock();
    const of = parts(clock, ['a1', 'b1', 'c1', 'c2', 'd1', 'e1', 60_000]);
    const { iterator, read } = await reading(barrier(of.flow, options(clock, { maxPending: 3 })), 1);
    void iterator.next();
    await settled();
    await iterator.return!();
    expect(of.told).toEqual(['-e1', '-a1', '-b1', '-d1']);
    await read[0]!.ack();
    expect(of.told.slice(4)).toEqual(['+c1', '+c2']);
    expect(clock.pending).toBe(0);
  });

  it('has memory for what waits and no more, over a million sets', { timeout: 120_000 }, async () => {
    const sets = process.env['STRYKER_MUTATOR_WORKER'] === undefined ? 1_000_000 : 10_000;
    function* all(): Generator<Part> {
      for (let i = 0; i < sets; i++) {
        yield { set: String(i), part: '1' };
        yield { set: String(i), part: '2' };
      }
    }
    const clock = new VirtualClock();
    let count = 0;
    const seen: number[] = [];
    for await (const delivery of barrier(flow(all()), options(clock, { remember: 100 }))) {
      await delivery.ack();
      // While it runs: afterwards it is garbage, whatever it has kept.
      if (++count === sets / 10 || count === sets) seen.push(heap());
    }
    expect(count).toBe(sets);
    expect(seen[1]! - seen[0]!).toBeLessThan(8 * 2 ** 20);
  });
});

function heap(): number {
  gc!();
  return process.memoryUsage().heapUsed;
}

describe('what the functions of a barrier answer', () => {
  const whatCame = async (more: Partial<BarrierOptions<Part>>): Promise<string> => {
    const clock = new VirtualClock();
    const { flow: source, told, reasons } = parts(clock, ['a1']);
    expect(await taken(barrier(source, options(clock, more)))).toEqual([]);
    expect(told).toEqual(['-a1']);
    expect(clock.pending).toBe(0);
    return String(reasons[0]);
  };

  const bad: readonly unknown[] = ['ab', [], [1], ['1', 2], 0, 1.5, null, { length: 1 }];
  it.each(bad.map((answer) => ({ answer })))('a set of $answer is refused', async ({ answer }) => {
    const text = await whatCame({ expect: () => answer as string[] });
    expect(text).toMatch(
      /^HoldfastError: what is expected must be an integer .* or an array of one or more strings, got /,
    );
  });

  it('a key or a part that is no text is refused', async () => {
    expect(await whatCame({ key: () => 5 as unknown as string })).toMatch(/a key must be a string, got 5/);
    expect(await whatCame({ part: () => 5 as unknown as string })).toMatch(/a part must be a string, got 5/);
  });

  it('a set that fails says why, which one it is and how much of it was there', async () => {
    const clock = new VirtualClock();
    const first = parts(clock, ['a1', 2_000, 'b1']);
    const reader = taken(barrier(first.flow, options(clock)));
    await clock.advance(5_000);
    expect(await reader).toEqual([]);
    expect(first.reasons.map(String)).toEqual([
      'HoldfastError: the time is over, and "a" has 1 of its parts',
      'HoldfastError: the flow has ended, and "b" has 1 of its parts',
    ]);
    expect(clock.pending).toBe(0);
  });
});
