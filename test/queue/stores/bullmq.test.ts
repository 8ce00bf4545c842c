import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { queueStoreSuite, seededRandom } from 'holdfast/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LeasedJob, NewJob } from '../../../src/queue/index.ts';
import { BullMQQueueStore } from '../../../src/queue/stores/bullmq.ts';
import { counted } from '../../support/ledger.ts';
import { startProxy } from '../../support/proxy.ts';
import { describeWith, type Server } from '../../support/servers.ts';
import { type BullEnds, type Kind, openEnds, OwnBullStore, programs, startServer } from './bull.ts';

const room = { max: 10_000, overflow: 'reject' } as const;
const jobsOf = (...ids: readonly string[]): NewJob<unknown>[] => ids.map((id) => ({ id, data: id }));

describe.each<Kind>(['Redis', 'PostgreSQL'])('BullMQQueueStore over %s', (kind) => {
  describeWith(programs[kind], 'on a real server', () => {
    let server: Server;
    beforeAll(async () => void (server = await startServer(kind)));
    afterAll(() => server.stop());

    const opened: { close(): Promise<void> }[] = [];
    const ends = async (name: string, url = server.url): Promise<BullEnds> => {
      const made = await openEnds(kind, url, name);
      opened.push(made);
      return made;
    };
    const open = async (name: string, url?: string): Promise<BullMQQueueStore<unknown>> => {
      const { queue, worker } = await ends(name, url);
      return new BullMQQueueStore(queue, worker);
    };
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    queueStoreSuite(
      async (name) => new OwnBullStore(await openEnds(kind, server.url, name)),
      { describe, it },
      { leaseMs: 300, sequences: 8, steps: 40 },
    );

    it('has the server itself refuse a fence that is stale, whoever asks', async () => {
      const [one, other, third] = [await open('stale'), await open('stale'), await open('stale')];
      await one.put(jobsOf('a'), room);
      const [lost] = await one.pull(1, 100);
      let next: LeasedJob<unknown> | undefined;
      while (next === undefined) {
        await sleep(20);
        [next] = await other.pull(1, 60_000);
      }
      // One that has not pulled the job knows nothing of it but what it is told.
      const stale = { id: 'a', fence: lost!.fence };
      expect(await third.extend([stale], 60_000)).toEqual([false]);
      for (const kind of ['done', 'cancelled'] as const)
        expect(await third.settle([{ ...stale, kind }])).toEqual([false]);
      for (const kind of ['retry', 'release'] as const) {
        expect(await third.settle([{ ...stale, kind, delayMs: 0, error: 'late' }])).toEqual([false]);
      }
      expect(await third.settle([{ ...stale, kind: 'dead', reason: 'failed', error: 'late' }])).toEqual([false]);
      expect(await third.extend([next], 60_000)).toEqual([true]);
      expect(await third.settle([{ id: 'a', fence: next.fence, kind: 'done' }])).toEqual([true]);
    });

    it('has fences that a database can keep', async () => {
      const store = await open('fences');
      await store.put(jobsOf('a'), room);
      for (let i = 0; i < 5; i++) {
        const [job] = await store.pull(1, 60_000);
        expect(job!.fence < 2n ** 63n).toBe(true);
        await store.settle([{ ...job!, kind: 'release', delayMs: 0 }]);
      }
    });

    it('claims many at once where it may', async () => {
      const { queue, worker } = await ends('claims');
      const store = new BullMQQueueStore<unknown>(queue, worker, { claims: 8 });
      const ids = Array.from({ length: 50 }, (_, i) => `job ${String(i)}`);
      await store.put(jobsOf(...ids), room);
      const jobs = [...(await store.pull(20, 60_000)), ...(await store.pull(100, 30_000))];
      const found = jobs.map(({ id }) => id);
      expect(kind === 'Redis' ? found : found.sort()).toEqual(kind === 'Redis' ? ids : [...ids].sort());
    });

    it('works on what others add with BullMQ itself', async () => {
      const { queue, worker } = await ends('theirs');
      const store = new BullMQQueueStore<unknown>(queue, worker);
      const theirs = queue as unknown as Queue;
      await theirs.add('mail', { to: 'ann' }, { attempts: 3 });
      await theirs.add('mail', { to: 'bob' }, { jobId: 'of their own' });
      const jobs = await store.pull(2, 60_000);
      expect(jobs.map(({ id, data, settings }) => [id, data, settings])).toEqual([
        ['bullmq:1', { to: 'ann' }, { attempts: 3, type: 'mail' }],
        ['bullmq:of their own', { to: 'bob' }, expect.objectContaining({ type: 'mail' })],
      ]);
      await store.settle([
        { ...jobs[0]!, kind: 'done' },
        { ...jobs[1]!, kind: 'dead', reason: 'discarded', error: 'gone' },
      ]);
      expect(await store.dead.redrive(['bullmq:of their own'])).toBe(1);
      expect((await store.pull(2, 60_000)).map(({ id, data }) => [id, data])).toEqual([
        ['bullmq:of their own', { to: 'bob' }],
      ]);
    });

    it('refuses what BullMQ cannot do', async () => {
      const { queue, worker } = await ends('refuses');
      const store = new BullMQQueueStore<unknown>(queue, worker);
      const unsupported = expect.objectContaining({ code: 'UNSUPPORTED' }) as unknown;
      const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown;
      await expect(store.put([{ id: 'a', data: 0, key: 'k' }], room)).rejects.toEqual(unsupported);
      await expect(store.put(jobsOf('a'), { max: 1, overflow: 'dropOldest' })).rejects.toEqual(unsupported);
      const dedupe = { id: 'x', mode: 'replace' } as const;
      await expect(store.put([{ id: 'a', data: 0, dedupe }], room)).rejects.toEqual(unsupported);
      await expect(store.put([{ id: 'a', data: 0, priority: 0.5 }], room)).rejects.toEqual(invalid);
      await expect(store.put([{ id: 'a', data: 0, priority: 2 ** 20 }], room)).rejects.toEqual(invalid);
      await expect(store.put(jobsOf('bullmq:1'), room)).rejects.toEqual(invalid);
      await expect(store.pull(1, 2 ** 31)).rejects.toEqual(invalid);
      expect((await store.counts()).waiting).toBe(0);
      expect(() => new BullMQQueueStore(queue, {} as never)).toThrow('worker must be a Worker');
      expect(() => new BullMQQueueStore({ name: 'refuses' } as never, worker)).toThrow('queue must be a Queue');
      const another = await ends('another');
      expect(() => new BullMQQueueStore(queue, another.worker)).toThrow('worker must be of the queue "refuses"');
      const running = Object.assign(Object.create(worker) as typeof worker, { isRunning: () => true });
      expect(() => new BullMQQueueStore(queue, running)).toThrow('made without a processor');
    });

    it('keeps to the room when one process puts many times at once', async () => {
      const store = await open('room');
      const puts = Array.from({ length: 20 }, (_, i) =>
        store.put(jobsOf(`a${String(i)}`, `b${String(i)}`), { ...room, max: 15 }),
      );
      const results = (await Promise.all(puts)).flat();
      expect(results.filter(({ status }) => status === 'added')).toHaveLength(15);
      expect((await store.counts()).waiting).toBe(15);
    });

    it('wakes who listens when another process adds, and when a delay is over', async () => {
      const [one, other] = [await open('wakes'), await open('wakes')];
      let wakes = 0;
      const pulls: Promise<unknown>[] = [];
      const end = one.wake(() => {
        wakes++;
        pulls.push(one.pull(10, 60_000));
      });
      const wokenWithin = async (ms: number): Promise<boolean> => {
        const before = wakes;
        for (const until = performance.now() + ms; performance.now() < until;) {
          if (wakes > before && (await other.counts()).leased === held) return true;
          await sleep(10);
        }
        return false;
      };
      let held = 1;
      await sleep(100);
      await other.put(jobsOf('a'), room);
      expect(await wokenWithin(5_000)).toBe(true);
      held = 2;
      await other.put([{ id: 'b', data: 0, delayMs: 300 }], room);
      expect(await wokenWithin(5_000)).toBe(true);
      end();
      await Promise.all(pulls);
      await one.close();
    });

    it('goes on when its connections were lost, and when the server was', async () => {
      const proxy = await startProxy(server);
      const url = server.url.replace(`:${String(server.port)}`, `:${String(proxy.port)}`);
      const store = await open('lost', url);
      const accepted = new Set<string>();
      const ended = new Set<string>();
      const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
        for (let tries = 0; ; tries++) {
          try {
            return await call();
          } catch (error) {
            if (tries > 200) throw error;
            await sleep(50);
          }
        }
      };
      const disasters = [() => proxy.cut(), () => server.restart(), () => proxy.cut()];
      for (let round = 0; round < 12; round++) {
        const ids = Array.from({ length: 5 }, (_, i) => `${String(round)}-${String(i)}`);
        const disaster = round % 4 === 1 ? disasters[(round - 1) / 4] : undefined;
        const breaking = disaster === undefined ? undefined : sleep(2).then(disaster);
        // A put that failed may have been done: it is repeated, and then they are duplicates.
        await patiently(() => store.put(jobsOf(...ids), room));
        for (const id of ids) accepted.add(id);
        await breaking;
        for (const job of await patiently(() => store.pull(3, 500))) {
          if ((await patiently(() => store.settle([{ ...job, kind: 'done' }])))[0] === true) ended.add(job.id);
        }
      }
      for (let tries = 0; tries < 200; tries++) {
        for (const job of await patiently(() => store.pull(20, 500))) {
          ended.add(job.id);
          await patiently(() => store.settle([{ ...job, kind: 'done' }]));
        }
        const { waiting, delayed, leased } = await patiently(() => store.counts());
        if (waiting + delayed + leased === 0) break;
        await sleep(50);
      }
      const lost = [...accepted].filter((id) => !ended.has(id));
      // A settlement whose answer was lost may have been done: at most those that were under way.
      expect(lost.length).toBeLessThanOrEqual(3);
      const { waiting, delayed, leased, dead } = await store.counts();
      expect([waiting, delayed, leased, dead]).toEqual([0, 0, 0, 0]);
      await proxy.stop();
    });

    it('misses nothing that was accepted when processes that hold leases are killed', async () => {
      const random = seededRandom(7);
      const name = 'killed';
      const store = await open(name);
      const ran = new Set<string>();
      let crashes = 0;
      const children = new Set<ChildProcess>();
      const start = async (): Promise<ChildProcess> => {
        const file = join(import.meta.dirname, 'bull-process.ts');
        const child = fork(file, [kind, server.url, name], { execArgv: ['--import', 'tsx'] });
        children.add(child);
        await once(child, 'message');
        child.on('message', (told: { readonly ran?: string; readonly crashes?: number }) => {
          if (told.ran !== undefined) ran.add(told.ran);
          crashes = Math.max(crashes, told.crashes ?? 0);
        });
        return child;
      };
      const kill = async (child: ChildProcess): Promise<void> => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        counted('killed');
        await gone;
        children.delete(child);
      };
      try {
        const ids = Array.from({ length: 500 }, (_, i) => `job ${String(i)}`);
        const adding = (async () => {
          for (let i = 0; i < 500; i += 20) {
            const results = await store.put(jobsOf(...ids.slice(i, i + 20)), room);
            expect(results.every(({ status }) => status === 'added')).toBe(true);
            await sleep(50);
          }
        })();
        const ready = [start(), start()];
        for (let kills = 0; kills < 6; kills++) {
          const child = await ready.shift()!;
          ready.push(start());
          const holding = once(child, 'message');
          child.send('go');
          await holding;
          await sleep(random() * 40);
          await kill(child);
        }
        await adding;
        for (const child of await Promise.all(ready)) child.send('go');
        for (;;) {
          const { waiting, delayed, leased } = await store.counts();
          if (waiting + delayed + leased === 0) break;
          await sleep(100);
        }
        await sleep(100);
        expect(ids.filter((id) => !ran.has(id))).toEqual([]);
        expect((await store.counts()).dead).toBe(0);
        // They were killed with leases in hand.
        expect(crashes).toBeGreaterThan(0);
      } finally {
        await Promise.all([...children].map(kill));
      }
    }, 240_000);
  });
});
