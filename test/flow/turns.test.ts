/*
 * Timers beside a source that never waits, behind operators that pass nothing on: nothing that comes out could give them their
 * turn.
 */
import {
  barrier,
  copy,
  count,
  type Delivery,
  each,
  expand,
  filter,
  flow,
  type Flow,
  map,
  merge,
  reduce,
  shard,
  split,
  values,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { WorkQueue } from 'holdfast/queue';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { steady } from '../support/serving.ts';
import { reading, readUntil, source, upTo } from './support.ts';

/** With an end, so that a graph that takes no turn fails and does not hang. */
const most = 300_000;

/** Values that are always ready, until a timer has fired. */
function readyUntilFired(): { readonly ready: Iterable<number>; readonly fired: () => boolean } {
  let fired = false;
  setTimeout(() => (fired = true), 5);
  function* ready(): Generator<number> {
    for (let n = 0; n < most && !fired; n++) yield n;
  }
  return { ready: ready(), fired: () => fired };
}

const fail = (): never => {
  throw new Error('no');
};

const silent: Record<string, (of: Flow<number>) => Flow<unknown>> = {
  filter: (of) => filter(of, () => false),
  'filter, failing': (of) => filter(of, fail),
  'map, failing': (of) => map(of, fail),
  'map, failing, unordered': (of) => map(of, fail, { concurrency: 4, ordered: false }),
  'expand to nothing': (of) => expand(of, () => []),
  'expand, failing': (of) => expand(of, fail),
  reduce: (of) => reduce(of, count()),
  barrier: (of) => barrier(of, { key: () => '', part: String, expect: () => most + 1, timeoutMs: 60_000 }),
  'barrier, failing': (of) => barrier(of, { key: fail, part: String, expect: () => 2, timeoutMs: 60_000 }),
  'split to nowhere': (of) => split(of, () => 'nowhere' as 'a', ['a']).a,
  shard: (of) => shard(of, new Rendezvous(['a', 'b']), () => 'x', ['nobody']).nobody,
  'copy, dropped': (of) =>
    filter(copy(of, ['a', 'b'], { branches: { b: { overflow: 'drop-oldest' } } }).a, () => false),
  'several, one after the other': (of) =>
    filter(
      map(
        expand(of, (n) => [n, n]),
        (n) => n,
      ),
      () => false,
    ),
};

describe.each(Object.keys(silent))('timers fire while nothing comes out of %s', (name) => {
  it('of values', async () => {
    const { ready, fired } = readyUntilFired();
    await each(silent[name]!(flow(ready)), () => undefined);
    expect(fired()).toBe(true);
  });

  it('of a flow that somebody else has made', async () => {
    const { ready, fired } = readyUntilFired();
    const nothing = async (): Promise<void> => undefined;
    const made: Flow<number> = (async function* (): AsyncGenerator<Delivery<number>> {
      for (const value of ready) yield { value, id: String(value), attempt: 1, ack: nothing, nack: nothing };
    })();
    await readUntil(silent[name]!(made));
    expect(fired()).toBe(true);
  });
});

it('timers fire beside an expansion without end of one value', async () => {
  const { ready, fired } = readyUntilFired();
  await readUntil(
    filter(
      expand(flow([1]), () => ready),
      () => false,
    ),
  );
  expect(fired()).toBe(true);
});

it.each<[string, (of: Flow<number>) => Promise<unknown>]>([
  ['each', (of) => each(of, () => undefined, { concurrency: 3 })],
  ['values', (of) => readUntil(values(of))],
  ['merge', (of) => readUntil(merge(of, flow([1])))],
])('timers fire beside %s', async (_, read) => {
  const { ready, fired } = readyUntilFired();
  await read(flow(ready));
  expect(fired()).toBe(true);
});

it('timers fire beside a queue whose jobs are dropped', async () => {
  const queue = new WorkQueue<number>();
  for (const n of upTo(20_000)) await queue.add(n);
  let firedAfter: number | undefined;
  let dropped = 0;
  setTimeout(() => (firedAfter = dropped), 1);
  const done = new AbortController();
  const dropping = filter(queue.consume(), () => {
    if (++dropped === 20_000) done.abort();
    return false;
  });
  await each(dropping, () => undefined, { signal: done.signal }).catch(() => undefined);
  await queue.close({ graceMs: 0 });
  expect(firedAfter).toBeLessThan(20_000);
});

it('many flows take one turn together, and go on in their order', async () => {
  const turns: number[] = [];
  let read = 0;
  let running = true;
  const tick = (): void => {
    turns.push(read);
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  const flows = upTo(50).map((i) =>
    flow(
      (function* () {
        for (let n = 0; n < 400; n++) {
          read++;
          yield i;
        }
      })(),
    ),
  );
  const seen: number[] = [];
  for await (const delivery of merge(...flows)) seen.push(delivery.value);
  running = false;
  for (let at = 0; at < seen.length; at += 50) expect(new Set(seen.slice(at, at + 50)).size).toBe(50);
  expect(turns.length).toBeGreaterThan(3);
});

it('under virtual time takes none: a run is a function of its seed', async () => {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(1) };
  const of = source(50_000, 'ends', { runtime });
  const counting = readUntil(
    reduce(
      filter(of.flow, (n) => n % 2 === 0, { runtime }),
      count(),
      { runtime, every: 100 },
    ),
  );
  await clock.advance(0);
  expect([await counting, clock.now(), clock.pending]).toEqual([250, 0, 0]);
});

it('a source that is left before its turn came is not read any more', async () => {
  const clock = new VirtualClock();
  let work: () => void = () => undefined;
  const turning = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    setTimer: (ms: number, fn: () => void) => clock.setTimer(ms, fn),
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    turn: (next: () => void) => (work = next),
  };
  const of = source(5, 'ends', { runtime: steady(turning) });
  const { iterator, read } = await reading(of.flow, 1);
  await read[0]!.ack();
  const waiting = iterator.next();
  await iterator.return!();
  work();
  expect([(await waiting).done, of.read, of.closed, of.told]).toEqual([true, 1, 1, ['+0']]);
});
