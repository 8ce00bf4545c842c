import {
  barrier,
  copy,
  count,
  each,
  expand,
  filter,
  flow,
  map,
  merge,
  reduce,
  shard,
  split,
  values,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, rejectionOf, thrownBy } from '../support/serving.ts';

const of = flow([1]);
const noop = (): undefined => undefined;
const whole = { key: noop, part: noop, expect: noop, timeoutMs: 5 };

describe('what is refused at the door, before anything is read', () => {
  it.each<[string, () => unknown, string]>([
    ['a source', () => flow(bad(5)), 'source must be an iterable or an async iterable, got 5'],
    ['an ack', () => flow([1], { ack: bad('x') }), 'ack must be a function, got "x"'],
    ['a renewal', () => flow([1], { renew: bad({}) }), 'everyMs must be a finite number >= 1, got undefined'],
    ['no extend', () => flow([1], { renew: bad({ everyMs: 5 }) }), 'extend must be a function, got undefined'],
    [
      'another option of flow',
      () => flow([1], bad({ name: 1 })),
      'flow has no option "name"; it has id, attempt, ack, nack, renew, runtime',
    ],
    ['no source', () => flow(bad(null)), 'source must be an iterable or an async iterable, got null'],
    ['no flow', () => map(bad(undefined), noop), 'flow must be a flow, got undefined'],
    ['an array as a flow', () => map(bad([1]), noop), 'flow must be a flow, got an array of 1'],
    ['no function', () => map(of, bad(undefined)), 'fn must be a function, got undefined'],
    ['concurrency', () => map(of, noop, { concurrency: 0 }), 'concurrency must be an integer >= 1, got 0'],
    ['order', () => map(of, noop, { ordered: bad(1) }), 'ordered must be a boolean, got 1'],
    [
      'another option of map',
      () => map(of, noop, bad({ parallel: 2 })),
      'map has no option "parallel"; it has concurrency, ordered, events, runtime',
    ],
    ['events', () => map(of, noop, { events: bad({}) }), 'events must be a FlowEvents, got an object'],
    ['a test', () => filter(of, bad(null)), 'test must be a function, got null'],
    [
      'an option of filter',
      () => filter(of, () => true, bad({ concurrency: 2 })),
      'filter has no option "concurrency"; it has events, runtime',
    ],
    ['an expansion', () => expand(of, bad(7)), 'fn must be a function, got 7'],
    [
      'an option of expand',
      () => expand(of, () => [], bad({ depth: 2 })),
      'expand has no option "depth"; it has events, runtime',
    ],
    ['no names', () => copy(of, []), 'names must be an array of one or more distinct strings, got an array of 0'],
    [
      'a name twice',
      () => copy(of, ['a', 'a']),
      'names must be an array of one or more distinct strings, got an array of 2',
    ],
    [
      'a name among others that is none',
      () => copy(of, ['a', bad(5)]),
      'names must be an array of one or more distinct strings, got an array of 2',
    ],
    [
      'no names of split',
      () => split(of, noop as never, []),
      'names must be an array of one or more distinct strings, got an array of 0',
    ],
    ['a buffer', () => copy(of, ['a'], { buffer: 0 }), 'buffer must be an integer >= 1, got 0'],
    [
      'an overflow',
      () => copy(of, ['a'], { overflow: bad('drop') }),
      'overflow must be "strict", "block", "drop-oldest" or "drop-newest", got "drop"',
    ],
    ['a branch', () => copy(of, ['a'], { branches: bad({ b: {} }) }), 'branches has no option "b"; it has a'],
    [
      'an option of a branch',
      () => copy(of, ['a'], { branches: { a: bad({ size: 1 }) } }),
      'branch "a" has no option "size"; it has buffer, overflow',
    ],
    ['a route', () => split(of, bad('a'), ['a']), 'route must be a function, got "a"'],
    [
      'an option of split',
      () => split(of, noop as never, ['a'], bad({ overflow: 'block' })),
      'split has no option "overflow"; it has buffer, stalledMs, events, runtime',
    ],
    ['a placement', () => shard(of, bad({}), String), 'placement must be a Placement or a Live of one, got an object'],
    ['a key', () => shard(of, new Rendezvous(['a']), bad(1)), 'key must be a function, got 1'],
    [
      'an option of shard',
      () => shard(of, new Rendezvous(['a']), String, ['a'], bad({ overflow: 'block' })),
      'shard has no option "overflow"; it has buffer, stalledMs, events, runtime',
    ],
    ['a flow to merge', () => merge(of, bad([1]), of), 'a flow must be a flow, got an array of 1'],
    ['an option of merge', () => merge(of, bad({ fair: true })), 'merge has no option "fair"; it has runtime'],
    ['no part', () => barrier(of, bad({ ...whole, part: undefined })), 'part must be a function, got undefined'],
    [
      'no time',
      () => barrier(of, bad({ ...whole, timeoutMs: undefined })),
      'timeoutMs must be a finite number >= 0, got undefined',
    ],
    [
      'an ending',
      () => barrier(of, bad({ ...whole, onTimeout: 'drop' })),
      'onTimeout must be "fail" or "emit", got "drop"',
    ],
    [
      'an option of barrier',
      () => barrier(of, bad({ ...whole, wait: 5 })),
      'barrier has no option "wait"; it has key, part, expect, timeoutMs, onTimeout, maxPending, remember, stalledMs, events, runtime',
    ],
    [
      'an option of copy',
      () => copy(of, ['a'], bad({ size: 1 })),
      'copy has no option "size"; it has buffer, stalledMs, events, runtime, overflow, branches, detach',
    ],
    ['a monoid', () => reduce(of, bad({ empty: noop })), 'monoid must be a monoid, got an object'],
    ['every', () => reduce(of, count(), { every: 0 }), 'every must be an integer >= 1, got 0'],
    [
      'an option of reduce',
      () => reduce(of, count(), bad({ size: 5 })),
      'reduce has no option "size"; it has every, maxKeys, atEnd, events, runtime',
    ],
    [
      'an option of values',
      () => values(of, bad({ graceMs: 5 })),
      'values has no option "graceMs"; it has signal, runtime',
    ],
    ['a signal', () => values(of, { signal: bad({}) }), 'signal must be an AbortSignal, got an object'],
  ])('%s', (_, make, message) => {
    expectInvalid(thrownBy(make), message);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['a function', () => each(of, bad(0)), 'fn must be a function, got 0'],
    ['a retry', () => each(of, noop, { retry: { attempts: 0 } }), 'attempts must be an integer >= 1, got 0'],
    [
      'another option',
      () => each(of, noop, bad({ parallel: 2 })),
      'each has no option "parallel"; it has concurrency, retry, deadLetter, signal, graceMs, events, runtime',
    ],
    [
      'another option of its retries',
      () => each(of, noop, { retry: bad({ tries: 2 }) }),
      'retry has no option "tries"; it has attempts, baseMs, maxMs',
    ],
    ['dead letters', () => each(of, noop, { deadLetter: bad([]) }), 'deadLetter must be a function, got an array of 0'],
    ['a grace', () => each(of, noop, { graceMs: -1 }), 'graceMs must be a finite number >= 0, got -1'],
  ])('each, as a rejection: %s', async (_, run, message) => {
    expectInvalid(await rejectionOf(run), message);
  });

  it('names of branches are names and nothing else', () => {
    const { ['__proto__']: proto, constructor: maker } = copy(of, ['__proto__', 'constructor']);
    for (const branch of [proto, maker]) expect(typeof branch[Symbol.asyncIterator]).toBe('function');
  });
});
