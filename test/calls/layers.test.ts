import fc from 'fast-check';
import { type Attempt, type Call, hedge, type Layer, retry, stack, timebox, withDeadline } from 'holdfast/calls';
import { Deadline, isDeadlineExceeded, isInvalidOption } from 'holdfast/core';
import { LoadBalancer } from 'holdfast/balancing';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  bad,
  CountingClock,
  expectInvalid,
  finish,
  listenersOf,
  rejectionOf,
  steady,
  thrownBy,
  watch,
} from '../support/serving.ts';
import { runs } from '../support/properties.ts';

const forever = (): Promise<never> => new Promise(() => undefined);
const echo: Call<string, string> = (text) => Promise.resolve(text);

describe('stack', () => {
  it('puts each layer around the one before, and hands requests in from the last', async () => {
    const log: string[] = [];
    const wrapping =
      (name: string): Layer<string, string> =>
      (next) =>
      async (request, options) => {
        log.push(name);
        return `${name}(${await next(request, options)})`;
      };
    expect(await stack(echo, wrapping('a'), wrapping('b'), wrapping('c'))('x')).toBe('c(b(a(x)))');
    expect(log).toEqual(['c', 'b', 'a']);
    expect(stack(echo)).toBe(echo);
  });

  it('infers the type of each layer from the one before', async () => {
    const call = stack(
      echo,
      (next) => timebox(next, 1_000),
      (next) => hedge(next, { after: 10, when: (text) => text.length > 0, accept: (answer) => answer !== '' }),
      (next) => async (id: number, options) => (await next(String(id), options)).length,
      (next) => retry(next, { attempts: 2, retryable: (_, id) => id > 0 }),
    );
    expectTypeOf(call).toEqualTypeOf<Call<number, number>>();
    expect(await call(12_345)).toBe(5);
    expectTypeOf(stack(fetch, (next) => timebox(next, 5)))
      .parameter(0)
      .toExtend<unknown>();
    // @ts-expect-error -- the layer takes numbers and the call below strings
    stack(echo, (next: Call<number, string>) => next);
  });

  it('refuses what is not a function', () => {
    expectInvalid(
      thrownBy(() => stack(bad(undefined))),
      'call must be a function, got undefined',
    );
    expectInvalid(
      thrownBy(() => stack(echo, bad({}))),
      'a layer must be a function, got an object',
    );
    expectInvalid(
      thrownBy(() =>
        stack(
          echo,
          bad(() => 5),
        ),
      ),
      'what a layer returns must be a function, got 5',
    );
  });

  it('lets an attempt through every layer: a hedge around a time box around a balancer goes to the other replica', async () => {
    const clock = new VirtualClock();
    const runtime = steady(clock);
    const replicas = new LoadBalancer(['a', 'b'], { runtime });
    const asked: string[] = [];
    const call = stack(
      (key: string, options) =>
        replicas.run((replica) => {
          asked.push(replica);
          return asked.length < 3 ? forever() : `${replica}: ${key}`;
        }, options),
      (next) => withDeadline(next, { maxMs: 500, runtime }),
      (next) => timebox(next, 30, { runtime }),
      (next) => retry(next, { attempts: 2, runtime }),
      (next) => hedge(next, { after: 10, runtime }),
    );
    expect(await finish(clock, call('tea'))).toMatch(/^[ab]: tea$/);
    // The hedge at 10 avoids the first; the retries come when both have timed out.
    expect(asked[1]).not.toBe(asked[0]);
  });
});

it('a time box and a deadline let an outer attempt through as it came, with a signal and a deadline of their own', async () => {
  for (const around of [
    (next: Call<string, string>) => timebox(next, 20),
    (next: Call<string, string>) => withDeadline(next, { maxMs: 20 }),
  ]) {
    let outer: Attempt | undefined;
    let inner: Attempt | undefined;
    const call = stack(
      (text: string, options) => {
        inner = options as Attempt;
        return Promise.resolve(text);
      },
      around,
      (next) => (text: string, options) => {
        outer = options as Attempt;
        return next(text, options);
      },
      (next) => hedge(next, { after: 50 }),
    );
    await call('x');
    const { signal, deadline, ...rest } = { ...outer! };
    expect({ ...inner! }).toMatchObject(rest);
    expect(Object.keys(inner!).sort()).toEqual(Object.keys(outer!).sort());
    expect(new Set(Object.getOwnPropertySymbols(inner!))).toEqual(new Set(Object.getOwnPropertySymbols(outer!)));
    expect(inner!.signal).not.toBe(signal);
    expect(inner!.deadline.remaining()).toBeLessThan(deadline.remaining());
  }
});

it('a time box and a deadline add nothing to options that are nobody’s attempt', async () => {
  const given: Call<string, readonly string[]> = (_, options) => Promise.resolve(Object.keys(options!).sort());
  expect(await timebox(given, 20)('x')).toEqual(['deadline', 'signal']);
  expect(await withDeadline(given, { maxMs: 20 })('x', {})).toEqual(['deadline', 'signal']);
});

