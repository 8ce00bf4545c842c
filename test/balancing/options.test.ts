import { latencyAndFailures, LoadBalancer, type LoadBalancerOptions, peakEwma, replicate } from 'holdfast/balancing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, rejectionOf, steady, thrownBy } from '../support/serving.ts';
import { brief } from './brief.ts';

const runtime = steady(new VirtualClock());
const idRule = 'the id of a member must be a string (give LoadBalancer an `id` function), got';
const listRule = 'members must be an array or a Live of one, got';

describe('LoadBalancer refuses, when it is made,', () => {
  it.each<[unknown, string]>([
    [undefined, `${listRule} undefined`],
    [null, `${listRule} null`],
    ['http://localhost', `${listRule} "http://localhost"`],
    [new Set(['a']), `${listRule} a Set`],
    [{ current: ['a'] }, `${listRule} an object`],
    [{ current: undefined, changes: () => undefined }, `${listRule} undefined`],
    [['a', 'a'], 'members must have distinct ids, got "a" twice'],
    [['a', { id: 'a' }], 'members must have distinct ids, got "a" twice'],
    [[1], `${idRule} 1`],
    [[undefined], `${idRule} undefined`],
    [[null], `${idRule} null`],
    [[{}], `${idRule} an object`],
    [[{ id: undefined }], `${idRule} undefined`],
    // eslint-disable-next-line no-sparse-arrays -- what a careless caller may have
    [[, 'a'], `${idRule} undefined`],
    [[() => 'a'], `${idRule} a function`],
  ])('the members %j', (members, message) => {
    expectInvalid(
      thrownBy(() => new LoadBalancer(bad(members), { runtime })),
      message,
    );
  });

  it.each<[unknown, string | RegExp]>([
    [null, 'LoadBalancer options must be an object, got null'],
    ['id', 'LoadBalancer options must be an object, got "id"'],
    [{ id: 'url' }, 'id must be a function, got "url"'],
    [{ runtime: null }, 'runtime must be a { clock, random } runtime, got null'],
    [{ runtime: { clock: runtime.clock } }, 'runtime must be a { clock, random } runtime, got an object'],
    [
      { strategy: 'p2c' },
      'LoadBalancer has no option "strategy"; it has id, cost, choices, weight, classify, outlier, panicBelow, probation, slowStart, probe, acceptEmpty, runtime',
    ],
    [{ cost: 'peakEwma' }, 'cost must be a function, got "peakEwma"'],
    [{ cost: () => () => undefined }, 'cost must be a function that returns a { cost() } signal, got undefined'],
    [{ choices: 0 }, 'choices must be "auto" or "all" or an integer >= 1, got 0'],
    [{ choices: 1.5 }, 'choices must be "auto" or "all" or an integer >= 1, got 1.5'],
    [{ choices: Number.NaN }, 'choices must be "auto" or "all" or an integer >= 1, got NaN'],
    [{ weight: 2 }, 'weight must be a function, got 2'],
    [{ classify: 'ok' }, 'classify must be a function, got "ok"'],
    [{ outlier: true }, 'outlier must be false or an object, got true'],
    [{ outlier: { consecutive: 0 } }, 'consecutive must be an integer >= 1 or Infinity, got 0'],
    [{ outlier: { successRate: 80 } }, 'successRate must be a finite number from 0 to 1, got 80'],
    [{ outlier: { minCalls: 0 } }, 'minCalls must be an integer >= 1, got 0'],
    [{ outlier: { windowMs: 0 } }, 'windowMs must be a finite number >= 1, got 0'],
    [{ outlier: { baseMs: -5 } }, 'baseMs must be a finite number >= 1, got -5'],
    [{ outlier: { maxMs: 100 } }, 'maxMs must be a finite number >= baseMs (5000), got 100'],
    [{ outlier: { max: 1 } }, /^outlier has no option "max"; it has consecutive, /],
    [{ panicBelow: 50 }, 'panicBelow must be a finite number from 0 to 1, got 50'],
    [{ probation: 1 }, 'probation must be true or false, got 1'],
    [{ acceptEmpty: 'yes' }, 'acceptEmpty must be true or false, got "yes"'],
    [{ slowStart: 30_000 }, 'slowStart must be an object, got 30000'],
    [{ slowStart: {} }, 'windowMs must be a finite number >= 1, got undefined'],
    [{ slowStart: { windowMs: 1, floor: 0 } }, 'floor must be a number above 0, at most 1, got 0'],
    [{ slowStart: null }, 'slowStart must be an object, got null'],
    [{ slowStart: { windowMs: 1, floor: 1.5 } }, 'floor must be a number above 0, at most 1, got 1.5'],
    [{ slowStart: { windowMs: 1, floor: '1' } }, 'floor must be a number above 0, at most 1, got "1"'],
    [{ slowStart: { windowMs: 1, start: 0 } }, 'slowStart has no option "start"; it has windowMs, floor'],
    [{ outlier: null }, 'outlier must be false or an object, got null'],
    [{ probe: () => true }, 'probe must be an object, got function probe'],
    [{ probe: null }, 'probe must be an object, got null'],
    [
      { probe: { check: () => true, every: 5 } },
      'probe has no option "every"; it has check, everyMs, timeoutMs, rise, fall',
    ],
    [{ probe: {} }, 'check must be a function, got undefined'],
    [{ probe: { check: () => true, everyMs: 0 } }, 'everyMs must be a finite number >= 1, got 0'],
    [{ probe: { check: () => true, timeoutMs: Infinity } }, 'timeoutMs must be a finite number >= 1, got Infinity'],
    [{ probe: { check: () => true, rise: 0 } }, 'rise must be an integer >= 1, got 0'],
    [{ probe: { check: () => true, fall: 0.5 } }, 'fall must be an integer >= 1, got 0.5'],
  ])('the options %j', (options, message) => {
    const error = thrownBy(() => new LoadBalancer(['a'], bad(options)));
    if (typeof message === 'string') expectInvalid(error, message);
    else expect((error as Error).message).toMatch(message);
  });

  it.each<[() => unknown, string]>([
    [() => peakEwma({ tauMs: 0 }), 'tauMs must be a finite number >= 1, got 0'],
    [() => peakEwma(bad({ decay: 1 })), 'peakEwma has no option "decay"; it has tauMs'],
    [() => latencyAndFailures({ failureWeight: -1 }), 'failureWeight must be a finite number >= 0, got -1'],
    [() => latencyAndFailures({ failureTauMs: NaN }), 'failureTauMs must be a finite number >= 1, got NaN'],
    [
      () => latencyAndFailures(bad({ tau: 1 })),
      'latencyAndFailures has no option "tau"; it has tauMs, failureWeight, failureTauMs',
    ],
    [() => replicate(['a'], bad('GET')), 'call must be a function, got "GET"'],
  ])('%s', (make, message) => {
    expectInvalid(thrownBy(make), message);
  });

  it('no option at its bounds', () => {
    for (const options of [
      { choices: 1, panicBelow: 0, outlier: { consecutive: Infinity, successRate: 1, baseMs: 5, maxMs: 5 } },
      { choices: 'all', panicBelow: 1, outlier: { consecutive: 1, successRate: 0, minCalls: 1, windowMs: 1 } },
      { choices: 'auto', outlier: false, slowStart: { windowMs: 1, floor: 1 } },
    ] satisfies LoadBalancerOptions<string>[])
      expect(brief(new LoadBalancer(['a'], { ...options, runtime }))).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });

  it('an id function that gives no string', () => {
    expectInvalid(
      thrownBy(() => new LoadBalancer(['a'], { id: () => bad(7), runtime })),
      `${idRule} 7`,
    );
  });

  it('no list without members', () => {
    expect(brief(new LoadBalancer([], { runtime }))).toEqual({ members: [] });
  });
});

