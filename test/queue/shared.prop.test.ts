/** Several queues on one store, in this process and as if far away: each job once, books that add up, and one may go. */
import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { type CloseReport, MemoryQueueStore, type QueueStore, WorkQueue } from '../../src/queue/index.ts';
import { runs, seed } from '../support/properties.ts';
import { far, setUp } from './far.ts';

type Queue = WorkQueue<string, string>;

const total = ({ done, dead, cancelled }: { done: number; dead: number; cancelled: number }): number =>
  done + dead + cancelled;

describe('queues of one process on one memory store', () => {
  it('each job runs once and is told of once, whichever queues add it, run it, and close', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(30), fc.nat(11)), { minLength: 1, maxLength: 30 }),
        fc.nat(200),
        async (count, closes, adds, closeAtMs) => {
          const { clock, runtime } = setUp();
          const store = new MemoryQueueStore<string>({ runtime });
          const [ran, told] = [new Map<string, number>(), new Map<string, number>()];
          const queues: Queue[] = Array.from({ length: count }, () => {
            const queue: Queue = new WorkQueue<string, string>(
              async (id) => {
                await clock.sleep(7);
                ran.set(id, (ran.get(id) ?? 0) + 1);
                return id;
              },
              { store, runtime, workers: 2 },
            );
            queue.on('done', ({ id }) => told.set(id, (told.get(id) ?? 0) + 1));
            return queue;
          });
          // The last one stays.
          const staying = queues.at(-1)!;
          const leaving = queues.slice(0, -1).slice(0, closes);
          const reports: Promise<CloseReport>[] = [];
          clock.setTimer(closeAtMs, () => {
            for (const queue of leaving) reports.push(queue.close());
          });
          const accepted: string[] = [];
          for (const [i, [by, afterMs, kind]] of adds.entries()) {
            await clock.advance(afterMs);
            const id = String(i);
            const queue = queues[by % count]!;
            const options = {
              id,
              ...(kind === 0 && { delayMs: 40 }),
              ...(kind % 3 === 1 && { key: 'k' }),
              ...(kind === 5 && { priority: 3 }),
            };
            await queue.add(id, options).then(
              () => accepted.push(id),
              (error: unknown) => {
                expect(leaving).toContain(queue);
                expect(error).toMatchObject({ code: 'CLOSED' });
              },
            );
          }
          const idle = staying.onIdle();
          await clock.advance(closeAtMs + 30_000);
          await idle;
          expect([...ran.keys()].sort()).toEqual([...accepted].sort());
          expect([...ran.values(), ...told.values()].every((times) => times === 1)).toBe(true);
          expect(queues.reduce((sum, queue) => sum + queue.stats().done, 0)).toBe(accepted.length);
          for (const queue of queues)
            expect(queue.stats()).toMatchObject({ waiting: 0, delayed: 0, leased: 0, active: 0 });
          for (const report of await Promise.all(reports)) {
            expect(report.accepted).toBe(total(report) + report.released + report.waiting);
          }
          for (const queue of queues) reports.push(queue.close());
          await clock.advance(20_000);
          await Promise.all(reports);
          expect(clock.pending).toBe(0);
        },
      ),
      { seed, numRuns: runs(3) },
    );
  });

  it('whoever waits for a result gets it, also when another queue has run the job', async () => {
    const { clock, runtime } = setUp();
    const store = new MemoryQueueStore<string>({ runtime });
    const asks = new WorkQueue<string, string>(undefined, { store, runtime });
    const works = new WorkQueue<string, string>(async (name) => `${name}!`, { store, runtime });
    expect(await asks.run('a')).toBe('a!');
    const settled: unknown[] = [];
    for await (const one of asks.addAll(['b', 'c'], { ordered: true }))
      settled.push(one.status === 'done' && one.value);
    expect(settled).toEqual(['b!', 'c!']);
    void asks.close();
    await clock.advance(20_000);
    expect(await works.run('d')).toBe('d!');
    void works.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('what one gives back when it closes, another takes', async () => {
    const { clock, runtime } = setUp();
    const store = new MemoryQueueStore<string>({ runtime });
    const leaves = new WorkQueue<string, string>(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
      { store, runtime, workers: 3 },
    );
    for (const name of ['a', 'b', 'c', 'd']) await leaves.add(name);
    const ran: unknown[] = [];
    const stays = new WorkQueue<string, string>(
      async (name, { attempt }) => {
        ran.push([name, attempt]);
        return name;
      },
      { store, runtime, workers: 1, paused: true },
    );
    const closing = leaves.close({ graceMs: 10 });
    await clock.advance(5_000);
    expect(await closing).toMatchObject({ accepted: 4, done: 0, released: 3, waiting: 1, abandoned: 0 });
    stays.resume();
    await clock.advance(10);
    expect(ran.sort()).toEqual(['a', 'b', 'c', 'd'].map((name) => [name, 1]));
    void stays.close();
    await clock.advance(20_000);
  });
});