describe('a call within the attempt of another', () => {
  it('starts by avoiding what the others of the outer call use, also what they turned to meanwhile', async () => {
    const clock = new VirtualClock();
    const runtime = steady(clock);
    const avoided: string[] = [];
    const inner = retry(
      async (_: number, attempt: Attempt) => {
        avoided.push([...attempt.avoid].join());
        attempt.visit(avoided.length);
        await clock.sleep(8);
        throw new Error('down');
      },
      { attempts: 2, backoff: { baseMs: 0 }, runtime },
    );
    const call = hedge(inner, { after: 5, runtime });
    await rejectionOf(() => finish(clock, call(0)));
    expect(avoided).toEqual(['', '1', '1,2', '1,2,3']);
  });

  it('needs not bring all that an attempt has: whom to avoid alone, or whom to tell', async () => {
    const seen: unknown[] = [];
    const call = retry((_: string, { avoid, visit }) => {
      seen.push(...avoid);
      visit('b');
      return Promise.resolve('done');
    });
    expect(await call('x', bad({ avoid: new Set(['a']) }))).toBe('done');
    expect(await call('x', bad({ visit: (member: string) => seen.push(`told of ${member}`) }))).toBe('done');
    expect(seen).toEqual(['a', 'told of b']);
  });

  it('is not made of a call that was none when it was made', async () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    const call = hedge(
      async (_: string, { avoid, visit }) => {
        seen.push(...avoid);
        visit('a');
        await clock.sleep(8);
      },
      { after: 5, runtime: steady(clock) },
    );
    const options = {};
    const done = call('x', options);
    Object.assign(options, { avoid: new Set(['b']), visit: () => seen.push('told') });
    await finish(clock, done);
    expect(seen).toEqual(['a']);
  });

  it('avoids whom it was to avoid when it was made, whatever its options say later', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const call = hedge(
      async (_: string, { avoid }) => {
        seen.push([...avoid].join());
        await clock.sleep(8);
      },
      { after: 5, runtime: steady(clock) },
    );
    const options = bad({ avoid: new Set(['a']) });
    const done = call('x', options);
    Object.assign(options, { avoid: new Set(['b']) });
    await finish(clock, done);
    expect(seen).toEqual(['a', 'a']);
  });

  it.each<[unknown, string]>([
    [5, '5'],
    [null, 'null'],
    [['a'], 'an array of 1'],
    [new WeakSet(), 'a WeakSet'],
    [{ has: () => true }, 'an object'],
  ])('refuses the avoid %o', async (avoid, got) => {
    expectInvalid(
      await rejectionOf(() => hedge(echo, { after: 5 })('x', bad({ avoid }))),
      `avoid must be a Set, got ${got}`,
    );
  });

  it('refuses a visit that is none', async () => {
    expectInvalid(
      await rejectionOf(() => retry(echo)('x', bad({ visit: 'me' }))),
      'visit must be a function, got "me"',
    );
  });
});

describe('timebox', () => {
  it.each([
    [30, 100, 30],
    [100, 30, 30],
    [30, Infinity, 30],
  ])(
    'of %d ms under a deadline of %d ms ends at %d ms, also a call that ignores its signal',
    async (ms, deadline, at) => {
      const clock = new VirtualClock();
      const counting = new CountingClock(clock);
      const controller = new AbortController();
      const signals: AbortSignal[] = [];
      const call = timebox<number, never>(
        (_, options) => {
          signals.push(options!.signal!);
          expect((options!.deadline as Deadline).remaining()).toBe(at);
          return forever();
        },
        ms,
        { runtime: steady(counting) },
      );
      const settled = watch(call(0, { deadline, signal: controller.signal }), clock, counting, controller.signal);
      await failOnLeaks(() => clock.runUntilIdle());
      expect(isDeadlineExceeded(settled()!.error)).toBe(true);
      expect(settled()).toMatchObject({ atMs: at, timers: 0, listeners: 0 });
      expect(isDeadlineExceeded(signals[0]!.reason)).toBe(true);
    },
  );

  it('gives the answer as it is, and never aborts afterwards', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const call = timebox((_: number, options) => Promise.resolve(options!.signal), 5, { runtime: steady(clock) });
    const signal = await call(0, { signal: controller.signal });
    controller.abort();
    await clock.advance(100);
    expect(signal!.aborted).toBe(false);
    expect(listenersOf(controller.signal)).toBe(0);
  });

  it('of no time calls nobody', async () => {
    let calls = 0;
    const call = timebox(() => Promise.resolve(++calls), 0);
    expect(isDeadlineExceeded(await rejectionOf(() => call(0)))).toBe(true);
    expect(calls).toBe(0);
  });

  it.each([undefined, Number.NaN, -1, Infinity, '5'])('refuses %s ms', (ms) => {
    expect(isInvalidOption(thrownBy(() => timebox(echo, bad(ms))))).toBe(true);
  });
});

interface Message {
  readonly header?: string | undefined;
}

const readWrite = {
  read: ({ header }: Message) => header,
  write: (_: Message, header: string): Message => ({ header }),
};

