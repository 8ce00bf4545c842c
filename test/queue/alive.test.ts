/** Timers that keep the process: there are some as long as somebody waits for what time brings, and none when nobody does. */
import type { Clock, Timer } from 'holdfast/core';
import type { Delivery } from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { MemoryQueueStore, type QueueStore, WorkQueue, type WorkQueueOptions } from '../../src/queue/index.ts';
import { far, fateOf } from './far.ts';

interface World {
  readonly clock: VirtualClock;
  readonly runtime: { readonly clock: Clock; readonly random: () => number };
  /** How many timers keep the process alive. */
  held(): number;
}

function world(): World {
  const clock = new VirtualClock();
  const kept = new Set<object>();
  const setTimer = (ms: number, fn: () => void, { ref = false }: { readonly ref?: boolean } = {}): Timer => {
    const key = {};
    if (ref) kept.add(key);
    const timer = clock.setTimer(ms, () => {
      kept.delete(key);
      fn();
    });
    return {
      cancel: () => {
        kept.delete(key);
        timer.cancel();
      },
    };
  };
  const own: Clock = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    setTimer,
  };
  return { clock, runtime: { clock: own, random: () => 0.5 }, held: () => kept.size };
}

type Options = WorkQueueOptions<string>;
const day = 86_400_000;

describe.each(['memory', 'far'])('a store that is %s', (kind) => {
  const make = (
    options: Options = {},
    own?: Partial<QueueStore<string>>,
  ): World & { queue: WorkQueue<string, string> } => {
    const it = world();
    const inner = new MemoryQueueStore<string>({ runtime: it.runtime });
    const store = kind === 'memory' ? inner : far<string>(it.clock, inner, own);
    const failed = new Set<string>();
    const work = async (name: string): Promise<string> => {
      if (name.startsWith('slow')) await it.clock.sleep(100);
      if (name === 'twice' && failed.size < failed.add(name).size) throw new Error('once more');
      return name;
    };
    return { ...it, queue: new WorkQueue(work, { store, runtime: it.runtime, ...options }) };
  };

  it('holds while a job that somebody waits for is delayed or tried again, and not longer', async () => {
    const { clock, held, queue } = make();
    await clock.advance(10);
    expect(held()).toBe(0);
    const late = fateOf(queue.run('late', { delayMs: 5_000 }));
    const again = fateOf(queue.run('twice'));
    await clock.advance(2);
    expect(held()).toBeGreaterThan(0);
    await clock.advance(4_000);
    expect(again.now).toEqual({ value: 'twice' });
    expect(held()).toBeGreaterThan(0);
    await clock.advance(4_000);
    expect(late.now).toEqual({ value: 'late' });
    expect(held()).toBe(0);
    void queue.close();
    await clock.advance(60_000);
  });

  it('holds for onIdle, for results and for the ends of many', async () => {
    const { clock, held, queue } = make();
    const added = queue.add('a', { delayMs: 1_000 });
    await clock.advance(10);
    const waits = [
      () => queue.onIdle(),
      async () => (await added).result,
      () => queue.addAll(['b'], { job: () => ({ delayMs: 500 }) }).next(),
    ];
    for (const wait of waits) {
      void wait();
      await clock.advance(10);
      expect(held()).toBeGreaterThan(0);
    }
    await clock.advance(5_000);
    expect(held()).toBe(0);
    void queue.close();
    await clock.advance(60_000);
  });

  it.each([
    ['is replaced', { dedupe: { id: 'x', mode: 'replace' } }, {}],
    ['gives way', {}, { maxQueued: 1, overflow: 'dropOldest', workers: 1 }],
  ] as const)('does not hold for a job that %s', async (_, job, options) => {
    const { clock, held, queue } = make(options);
    void queue.add('later', { ...job, delayMs: day }).then(({ result }) => result.catch(() => undefined));
    await clock.advance(10);
    expect(held()).toBeGreaterThan(0);
    const now = fateOf(queue.run('now', job));
    await clock.advance(2_000);
    expect(now.now).toEqual({ value: 'now' });
    expect(held()).toBe(0);
    void queue.close();
    await clock.advance(60_000);
  });

  it('does not hold for a job that is taken back', async () => {
    const { clock, held, queue } = make();
    const result = fateOf(queue.run('later', { id: 'later', delayMs: day, deadline: 2 * day }));
    await clock.advance(10);
    expect(held()).toBeGreaterThan(0);
    void queue.cancel('later');
    await clock.advance(10);
    expect([result.now, held()]).toEqual(['CANCELLED', 0]);
    void queue.close();
    await clock.advance(60_000);
  });

  it('runs once more, and later, what has come meanwhile', async () => {
    const { clock, queue } = make();
    const dedupe = { id: 'x', mode: 'rerun' } as const;
    void queue.run('slow one', { dedupe });
    await clock.advance(10);
    const second = fateOf(queue.run('slow two', { dedupe, delayMs: 1_000 }));
    await clock.advance(5_000);
    expect(second.now).toMatchObject({ value: expect.stringContaining('slow') as string });
    expect(queue.stats()).toMatchObject({ delayed: 0, waiting: 0, leased: 0 });
    void queue.close();
    await clock.advance(60_000);
  });

  it('holds no more when it is closed', async () => {
    const { clock, held, queue } = make();
    for (const promise of [queue.run('a', { delayMs: day }), queue.onIdle()]) void fateOf(promise);
    await clock.advance(10);
    void queue.close();
    await clock.advance(60_000);
    expect(held()).toBe(0);
  });
});

