/** What the guide to migrating says of peers, and of us beside them. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Queue, Worker } from 'bullmq';
import PQueue from 'p-queue';
import { VirtualClock } from 'holdfast/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { Election, MemoryLeaseStore } from '../../src/election/index.ts';
import { HashRing } from '../../src/hashing/index.ts';
import { WorkQueue } from '../../src/queue/index.ts';
import { BullMQQueueStore } from '../../src/queue/stores/bullmq.ts';
import { describeWith, type Server, startRedis } from '../support/servers.ts';

const installed = existsSync(join(root, 'bench/node_modules/hashring'));
const peers = createRequire(join(root, 'bench/package.json'));
const load = async <M>(name: string): Promise<M> => (await import(pathToFileURL(peers.resolve(name)).href)) as M;

/** How many of a handler run at once, at most, and when all have ended. */
class Crowd {
  most = 0;
  #now = 0;

  async take(ms: number): Promise<void> {
    this.#now++;
    this.most = Math.max(this.most, this.#now);
    await sleep(ms);
    this.#now--;
  }
}

describe.skipIf(!installed)('hashring (needs: npm run bench:peers)', () => {
  interface Peer {
    readonly ring: readonly unknown[];
    get(key: string): string;
    range(key: string, size: number): string[];
    add(server: string): this;
  }
  type MakePeer = new (servers: unknown, algorithm?: string, options?: object) => Peer;
  let Hashring: MakePeer;
  beforeAll(async () => {
    ({ default: Hashring } = await load<{ default: MakePeer }>('hashring'));
  });
  const keys = Array.from({ length: 2_000 }, (_, i) => `user:${String(i)}`);
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.0.0.${String(i)}:11211`);
  const differing = (peer: Peer, ring: HashRing): number =>
    keys.filter((key) => peer.get(key) !== ring.get(key)?.id).length;

  test('rounds its points down at eight sizes up to 120, as we do at one, and else has those of ketama', () => {
    const sizes = Array.from({ length: 120 }, (_, i) => i + 1);
    const odd = sizes.filter((count) => new Hashring(ids(count)).ring.length !== 160 * count);
    expect(odd).toEqual([7, 14, 28, 49, 56, 98, 103, 112]);
    for (const count of [1, 2, 6, 8, 30, 100]) {
      expect(differing(new Hashring(ids(count)), new HashRing(ids(count), { compat: 'ketama' }))).toBe(0);
    }
    for (const count of [7, 14, 61]) {
      const share = differing(new Hashring(ids(count)), new HashRing(ids(count), { compat: 'ketama' })) / keys.length;
      expect(share).toBeGreaterThan(0.01);
      expect(share).toBeLessThan(0.04);
    }
  });

  test('moves keys between servers that stay when such a size is reached', () => {
    const six = new HashRing(ids(6), { compat: 'ketama' });
    const seven = six.with(ids(7)[6]!);
    const peer = new Hashring(ids(6));
    const before = keys.map((key) => peer.get(key));
    peer.add(ids(7)[6]!);
    const strayed = (after: (key: string) => string | undefined, was: readonly (string | undefined)[]): number =>
      keys.filter((key, i) => after(key) !== was[i] && after(key) !== ids(7)[6]).length;
    expect(strayed((key) => peer.get(key), before)).toBeGreaterThan(0);
    const ours = keys.map((key) => six.get(key)?.id);
    expect(strayed((key) => seven.get(key)?.id, ours)).toBe(0);
  });

  test('has the same replicas and the same weights', () => {
    const weights = { 'a:1': { weight: 1 }, 'b:1': { weight: 2 }, 'c:1': { weight: 3 } };
    const peer = new Hashring(weights);
    const ring = new HashRing(
      Object.entries(weights).map(([id, { weight }]) => ({ id, weight })),
      { compat: 'ketama' },
    );
    expect(differing(peer, ring)).toBe(0);
    for (const key of keys.slice(0, 200)) expect(ring.getN(key, 2).map(({ id }) => id)).toEqual(peer.range(key, 2));
    expect(new Hashring([]).get('a')).toBeUndefined();
    const none: readonly string[] = [];
    expect(new HashRing(none, { compat: 'ketama' }).get('a')).toBeUndefined();
    expect(new HashRing([{ id: 'a', weight: 0 }], { compat: 'ketama' }).get('a')).toBeUndefined();
    const twice = (): HashRing => new HashRing(['a', 'a'], { compat: 'ketama' });
    expect(twice).toThrow();
  });
});

describe('p-queue', () => {
  test('frees the place of what has timed out and runs on; here it is held', async () => {
    const [theirs, ours] = [new Crowd(), new Crowd()];
    const peer = new PQueue({ concurrency: 1, timeout: 10 });
    await Promise.all([1, 2].map(() => peer.add(() => theirs.take(60)).catch(() => undefined)));
    const queue = new WorkQueue(() => ours.take(60), { workers: 1, timeoutMs: 10, retry: { attempts: 1 } });
    await Promise.all([1, 2].map((n) => queue.run(n).catch(() => undefined)));
    expect([theirs.most, ours.most]).toEqual([2, 1]);
    await queue.close();
  });

  test('leaves those who wait for what was cleared; here they are told', async () => {
    const peer = new PQueue({ concurrency: 1, autoStart: false });
    let told = false;
    void peer.add(async () => 1).finally(() => (told = true));
    peer.clear();
    peer.start();
    await peer.onIdle();
    await sleep(20);
    expect(told).toBe(false);

    const queue = new WorkQueue(async (n: number) => n, { paused: true });
    const job = await queue.add(1, { id: 'a' });
    await queue.cancel('a');
    await expect(job.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await queue.close();
  });

  test('tries once; here it is five times, unless told otherwise', async () => {
    const attempts = { peer: 0, queue: 0, once: 0 };
    const failing = (who: keyof typeof attempts) => async (): Promise<never> => {
      attempts[who]++;
      throw new Error('no');
    };
    await new PQueue().add(failing('peer')).catch(() => undefined);
    const clock = new VirtualClock();
    const runtime = { clock, random: () => 0.5 };
    const queue = new WorkQueue(failing('queue'), { runtime });
    const once = new WorkQueue(failing('once'), { runtime, retry: { attempts: 1 } });
    for (const one of [queue, once]) await one.add(undefined);
    await clock.advance(3_600_000);
    expect(attempts).toEqual({ peer: 1, queue: 5, once: 1 });
  });

  test('may start twice as many at the border of a window that is not strict', async () => {
    vi.useFakeTimers();
    try {
      const starts: number[] = [];
      const peer = new PQueue({ intervalCap: 5, interval: 200 });
      void peer.add(() => undefined); // the window begins
      await vi.advanceTimersByTimeAsync(150);
      const all = Promise.all(Array.from({ length: 9 }, () => peer.add(() => starts.push(Date.now()))));
      await vi.advanceTimersByTimeAsync(1_000);
      await all;
      const most = Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + 150).length));
      expect(most).toBe(9);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe.skipIf(!installed)('opossum (needs: npm run bench:peers)', () => {
  interface Peer {
    readonly opened: boolean;
    fire(): Promise<unknown>;
    shutdown(): void;
  }
  type MakePeer = new (action: () => Promise<unknown>, options: object) => Peer;

  test('gives the place back at a timeout while the action goes on', async () => {
    const { default: CircuitBreaker } = await load<{ default: MakePeer }>('opossum');
    const crowd = new Crowd();
    const breaker = new CircuitBreaker(() => crowd.take(60), { timeout: 10, capacity: 1, volumeThreshold: 10 });
    for (let i = 0; i < 2; i++) await expect(breaker.fire()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(crowd.most).toBe(2);
    breaker.shutdown();
  });

  test('refuses for the whole of resetTimeout, also what would succeed', async () => {
    const { default: CircuitBreaker } = await load<{ default: MakePeer }>('opossum');
    let isDown = true;
    const breaker = new CircuitBreaker(
      async () => {
        if (isDown) throw new Error('down');
      },
      { resetTimeout: 60_000, volumeThreshold: 3 },
    );
    for (let i = 0; i < 4; i++) await breaker.fire().catch(() => undefined);
    expect(breaker.opened).toBe(true);
    isDown = false;
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'EOPENBREAKER' });
    breaker.shutdown();
  });
});

describeWith(['redis-server'], 'with a Redis', () => {
  let redis: Server;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  describe.skipIf(!installed)('redlock (needs: npm run bench:peers)', () => {
    interface Client {
      del(key: string): Promise<unknown>;
      disconnect(): void;
    }
    type Use = (
      names: string[],
      ms: number,
      body: (signal: { aborted: boolean }) => Promise<unknown>,
    ) => Promise<unknown>;
    type MakePeer = new (clients: Client[], settings: object) => { using: Use };

    test('rejects when the lock is not free; an election waits for it', async () => {
      const { Redis } = await load<{ Redis: new (url: string) => Client }>('ioredis');
      const { default: Redlock } = await load<{ default: MakePeer }>('redlock');
      const client = new Redis(redis.url);
      const locks = new Redlock([client], { retryCount: 1, retryDelay: 1 });
      await locks.using(['a'], 10_000, async () => {
        await expect(locks.using(['a'], 10_000, async () => undefined)).rejects.toMatchObject({
          name: 'ExecutionError',
        });
      });
      client.disconnect();

      const clock = new VirtualClock();
      const runtime = { clock, random: () => 0.5 };
      const store = new MemoryLeaseStore({ runtime });
      const [one, two] = ['1', '2'].map((id) => new Election(store, { name: 'a', id, runtime }));
      const log: string[] = [];
      const first = one!.run(() => clock.sleep(60_000));
      await clock.advance(1);
      const second = two!.run(({ id }) => log.push(id));
      await clock.advance(59_000);
      expect(log).toEqual([]);
      await clock.advance(10_000);
      await Promise.all([first, second]);
      expect(log).toEqual(['2']);
      await Promise.all([one!.close(), two!.close()]);
    });

    test('rejects after a loss, though the routine ended well', async () => {
      const { Redis } = await load<{ Redis: new (url: string) => Client }>('ioredis');
      const { default: Redlock } = await load<{ default: MakePeer }>('redlock');
      const client = new Redis(redis.url);
      const locks = new Redlock([client], { retryCount: 1, retryDelay: 1 });
      let seen: boolean | undefined;
      const using = locks.using(['b'], 10_000, async (signal) => {
        await client.del('b');
        seen = signal.aborted;
      });
      await expect(using).rejects.toMatchObject({ name: 'ExecutionError' });
      expect(seen).toBe(false);
      client.disconnect();
    });
  });

  test('BullMQ: keeps what is completed, has the lowest priority first, and tries once', async () => {
    const connection = { url: redis.url };
    const queue = new Queue('facts', { connection });
    const order: string[] = [];
    await queue.add('low', 0, { priority: 9 });
    await queue.add('high', 0, { priority: 1 });
    await queue.add('none', 0);
    await queue.add('fails', 0, { priority: 10 });
    const worker = new Worker(
      'facts',
      async ({ name, attemptsMade }) => {
        order.push(`${name} ${String(attemptsMade)}`);
        if (name === 'fails') throw new Error('no');
      },
      { connection },
    );
    await new Promise((resolve) => worker.on('failed', resolve));
    expect(order).toEqual(['none 0', 'high 0', 'low 0', 'fails 0']);
    expect(await queue.getJobCounts('completed', 'failed', 'waiting', 'delayed')).toMatchObject({
      completed: 3,
      failed: 1,
      waiting: 0,
      delayed: 0,
    });
    await worker.close();
    await queue.close();
  });

  test('BullMQ: jobs of old producers are pulled, first of all, and what is done is gone', async () => {
    const connection = { url: redis.url };
    const queue = new Queue('moved', { connection });
    const worker = new Worker('moved', null, { connection });
    const started: string[] = [];
    const ours = new WorkQueue(async (data: unknown, { id }) => void started.push(`${id} ${String(data)}`), {
      store: new BullMQQueueStore<unknown>(queue, worker),
      workers: 1,
      paused: true,
    });
    await ours.add('new', { id: 'a', priority: 9 });
    await queue.add('send', 'old', { jobId: 'b' });
    ours.resume();
    await expect.poll(() => started).toEqual(['bullmq:b old', 'a new']);
    await ours.onIdle();
    await ours.close();
    expect(await queue.getJobCounts('completed', 'failed')).toMatchObject({ completed: 0, failed: 0 });
    await worker.close();
    await queue.close();
  });
});
