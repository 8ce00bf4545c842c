import {
  Budget,
  type CallOptions,
  hedge,
  type HedgeOptions,
  percentile,
  retry,
  shadow,
  timebox,
  withDeadline,
} from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, rejectionOf, thrownBy } from '../support/serving.ts';

const work = (): string => 'an answer';

describe('hedge refuses, when it is made,', () => {
  it.each([
    [undefined, 'call must be a function, got undefined'],
    [null, 'call must be a function, got null'],
    ['work', 'call must be a function, got "work"'],
  ])('the call %s', (call, message) => {
    expectInvalid(
      thrownBy(() => hedge(bad(call), { after: 5 })),
      message,
    );
  });

  it.each<[unknown, string]>([
    [undefined, 'after must be a finite number >= 0, a percentile(p) or a function, got undefined'],
    [null, 'hedge options must be an object, got null'],
    [5, 'hedge options must be an object, got 5'],
    [[5], 'hedge options must be an object, got an array of 1'],
    [{}, 'after must be a finite number >= 0, a percentile(p) or a function, got undefined'],
    [{ after: -1 }, 'after must be a finite number >= 0, a percentile(p) or a function, got -1'],
    [{ after: Number.NaN }, 'after must be a finite number >= 0, a percentile(p) or a function, got NaN'],
    [{ after: Infinity }, 'after must be a finite number >= 0, a percentile(p) or a function, got Infinity'],
    [{ after: '5' }, 'after must be a finite number >= 0, a percentile(p) or a function, got "5"'],
    [{ after: null }, 'after must be a finite number >= 0, a percentile(p) or a function, got null'],
    [{ after: 5, extra: -1 }, 'extra must be an integer from 0 to 100, got -1'],
    [{ after: 5, extra: 1.5 }, 'extra must be an integer from 0 to 100, got 1.5'],
    [{ after: 5, extra: 101 }, 'extra must be an integer from 0 to 100, got 101'],
    [{ after: 5, extra: null }, 'extra must be an integer from 0 to 100, got null'],
    [{ after: 5, discard: true }, 'discard must be a function, got true'],
    [{ after: 5, runtime: {} }, 'runtime must be a { clock, random } runtime, got an object'],
    [{ after: 5, runtime: 1 }, 'runtime must be a { clock, random } runtime, got 1'],
    [
      { after: 5, extras: 1 },
      'hedge has no option "extras"; it has after, extra, when, budget, accept, discard, runtime',
    ],
  ])('the options %j', (options, message) => {
    expectInvalid(
      thrownBy(() => hedge(work, bad(options))),
      message,
    );
  });

  it('no option at its bounds', () => {
    const discard = (): void => undefined;
    for (const options of [
      { after: 0 },
      { after: Number.MAX_VALUE, extra: 0 },
      { after: 0, extra: 100, discard },
    ] satisfies HedgeOptions<string>[])
      expect(hedge(work, options)).toBeTypeOf('function');
  });
});

describe('a hedged call refuses, as a rejection,', () => {
  it.each<[unknown, string]>([
    [null, 'the options of a call must be an object, got null'],
    ['soon', 'the options of a call must be an object, got "soon"'],
    [{ signal: {} }, 'signal must be an AbortSignal, got an object'],
    [{ signal: null }, 'signal must be an AbortSignal, got null'],
    [{ signal: new AbortController() }, 'signal must be an AbortSignal, got a AbortController'],
    [{ deadline: Number.NaN }, 'deadline must be a Deadline or a number of milliseconds from now, got NaN'],
    [{ deadline: '5' }, 'deadline must be a Deadline or a number of milliseconds from now, got "5"'],
    [{ deadline: null }, 'deadline must be a Deadline or a number of milliseconds from now, got null'],
    [{ deadline: new Date(0) }, 'deadline must be a Deadline or a number of milliseconds from now, got a Date'],
  ])('the options %j', async (options, message) => {
    let calls = 0;
    const call = hedge(() => ++calls, { after: 5 });
    expectInvalid(await rejectionOf(() => call(0, bad(options))), message);
    expect(calls).toBe(0);
  });

  it('no name that it does not know, for the options of another layer may come as they are', async () => {
    const options = { deadline: 50, method: 'GET' };
    expect(await hedge(work, { after: 5 })(0, options satisfies CallOptions)).toBe('an answer');
  });
});

it.each<[unknown, string]>([
  [null, 'hedge options must be an object, got null'],
  [{ after: 5, extr: 2 }, 'hedge has no option "extr"; it has after, extra, when'],
])('a gather refuses the hedge %j, as a rejection', async (policy, message) => {
  expectInvalid(await rejectionOf(() => scatterGather([1], work, { hedge: bad(policy) })), message);
});

