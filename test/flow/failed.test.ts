import {
  barrier,
  each,
  expand,
  filter,
  flow,
  type Flow,
  FlowEvents,
  map,
  type OperatorOptions,
  reduce,
  shard,
  split,
  sum,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { steady } from '../support/serving.ts';
import { source, taken } from './support.ts';

const error = new Error('no');
const fail = (): never => {
  throw error;
};
function* brokenOff(): Generator<number> {
  yield 1;
  throw error;
}

describe('what an operator’s function throws on is nacked with it, and told of with the operator’s name', () => {
  it.each<[string, string, (of: Flow<number>, options: OperatorOptions) => Promise<unknown>]>([
    ['map', 'map', (of, options) => taken(map(of, fail, options))],
    ['filter', 'filter', (of, options) => taken(filter(of, fail, options))],
    ['expand', 'expand', (of, options) => taken(expand(of, fail, options))],
    ['an expansion that breaks off', 'expand', (of, options) => taken(expand(of, brokenOff, options))],
    ['split', 'split', (of, options) => taken(split(of, fail, ['a'], options).a)],
    ['shard', 'shard', (of, options) => taken(shard(of, new Rendezvous(['a']), fail, ['a'], options).a)],
    [
      'barrier',
      'barrier',
      (of, options) => taken(barrier(of, { key: fail, part: String, expect: () => 1, timeoutMs: 1_000, ...options })),
    ],
    ['reduce', 'reduce', (of, options) => taken(reduce(of, { ...sum(), add: fail }, options))],
    ['each', 'each', (of, options) => each(of, fail, options)],
  ])('%s', async (_, operator, run) => {
    const of = source(1, 'ends', { id: () => 'x' });
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', (event) => failed.push(event));
    await run(of.flow, { events, runtime: steady(new VirtualClock()) });
    expect(failed).toEqual([{ operator, id: 'x', error }]);
    expect([of.told, of.reasons]).toEqual([['-0'], [error]]);
  });

  it('the parts of a set that is not complete too', async () => {
    const events = new FlowEvents();
    const failed: unknown[] = [];
    events.on('failed', ({ operator, id, error: reason }) => failed.push([operator, id, String(reason)]));
    const options = { key: () => 'a', part: String, expect: () => 3, timeoutMs: 1_000, events };
    expect(await taken(barrier(flow([0, 1]), { ...options, runtime: steady(new VirtualClock()) }))).toEqual([]);
    const reason = 'HoldfastError: the flow has ended, and "a" has 2 of its parts';
    expect(failed).toEqual([
      ['barrier', '0', reason],
      ['barrier', '1', reason],
    ]);
  });
});