describe('a store behind promises', () => {
  it('is not waited for by who has left', async () => {
    const { clock, runtime, held } = world();
    const queue = new WorkQueue<string>(undefined, { store: far<string>(clock), runtime });
    const all = queue.addAll(['a', 'b']);
    void all.next();
    await clock.advance(50);
    expect(held()).toBe(1);
    await all.return!();
    expect(held()).toBe(0);
    void queue.close();
    await clock.advance(60_000);
  });

  it('holds for the next one also when one was refused while the store was asked', async () => {
    const { clock, runtime, held } = world();
    const inner = new MemoryQueueStore<string>({ runtime });
    let putMs = 1;
    const put: QueueStore<string>['put'] = async (jobs, room) => {
      const results = await inner.put(jobs, room);
      await clock.sleep(putMs);
      return results;
    };
    const work = (name: string): Promise<void> => clock.sleep(name === 'hold' ? 500 : 1);
    const store = far<string>(clock, inner, { put });
    const queue = new WorkQueue<string>(work, { store, runtime, workers: 1, maxQueued: 1, overflow: 'wait' });
    for (const name of ['hold', 'fill']) {
      void queue.run(name);
      await clock.advance(100);
    }
    const controller = new AbortController();
    const reading = fateOf(queue.addAll(['blocked'], { job: () => ({ signal: controller.signal }) }).next());
    await clock.advance(100);
    expect(queue.stats().blocked).toBe(1);
    putMs = 2_000;
    await clock.advance(500); // there is room, and the store is asked
    const reason = new Error('left');
    controller.abort(reason);
    await clock.advance(10_000);
    expect([reading.now, held()]).toEqual([reason, 0]);
    const late = fateOf(queue.run('late', { delayMs: 60_000 }));
    await clock.advance(30_000);
    expect([late.now, held()]).toEqual(['pending', 1]);
    await clock.advance(60_000);
    expect([late.now, held()]).toEqual([{ value: undefined }, 0]);
    void queue.close();
    await clock.advance(60_000);
  });

  it('is not waited for by a source that is told of what is done', async () => {
    const { clock, runtime, held } = world();
    const queue = new WorkQueue<string>(undefined, { store: far<string>(clock), runtime });
    const report = fateOf(
      queue.sync({ list: () => [{ id: 'a' }], get: (id) => Promise.resolve(id), done: () => Promise.resolve() }),
    );
    await clock.advance(50);
    expect([report.now, held()]).toEqual([{ value: { listed: 1, added: 1 } }, 0]);
    void queue.close();
    await clock.advance(60_000);
  });

  it('holds until a delivery is acknowledged, though the first answer is lost', async () => {
    const { clock, runtime, held } = world();
    const inner = new MemoryQueueStore<string>({ runtime });
    let asked = 0;
    const settle: QueueStore<string>['settle'] = (ends) =>
      asked++ === 0 ? new Promise(() => undefined) : inner.settle(ends);
    const queue = new WorkQueue<string>(undefined, { store: far<string>(clock, inner, { settle }), runtime });
    void queue.add('a');
    const next = queue.consume()[Symbol.asyncIterator]().next();
    await clock.advance(50);
    const done = fateOf(((await next) as IteratorYieldResult<Delivery<string>>).value.ack());
    await clock.advance(50);
    expect([done.now, held()]).toEqual(['pending', 1]);
    await clock.advance(60_000);
    expect([done.now, held()]).toEqual([{ value: undefined }, 0]);
    void queue.close();
    await clock.advance(60_000);
  });

  it('tells who asks for its dead that it could not be opened in time', async () => {
    const { clock, runtime } = world();
    const store = far<string>(clock, undefined, { open: () => new Promise(() => undefined) });
    const queue = new WorkQueue<string>(undefined, { store, runtime });
    const purged = fateOf(queue.dead.purge());
    await clock.advance(50);
    expect(purged.now).toBe('pending');
    void queue.close({ graceMs: 0, abortMs: 20 });
    await clock.advance(5_000);
    expect(purged.now).toBe('CLOSED');
  });
});

it('a lease that was settled by another does not hold', async () => {
  const { clock, runtime, held } = world();
  const store = new MemoryQueueStore<string>({ runtime });
  const queue = new WorkQueue<string>(undefined, { store, runtime });
  await queue.add('x');
  const [job] = await store.pull(1, day);
  await queue.add('y');
  expect(held()).toBe(1);
  expect(await store.settle([{ ...job!, kind: 'done' }])).toEqual([true]);
  await queue.add('z');
  expect(held()).toBe(0);
  void queue.close();
  await clock.advance(60_000);
});
