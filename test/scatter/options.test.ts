import { scatterGather, type ScatterOptions } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, finish, rejectionOf, steady } from '../support/serving.ts';

const rules = {
  require: 'require must be "all" or "any", an integer >= 0, a function or { coverage: a number from 0 to 1 }, got',
  straggler: 'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got',
  deadline: 'deadline must be a Deadline or a number of milliseconds from now, got',
};

describe('scatterGather refuses, as a rejection and before anybody is asked,', () => {
  it.each<[unknown, string]>([
    [undefined, 'targets must be an array or another iterable, got undefined'],
    [null, 'targets must be an array or another iterable, got null'],
    [5, 'targets must be an array or another iterable, got 5'],
    [{ length: 1 }, 'targets must be an array or another iterable, got an object'],
  ])('the targets %j', async (targets, message) => {
    expectInvalid(await rejectionOf(() => scatterGather(bad(targets), () => 0)), message);
  });

  it.each<[unknown, string]>([
    [undefined, 'leaf must be a function, got undefined'],
    ['leaf', 'leaf must be a function, got "leaf"'],
  ])('the leaf %j', async (leaf, message) => {
    expectInvalid(await rejectionOf(() => scatterGather([1], bad(leaf))), message);
  });

  it.each<[unknown, string]>([
    [null, 'scatterGather options must be an object, got null'],
    [100, 'scatterGather options must be an object, got 100'],
    [[], 'scatterGather options must be an object, got an array of 0'],
    [
      { timeout: 100 },
      'scatterGather has no option "timeout"; it has signal, deadline, reserveMs, hedge, retry, budget, accept, concurrency, discard, runtime, require, straggler',
    ],
    [{ signal: {} }, 'signal must be an AbortSignal, got an object'],
    [{ signal: null }, 'signal must be an AbortSignal, got null'],
    [{ deadline: Number.NaN }, `${rules.deadline} NaN`],
    [{ deadline: '100' }, `${rules.deadline} "100"`],
    [{ deadline: null }, `${rules.deadline} null`],
    [{ require: 'most' }, `${rules.require} "most"`],
    [{ require: -1 }, `${rules.require} -1`],
    [{ require: 0.5 }, `${rules.require} 0.5`],
    [{ require: Infinity }, `${rules.require} Infinity`],
    [{ require: null }, `${rules.require} null`],
    [{ require: {} }, `${rules.require} an object`],
    [{ require: { coverage: 1.01 } }, `${rules.require} an object`],
    [{ require: { coverage: -0.01 } }, `${rules.require} an object`],
    [{ require: { coverage: Number.NaN } }, `${rules.require} an object`],
    [{ require: { coverage: '1' } }, `${rules.require} an object`],
    [
      { straggler: -0.1 },
      'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got -0.1',
    ],
    [{ straggler: 1.1 }, 'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got 1.1'],
    [
      { straggler: Number.NaN },
      'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got NaN',
    ],
    ...[null, 'all', true, {}, { min: 0.5 }, { min: 0.6, max: 0.5 }, { min: 0, max: 1.1 }].map(
      (straggler): [unknown, string] => [
        { straggler },
        `${rules.straggler} ${typeof straggler === 'object' && straggler !== null ? 'an object' : JSON.stringify(straggler)}`,
      ],
    ),
    [
      {
        straggler: Object.assign(
          function range() {
            return 0;
          },
          { min: 0, max: 1 },
        ),
      },
      `${rules.straggler} function range`,
    ],
    [{ reserveMs: -1 }, 'reserveMs must be a finite number >= 0, got -1'],
    [{ reserveMs: Infinity }, 'reserveMs must be a finite number >= 0, got Infinity'],
    [{ reserveMs: '1' }, 'reserveMs must be a finite number >= 0, got "1"'],
    [{ hedge: null }, 'hedge options must be an object, got null'],
    [{ hedge: 5 }, 'hedge options must be an object, got 5'],
    [{ hedge: {} }, 'after must be a finite number >= 0, a percentile(p) or a function, got undefined'],
    [{ hedge: { after: -1 } }, 'after must be a finite number >= 0, a percentile(p) or a function, got -1'],
    [{ hedge: { after: 5, extra: 101 } }, 'extra must be an integer from 0 to 100, got 101'],
    [{ hedge: { after: 5, extra: 0.5 } }, 'extra must be an integer from 0 to 100, got 0.5'],
    [{ hedge: { after: 5, extra: null } }, 'extra must be an integer from 0 to 100, got null'],
    [{ hedge: { after: 5, extr: 2 } }, 'hedge has no option "extr"; it has after, extra, when'],
    [{ concurrency: 0 }, 'concurrency must be an integer >= 1, got 0'],
    [{ concurrency: 1.5 }, 'concurrency must be an integer >= 1, got 1.5'],
    [{ concurrency: Infinity }, 'concurrency must be an integer >= 1, got Infinity'],
    [{ discard: 'close' }, 'discard must be a function, got "close"'],
    [{ runtime: { clock: {} } }, 'runtime must be a { clock, random } runtime, got an object'],
  ])('the options %j', async (options, message) => {
    let asked = 0;
    expectInvalid(await rejectionOf(() => scatterGather([1], () => ++asked, bad(options))), message);
    expect(asked).toBe(0);
  });

  it('bad options also when the signal has aborted: the mistake is the caller’s', async () => {
    const options = { signal: AbortSignal.abort(), straggler: 2 };
    expectInvalid(
      await rejectionOf(() => scatterGather([1], () => 0, options)),
      'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got 2',
    );
  });

  it('no straggler range that is changed afterwards: it was read', async () => {
    const clock = new VirtualClock();
    const straggler = { min: 0.5, max: 0.5 };
    const gathering = scatterGather([10, Infinity], (ms) => clock.sleep(ms), {
      ...{ deadline: 110, require: 1, straggler },
      runtime: steady(clock),
    });
    straggler.min = straggler.max = 0;
    await finish(clock, gathering);
    expect(clock.now()).toBe(60);
  });

  it('no option at its bounds, and none that is undefined', async () => {
    const bounds: ScatterOptions<number>[] = [
      { require: 0 },
      { require: { coverage: 1 }, straggler: 1, reserveMs: 0, hedge: { after: 0, extra: 100 }, concurrency: 1 },
      bad({ require: undefined, straggler: undefined, hedge: undefined, concurrency: undefined, deadline: undefined }),
    ];
    for (const options of bounds) expect(await scatterGather([], () => 0, options)).toMatchObject({ complete: true });
  });
});