const callRules: [unknown, string][] = [
  [null, 'the options of a call must be an object, got null'],
  [100, 'the options of a call must be an object, got 100'],
  [{ avoid: ['a'] }, 'avoid must be a Set, got an array of 1'],
  [{ avoid: null }, 'avoid must be a Set, got null'],
  [{ avoid: 'a' }, 'avoid must be a Set, got "a"'],
  [{ avoid: new WeakSet() }, 'avoid must be a Set, got a WeakSet'],
];

describe('run refuses, as a rejection and before any work,', () => {
  it.each<[unknown, string]>([
    [undefined, 'work must be a function, got undefined'],
    ['work', 'work must be a function, got "work"'],
  ])('the work %j', async (work, message) => {
    const balancer = new LoadBalancer(['a'], { runtime });
    expectInvalid(await rejectionOf(() => balancer.run(bad(work))), message);
  });

  it.each<[unknown, string]>([
    ...callRules,
    [{ visit: 'a' }, 'visit must be a function, got "a"'],
    [{ visit: null }, 'visit must be a function, got null'],
    [{ signal: {} }, 'signal must be an AbortSignal, got an object'],
    [{ signal: null }, 'signal must be an AbortSignal, got null'],
    [{ deadline: '5' }, 'deadline must be a Deadline or a number of milliseconds from now, got "5"'],
    [{ deadline: null }, 'deadline must be a Deadline or a number of milliseconds from now, got null'],
    [{ deadline: Number.NaN }, 'deadline must be a Deadline or a number of milliseconds from now, got NaN'],
    [{ accept: true }, 'accept must be a function, got true'],
    [{ discard: 'body' }, 'discard must be a function, got "body"'],
    [{ retry: {}, budget: 5 }, 'budget must be a Budget or false, got 5'],
    [{ hedge: false }, 'hedge options must be an object, got false'],
    [{ hedge: null }, 'hedge options must be an object, got null'],
    [{ hedge: {} }, 'after must be a finite number >= 0, a percentile(p) or a function, got undefined'],
    [{ retry: 0 }, 'retry options must be an object, got 0'],
    [{ retry: null }, 'retry options must be an object, got null'],
  ])('the options %j', async (options, message) => {
    const balancer = new LoadBalancer(['a'], { runtime });
    let calls = 0;
    expectInvalid(await rejectionOf(() => balancer.run(() => ++calls, bad(options))), message);
    expect(calls).toBe(0);
    expect(brief(balancer)).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });
});

describe('pick refuses, by a throw,', () => {
  it.each(callRules)('the options %j', (options, message) => {
    const balancer = new LoadBalancer(['a'], { runtime });
    expectInvalid(
      thrownBy(() => balancer.pick(bad(options))),
      message,
    );
    expect(brief(balancer)).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });
});
