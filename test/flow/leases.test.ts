/*
 * Leases of a queue whose store is far away, through a whole graph: jobs wait in a map, a copy, a barrier and a slow sink for
 * many times as long as their lease.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runtime } from 'holdfast/core';
import { barrier, copy, each, type Flow, type Joined, map } from 'holdfast/flow';
import { MemoryQueueStore, type QueueStore, WorkQueue } from 'holdfast/queue';
import { JournalQueueStore } from 'holdfast/queue/journal';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { far } from '../queue/far.ts';
import { rejectionOf, steady } from '../support/serving.ts';
import { upTo } from './support.ts';

interface Photo {
  readonly id: string;
  readonly batch: string;
}

const leaseMs = 300;
const photos = upTo(12).map((n) => ({ id: `p${String(n)}`, batch: `b${String(n % 3)}` }));

/** The photos of a queue, worked on, copied to two, and joined by batch for one of them. */
function graph(
  queue: WorkQueue<Photo>,
  runtime: Runtime,
): { readonly sets: Flow<Joined<Photo>>; readonly list: Flow<Photo> } {
  const worked = map(
    queue.consume(),
    async (photo) => {
      await runtime.clock.sleep(100);
      return photo;
    },
    { concurrency: 2, runtime },
  );
  const { tag, list } = copy(worked, ['tag', 'list'], { runtime });
  const sets = barrier(tag, {
    key: ({ batch }) => batch,
    part: ({ id }) => id,
    expect: () => 4,
    timeoutMs: 600_000,
    runtime,
  });
  return { sets, list };
}

function queueOver(store: QueueStore<Photo>, runtime: Runtime): { queue: WorkQueue<Photo>; lost: unknown[] } {
  const lease = { ms: leaseMs, renewMs: 100 };
  const retry = { attempts: 5, backoff: { baseMs: 5, maxMs: 5 } };
  const queue = new WorkQueue<Photo>(undefined, { store, runtime, lease, retry, pollMs: 20, budget: false });
  const lost: unknown[] = [];
  queue.on('leaseLost', (event) => lost.push(event));
  return { queue, lost };
}

const stores: readonly (readonly [
  string,
  (clock: VirtualClock, folder: string) => { store: QueueStore<Photo>; rival: Pick<QueueStore<Photo>, 'pull'> },
])[] = [
  [
    'of a store in another process',
    (clock) => {
      const inner = new MemoryQueueStore<Photo>({ runtime: steady(clock, 0.5) });
      return { store: far(clock, inner), rival: inner };
    },
  ],
  [
    'of a journal on disk',
    (clock, folder) => {
      const store = new JournalQueueStore<Photo>(folder, { runtime: steady(clock, 0.5) });
      return { store, rival: store };
    },
  ],
];

describe.each(stores)('leases %s', (_, open) => {
  /** Time goes on when no call of the store is under way: what the disk takes is not of this clock. */
  async function run(
    work: (at: {
      clock: VirtualClock;
      runtime: Runtime;
      queue: WorkQueue<Photo>;
      lost: unknown[];
      rival: () => Promise<number>;
      pass: (ms: number) => Promise<void>;
    }) => Promise<void>,
  ): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-leases-'));
    try {
      const clock = new VirtualClock();
      const { store, rival } = open(clock, folder);
      let busy = 0;
      const awaited = new Proxy(store, {
        get(target, name) {
          const of: unknown = Reflect.get(target, name, target);
          if (typeof of !== 'function' || name === 'wake')
            return typeof of === 'function' ? (of.bind(target) as unknown) : of;
          return async (...args: unknown[]): Promise<unknown> => {
            busy++;
            return await (of.apply(target, args) as Promise<unknown>).finally(() => busy--);
          };
        },
      });
      const onDisk = store === rival;
      const pass = async (ms: number): Promise<void> => {
        for (let passed = 0; passed < ms; passed += 5) {
          await clock.advance(5);
          while (onDisk && busy > 0) await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const runtime = steady(clock, 0.5);
      const { queue, lost } = queueOver(awaited, runtime);
      const adding = Promise.all(photos.map((photo) => queue.add(photo, { id: photo.id })));
      await pass(50);
      await adding;
      await work({ clock, runtime, queue, lost, rival: async () => (await rival.pull(20, 1)).length, pass });
      const closing = queue.close({ graceMs: 0 });
      await pass(100);
      await closing;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('are kept wherever a job waits, and each is done once', { timeout: 120_000 }, async () => {
    await run(async ({ clock, runtime, queue, lost, rival, pass }) => {
      const { sets, list } = graph(queue, runtime);
      const stop = new AbortController();
      const tagged: string[] = [];
      const listed: string[] = [];
      const attempts = new Set<number>();
      const ended = Promise.allSettled([
        each(
          sets,
          async ({ parts }, { attempt }) => {
            await clock.sleep(1_000);
            attempts.add(attempt);
            tagged.push(...parts.keys());
          },
          { signal: stop.signal, runtime },
        ),
        each(list, ({ id }) => listed.push(id), { signal: stop.signal, runtime }),
      ]);
      await pass(1_000);
      // All have been read, and none is settled but those of the first set. Whoever else pulls gets nothing.
      expect([listed.length, queue.stats().leased]).toEqual([12, 12]);
      for (let i = 0; i < 30; i++) {
        expect(await rival()).toBe(0);
        await pass(100);
      }
      const ids = photos.map(({ id }) => id).sort();
      expect([tagged.sort(), listed.sort()]).toEqual([ids, ids]);
      expect([lost, [...attempts], queue.stats().done, queue.stats().leased]).toEqual([[], [1], 12, 0]);
      stop.abort();
      await pass(20);
      await ended;
    });
  });

  it(
    'are kept while a sink hangs; when it is called off, its jobs go back and come again',
    { timeout: 120_000 },
    async () => {
      await run(async ({ runtime, queue, lost, pass }) => {
        const { sets, list } = graph(queue, runtime);
        const stop = new AbortController();
        const options = { signal: stop.signal, graceMs: 50, runtime };
        const hanging = rejectionOf(() => each(sets, () => new Promise(() => undefined), options));
        const listing = rejectionOf(() => each(list, () => undefined, options));
        await pass(5 * leaseMs);
        expect([queue.stats().leased, queue.stats().done, lost]).toEqual([12, 0, []]);
        stop.abort('called off');
        await pass(200);
        expect([await hanging, await listing]).toEqual(['called off', 'called off']);
        expect(queue.stats().leased).toBe(0);
        const again: (readonly [string, number])[] = [];
        const enough = new AbortController();
        const working = rejectionOf(() =>
          each(queue.consume(), ({ id }, { attempt }) => again.push([id, attempt]), { signal: enough.signal, runtime }),
        );
        await pass(300);
        enough.abort('enough');
        await pass(20);
        await working;
        // No attempt was charged: who has left has not failed.
        expect(again.sort()).toEqual(photos.map(({ id }) => [id, 1]).sort());
        expect([queue.stats().done, queue.stats().dead, lost]).toEqual([12, 0, []]);
      });
    },
  );
});
