import { LoadBalancer } from 'holdfast/balancing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, rejectionOf, steady, thrownBy } from '../support/serving.ts';

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

  it.each<[unknown, string]>([
    [null, 'LoadBalancer options must be an object, got null'],
    ['id', 'LoadBalancer options must be an object, got "id"'],
    [{ id: 'url' }, 'id must be a function, got "url"'],
    [{ runtime: null }, 'runtime must be a { clock, random } runtime, got null'],
    [{ runtime: { clock: runtime.clock } }, 'runtime must be a { clock, random } runtime, got an object'],
    [{ choices: 2 }, 'LoadBalancer has no option "choices"; it has id, runtime'],
  ])('the options %j', (options, message) => {
    expectInvalid(
      thrownBy(() => new LoadBalancer(['a'], bad(options))),
      message,
    );
  });

  it('an id function that gives no string', () => {
    expectInvalid(
      thrownBy(() => new LoadBalancer(['a'], { id: () => bad(7), runtime })),
      `${idRule} 7`,
    );
  });

  it('no list without members', () => {
    expect(new LoadBalancer([], { runtime }).stats()).toEqual({ members: [] });
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
  ])('the options %j', async (options, message) => {
    const balancer = new LoadBalancer(['a'], { runtime });
    let calls = 0;
    expectInvalid(await rejectionOf(() => balancer.run(() => ++calls, bad(options))), message);
    expect(calls).toBe(0);
    expect(balancer.stats()).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });
});

describe('pick refuses, by a throw,', () => {
  it.each(callRules)('the options %j', (options, message) => {
    const balancer = new LoadBalancer(['a'], { runtime });
    expectInvalid(
      thrownBy(() => balancer.pick(bad(options))),
      message,
    );
    expect(balancer.stats()).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });
});