describe('withDeadline', () => {
  it('takes the least of the header, the options and its own limit, and writes what is left', async () => {
    const clock = new VirtualClock();
    const call = withDeadline(({ header }: Message) => Promise.resolve(header), {
      ...readWrite,
      maxMs: 400,
      runtime: steady(clock),
    });
    expect(await call({ header: '300' })).toBe('300');
    expect(await call({ header: '300' }, { deadline: 200.9 })).toBe('200');
    expect(await call({ header: '9000' })).toBe('400');
    expect(await call({ header: 'never' })).toBe('400');
    expect(await call({})).toBe('400');
  });

  it('writes nothing where there is no deadline', async () => {
    const call = withDeadline((message: Message) => Promise.resolve(message.header), readWrite);
    expect(await call({})).toBeUndefined();
    // What `Headers.get` gives where there is none.
    const without = withDeadline((message: Message) => Promise.resolve(message.header), {
      ...readWrite,
      read: () => null,
    });
    expect(await without({})).toBeUndefined();
    expect(await call({ header: 'never' })).toBe('never');
  });

  it('writes anew for each attempt of a retry around it', async () => {
    const clock = new VirtualClock();
    const runtime = steady(clock, 0.5);
    const sent: (string | undefined)[] = [];
    const call = stack(
      async ({ header }: Message) => {
        sent.push(header);
        await clock.sleep(20);
        throw new Error('down');
      },
      (next) => withDeadline(next, { ...readWrite, runtime }),
      (next) => retry(next, { attempts: 3, backoff: { baseMs: 20 }, runtime }),
    );
    await rejectionOf(() => finish(clock, call({ header: '200' }, { deadline: 100 })));
    // 20 ms for each attempt, pauses of 10 and 20.
    expect(sent).toEqual(['100', '70', '30']);
  });

  it('makes no call with less than minRemainingMs left', async () => {
    let calls = 0;
    const clock = new VirtualClock();
    const call = withDeadline(() => Promise.resolve(++calls), { minRemainingMs: 20, runtime: steady(clock) });
    const error = await rejectionOf(() => call(0, { deadline: 19 }));
    expect(isDeadlineExceeded(error)).toBe(true);
    expect(await call(0, { deadline: 20 })).toBe(1);
    expect(await rejectionOf(() => call(0, { deadline: 19, signal: AbortSignal.abort('gone') }))).toBe('gone');
  });

  it('makes no call when less than a whole millisecond is left to write, for the receiver would read none', async () => {
    const sent: (string | undefined)[] = [];
    const clock = new VirtualClock();
    const send = ({ header }: Message): Promise<number> => Promise.resolve(sent.push(header));
    const writing = withDeadline(send, { write: readWrite.write, runtime: steady(clock) });
    for (const deadline of [0.002, 0.5, 0.9, 0.999])
      expect(isDeadlineExceeded(await rejectionOf(() => writing({}, { deadline })))).toBe(true);
    expect(sent).toEqual([]);
    await writing({}, { deadline: 1 });
    await writing({}, { deadline: 1.9 });
    expect(sent).toEqual(['1', '1']);
    expect(await rejectionOf(() => writing({}, { deadline: 0.5, signal: AbortSignal.abort('gone') }))).toBe('gone');
    // What writes nothing has its fraction.
    await withDeadline(send, { runtime: steady(clock) })({}, { deadline: 0.9 });
    expect(sent).toHaveLength(3);
  });

  it('writes what is left when the call is made, and never 0', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 5, noNaN: true }), async (deadline) => {
        const sent: number[] = [];
        const call = withDeadline(({ header }: Message) => Promise.resolve(sent.push(Number(header))), {
          ...readWrite,
          runtime: steady(new VirtualClock()),
        });
        await call({}, { deadline }).catch(isDeadlineExceeded);
        expect(sent).toEqual(deadline < 1 ? [] : [Math.floor(deadline)]);
      }),
      { numRuns: runs(3) },
    );
  });

  it.each(['soon', '-5', '1e3', '', '1'.repeat(16)])('refuses the header %j, and calls nobody', async (header) => {
    let calls = 0;
    const call = withDeadline<Message, number>(() => Promise.resolve(++calls), readWrite);
    expect(isInvalidOption(await rejectionOf(() => call({ header })))).toBe(true);
    expect(calls).toBe(0);
  });

  it('rejects with what read or write throws, and leaves nothing', async () => {
    const throwing = (): never => {
      throw new Error('no headers');
    };
    await failOnLeaks(async ({ runtime, signal }) => {
      for (const functions of [{ read: throwing }, { write: throwing }]) {
        const call = withDeadline(echo, { ...functions, maxMs: 1_000, runtime });
        expect(await rejectionOf(() => call('x', { signal }))).toMatchObject({ message: 'no headers' });
      }
    });
  });

  it('refuses what read returns when it is no text', async () => {
    const call = withDeadline(echo, { read: () => bad(5) });
    expectInvalid(
      await rejectionOf(() => call('x')),
      'what the read function returns must be a string, null or undefined, got 5',
    );
  });
});
