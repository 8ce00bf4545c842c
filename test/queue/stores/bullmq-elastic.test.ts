import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { elastic, type ElasticBullWorker } from '../../../src/queue/stores/bullmq.ts';
import { describeWith } from '../../support/servers.ts';
import { type Kind, programs, startServer } from './bull.ts';

type Listener = (job?: { readonly id?: string | undefined }) => void;

/** What a worker tells, by hand. */
class FakeWorker implements ElasticBullWorker {
  concurrency = 1;
  waiting = 0;
  asked = 0;
  failing = false;
  readonly running: { readonly id: string; readonly endMs: number }[] = [];
  readonly listeners = new Map<string, Set<Listener>>();

  getBackend() {
    return {
      getCounts: async () => {
        this.asked++;
        if (this.failing) throw new Error('no server');
        return [0, this.waiting];
      },
    };
  }

  on(event: string, listener: Listener): void {
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(listener));
  }

  off(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  tell(event: 'active' | 'completed' | 'failed', id?: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener(id === undefined ? undefined : { id });
  }
}

/** Runs jobs of a length for a while, as BullMQ would with the concurrency that is set; the most that ran. */
async function serve(worker: FakeWorker, clock: VirtualClock, serviceMs: number, forMs: number): Promise<number> {
  const { running } = worker;
  let most = 0;
  const until = clock.now() + forMs;
  for (let count = 0; clock.now() < until;) {
    while (running.length > 0 && running[0]!.endMs <= clock.now()) worker.tell('completed', running.shift()!.id);
    for (; running.length < worker.concurrency && worker.waiting > 0; worker.waiting--) {
      const id = `job ${String(clock.now())}-${String(count++)}`;
      running.push({ id, endMs: clock.now() + serviceMs });
      worker.tell('active', id);
    }
    most = Math.max(most, running.length);
    await clock.advance(10);
  }
  return most;
}

describe('elastic', () => {
  const setting = () => {
    const clock = new VirtualClock();
    return { clock, worker: new FakeWorker(), runtime: { clock, random: seededRandom(1) } };
  };

  it('follows the work up and down, within its bounds', async () => {
    const { clock, worker, runtime } = setting();
    const scaling = elastic(worker, { workers: { min: 2, max: 20 }, runtime });
    expect(worker.concurrency).toBe(2);
    worker.waiting = 2_000;
    const most = await serve(worker, clock, 100, 5_000);
    expect(most).toBe(20);
    worker.waiting = 0;
    await serve(worker, clock, 100, 30_000);
    expect(worker.concurrency).toBe(2);
    expect(scaling.stats().workers).toBe(2);
  });

  it('asks nobody at rest, and goes on when a job begins', async () => {
    const { clock, worker, runtime } = setting();
    elastic(worker, { pollMs: 100, runtime });
    await clock.advance(10_000);
    expect(worker.asked).toBe(1);
    worker.tell('active', 'a');
    await clock.advance(1_000);
    expect(worker.asked).toBeGreaterThan(5);
    worker.tell('failed', 'a');
    worker.tell('failed');
    await clock.advance(1_000);
    const asked = worker.asked;
    await clock.advance(10_000);
    expect(worker.asked).toBe(asked);
    expect(clock.pending).toBe(0);
  });

  it('counts its share only, and survives a server that does not answer', async () => {
    const { clock, worker, runtime } = setting();
    const half = elastic(worker, { workers: { min: 1, max: 100 }, share: 0.5, runtime });
    worker.waiting = 100;
    worker.tell('active', 'a');
    await clock.advance(500);
    worker.failing = true;
    await clock.advance(500);
    expect(half.stats().arrivalsPerSecond).toBeLessThan(100);
    half.close();
    half.close();
    const before = worker.concurrency;
    worker.failing = false;
    worker.tell('active', 'b');
    await clock.advance(5_000);
    expect(worker.concurrency).toBe(before);
    expect([...worker.listeners.values()].every(({ size }) => size === 0)).toBe(true);
  });

  it('never sets what BullMQ refuses', async () => {
    const { clock, worker, runtime } = setting();
    elastic(worker, { workers: { min: 0, max: 5 }, runtime });
    expect(worker.concurrency).toBe(1);
    await clock.advance(1_000);
    expect(worker.concurrency).toBe(1);
    expect(() => elastic({} as never)).toThrow('worker must be a Worker');
    expect(() => elastic(worker, { share: 0 })).toThrow('share must be a number above 0, at most 1, got 0');
  });

  describe.each<Kind>(['Redis', 'PostgreSQL'])('over %s', (kind) => {
    describeWith(programs[kind], 'on a real server', () => {
      it('has a real worker run more jobs at once', async () => {
        const server = await startServer(kind);
        let [running, most] = [0, 0];
        const process = async (): Promise<void> => {
          running++;
          most = Math.max(most, running);
          await sleep(50);
          running--;
        };
        const [queue, worker] =
          kind === 'Redis'
            ? ([
                new Queue('e', { connection: { url: server.url } }),
                new Worker('e', process, { connection: { url: server.url } }),
              ] as const)
            : ([
                new Queue('e', { connection: { connectionString: server.url, migrate: true } }, createPostgresBackend),
                new Worker(
                  'e',
                  process,
                  { connection: { connectionString: server.url, migrate: true } },
                  createPostgresBackend,
                ),
              ] as const);
        queue.on('error', () => undefined);
        worker.on('error', () => undefined);
        const scaling = elastic(worker, { workers: { min: 1, max: 8 }, pollMs: 50, elastic: { tickMs: 50 } });
        await queue.addBulk(Array.from({ length: 300 }, (_, i) => ({ name: 'job', data: i })));
        const until = performance.now() + 30_000;
        while ((await queue.getCompletedCount()) < 300 && performance.now() < until) await sleep(50);
        expect(await queue.getCompletedCount()).toBe(300);
        expect(most).toBe(8);
        scaling.close();
        await worker.close();
        await queue.close();
        await server.stop();
      });
    });
  });
});