it.each<[unknown, string]>([
  [null, 'retry options must be an object, got null'],
  [{ tries: 2 }, 'retry has no option "tries"; it has attempts, backoff, retryable, retryAfterMs'],
])('a gather refuses the retry %j, as a rejection', async (policy, message) => {
  expectInvalid(await rejectionOf(() => scatterGather([1], work, { retry: bad(policy) })), message);
});

it.each<[string, (call: never) => unknown]>([
  ['retry', (call) => retry(call)],
  ['shadow', (call) => shadow(call, { to: () => Promise.resolve() })],
  ['timebox', (call) => timebox(call, 5)],
  ['withDeadline', (call) => withDeadline(call, {})],
])('%s refuses what is not a call', (_name, make) => {
  for (const [call, got] of [
    [undefined, 'undefined'],
    ['work', '"work"'],
  ])
    expectInvalid(
      thrownBy(() => make(bad(call))),
      `call must be a function, got ${got}`,
    );
});

describe('a layer refuses', () => {
  const call = (): Promise<string> => Promise.resolve('an answer');
  it.each<[() => unknown, string]>([
    [() => timebox(call, bad('5')), 'ms must be a finite number >= 0, got "5"'],
    [() => timebox(call, -1), 'ms must be a finite number >= 0, got -1'],
    [() => timebox(call, 5, bad(null)), 'timebox options must be an object, got null'],
    [() => timebox(call, 5, bad({ ms: 5 })), 'timebox has no option "ms"; it has runtime'],
    [() => timebox(call, 5, bad({ runtime: 1 })), 'runtime must be a { clock, random } runtime, got 1'],
    [() => withDeadline(call, bad(null)), 'withDeadline options must be an object, got null'],
    [
      () => withDeadline(call, bad({ max: 5 })),
      'withDeadline has no option "max"; it has read, write, maxMs, minRemainingMs, runtime',
    ],
    [() => withDeadline(call, bad({ read: 'header' })), 'read must be a function, got "header"'],
    [() => withDeadline(call, bad({ write: 'header' })), 'write must be a function, got "header"'],
    [() => withDeadline(call, { maxMs: -1 }), 'maxMs must be a finite number >= 0, got -1'],
    [() => withDeadline(call, { minRemainingMs: -1 }), 'minRemainingMs must be a finite number >= 0, got -1'],
    [() => withDeadline(call, bad({ runtime: 1 })), 'runtime must be a { clock, random } runtime, got 1'],
  ])('%s', (make, message) => {
    expectInvalid(thrownBy(make), message);
  });
});

it('a call whose deadline passes says which kind of call it was', async () => {
  const forever = (): Promise<never> => new Promise(() => undefined);
  for (const [call, message] of [
    [timebox(forever, 0), 'the deadline of a time-boxed call has passed'],
    [withDeadline(forever, { maxMs: 0 }), 'the deadline of a call with a deadline has passed'],
    [withDeadline(forever, { maxMs: 5, minRemainingMs: 9 }), 'the deadline of a call with a deadline has passed'],
    [hedge(forever, { after: 5 }), 'the deadline of a hedged call has passed'],
    [retry(forever), 'the deadline of a retried call has passed'],
  ] as const)
    expect(await rejectionOf(() => call(0, { deadline: 0 }))).toHaveProperty('message', message);
});

describe('a percentile refuses', () => {
  it.each<[unknown, string]>([
    [{ window: 1 }, 'percentile has no option "window"; it has windowMs, warmUp, minMs, runtime'],
    [{ windowMs: 0.5 }, 'windowMs must be a finite number >= 1, got 0.5'],
    [{ warmUp: 0 }, 'warmUp must be an integer >= 1, got 0'],
    [{ warmUp: 1.5 }, 'warmUp must be an integer >= 1, got 1.5'],
    [{ minMs: -0.5 }, 'minMs must be a finite number >= 0, got -0.5'],
  ])('the options %j', (options, message) => {
    expectInvalid(
      thrownBy(() => percentile(0.9, bad(options))),
      message,
    );
  });
});

describe('a budget refuses', () => {
  it.each<[unknown, string]>([
    [{ share: 0.1 }, 'Budget has no option "share"; it has ratio, minPerSecond, windowMs, runtime'],
    [{ ratio: 1.5 }, 'ratio must be a finite number from 0 to 1, got 1.5'],
    [{ minPerSecond: -1 }, 'minPerSecond must be a finite number >= 0, got -1'],
    [{ windowMs: 0.5 }, 'windowMs must be a finite number >= 1, got 0.5'],
  ])('the options %j', (options, message) => {
    expectInvalid(
      thrownBy(() => new Budget(bad(options))),
      message,
    );
  });

  it('originals that are no count, and counts none of them', () => {
    const budget = new Budget();
    for (const count of [-1, 0.5, Number.NaN, Infinity])
      expectInvalid(
        thrownBy(() => budget.deposit(count)),
        `count must be an integer >= 0, got ${count}`,
      );
    budget.deposit(0);
    budget.deposit(3);
    expect(budget.stats().originals).toBe(3);
  });
});