/** A memory store that is far away and says that others pull from it too. */
function sharedFar(
  clock: VirtualClock,
  inner: MemoryQueueStore<string>,
  own: Partial<QueueStore<string>> = {},
): QueueStore<string> {
  return { ...far(clock, inner, own), caps: { ...inner.caps, shared: true } };
}

describe('queues on a store that several processes share', () => {
  it.each(['retry', 'lost', 'redriven'] as const)('a job without a ticket that is %s is counted once', async (how) => {
    const { clock, runtime } = setUp();
    const inner = new MemoryQueueStore<string>({ runtime });
    const store = sharedFar(clock, inner, how === 'lost' ? { extend: () => Promise.reject(new Error('no')) } : {});
    let started = 0;
    const queue = new WorkQueue<string, string>(
      async (name) => {
        if (started++ > 0) return name;
        if (how === 'lost') await clock.sleep(5_000);
        throw new Error('once');
      },
      {
        store,
        runtime,
        workers: 2,
        budget: false,
        lease: { ms: 300, renewMs: 100 },
        retry: { attempts: how === 'redriven' ? 1 : 3 },
      },
    );
    await clock.advance(20);
    void queue.add('ours');
    await clock.advance(20);
    if (how === 'redriven') {
      await clock.advance(1_000);
      void queue.dead.redrive();
    }
    await inner.put([{ id: 'theirs', data: 'theirs' }], { max: 10, overflow: 'reject' });
    await clock.advance(20_000);
    expect(started).toBe(3);
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 2, dead: 0, waiting: 0, delayed: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(20_000);
    expect(await closing).toMatchObject({ accepted: 2, done: 2, waiting: 0 });
  });

  it('who waits for a job that another queue has taken back is not told the end of the next one with its id', async () => {
    const { clock, runtime } = setUp();
    const inner = new MemoryQueueStore<string>({ runtime });
    const asks = new WorkQueue<string, string>(undefined, { store: sharedFar(clock, inner), runtime });
    const works = new WorkQueue<string, string>(async (name) => name, { store: sharedFar(clock, inner), runtime });
    works.pause();
    await clock.advance(50);
    const told: unknown[] = [];
    const hear = (promise: Promise<unknown>): void => {
      promise.then(
        (value) => told.push(value),
        (error: unknown) => told.push((error as { readonly code?: unknown }).code),
      );
    };
    hear(asks.run('first', { id: 'x' }));
    await clock.advance(50);
    hear(works.cancel('x'));
    await clock.advance(50);
    hear(asks.run('second', { id: 'x' }));
    await clock.advance(50);
    expect(told).toEqual([true, 'CLOSED']);
    works.resume();
    for (const queue of [asks, works]) void queue.close({ graceMs: 0 });
    await clock.advance(20_000);
    expect(told).toEqual([true, 'CLOSED', 'CLOSED']);
  });

  it('a queue whose workers are never all idle grows for what others have added', async () => {
    const { clock, runtime } = setUp();
    const inner = new MemoryQueueStore<string>({ runtime });
    // One that gives no hints.
    const store = sharedFar(clock, inner, { wake: () => () => undefined });
    const queue = new WorkQueue<string, void>(() => clock.sleep(30), {
      ...{ store, runtime, workers: { min: 1, max: 8 }, pollMs: 500 },
    });
    const theirs = Array.from({ length: 2_000 }, (_, i) => ({ id: String(i), data: 'one of another process' }));
    for (let ms = 0; ms < 10_000; ms += 40) {
      if (ms === 2_000) await inner.put(theirs, { max: 10_000, overflow: 'reject' });
      void queue.add('own'); // about as much as one worker can do: something is asked all the time
      await clock.advance(40);
    }
    expect(queue.stats().workers).toBe(8);
    void queue.close({ graceMs: 0 });
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('a job whose deadline passes while the store is asked for it has one end', async () => {
    const { clock, runtime } = setUp();
    const slow = far(clock, new MemoryQueueStore<string>({ runtime }), {}, 20);
    let started = 0;
    const queue = new WorkQueue<string, number>(() => ++started, { store: slow, runtime, paused: true });
    await clock.advance(100);
    const dead: unknown[] = [];
    queue.on('dead', ({ id }) => dead.push(id));
    const result = queue.run('a', { id: 'a', deadline: 100 });
    const refused = expect(result).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await clock.advance(90);
    queue.resume(); // asks now; the store gets the question when the deadline is over here, and not yet there
    await clock.advance(5_000);
    await refused;
    expect([started, dead]).toEqual([0, ['a']]);
    expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, leased: 0 });
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('under failures, lost leases and lost calls, each job ends once and the books of all queues add up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 3 }), fc.boolean(), async (draw, count, shared) => {
        const clock = new VirtualClock();
        const random = seededRandom(draw).stream('world');
        const runtime = { clock, random: seededRandom(draw).stream('own') };
        const inner = new MemoryQueueStore<string>({ runtime });
        const ends = new Map<string, number>();
        const queues = Array.from({ length: shared ? count : 1 }, () => {
          const own: Partial<QueueStore<string>> = {
            extend: async (leases, leaseMs) => {
              await clock.sleep(random() < 0.2 ? 400 : 3);
              return inner.extend(leases, leaseMs);
            },
          };
          const store = shared ? sharedFar(clock, inner, own) : far(clock, inner, own);
          const queue = new WorkQueue<string, string>(
            async (name) => {
              await clock.sleep(random() * 500);
              if (random() < 0.3) throw new Error('now and then');
              return name;
            },
            {
              store,
              runtime,
              workers: 3,
              budget: false,
              maxCrashes: 50,
              lease: { ms: 300, renewMs: 100 },
              retry: { attempts: 60, backoff: { baseMs: 20, maxMs: 200 } },
            },
          );
          queue.on('done', ({ id }) => ends.set(id, (ends.get(id) ?? 0) + 1));
          queue.on('dead', ({ id }) => ends.set(id, (ends.get(id) ?? 0) + 1));
          return queue;
        });
        await clock.advance(20);
        const ids = Array.from({ length: 20 }, (_, i) => String(i));
        for (const [i, id] of ids.entries()) {
          const queue = queues[i % queues.length]!;
          // Half of them with somebody who waits for the result.
          void (i % 2 === 0 ? queue.add(id, { id }) : queue.run(id, { id }).catch(() => undefined));
          await clock.advance(random() * 40);
        }
        await clock.advance(120_000);
        expect([...ends.keys()].sort()).toEqual([...ids].sort());
        expect([...ends.values()].every((times) => times === 1)).toBe(true);
        expect(queues.reduce((sum, queue) => sum + total(queue.stats()), 0)).toBe(ids.length);
        if (queues.length === 1) expect(queues[0]!.stats().accepted).toBe(ids.length);
        for (const queue of queues)
          expect(queue.stats()).toMatchObject({ leased: 0, active: 0, waiting: 0, delayed: 0 });
        const closings = queues.map((queue) => queue.close());
        await clock.advance(20_000);
        for (const report of await Promise.all(closings)) {
          expect(report.accepted).toBe(total(report) + report.released + report.waiting);
        }
        expect(clock.pending).toBe(0);
      }),
      { seed, numRuns: runs(1) },
    );
  });
});
