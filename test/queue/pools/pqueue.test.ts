import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { expect, it } from 'vitest';
import { PQueuePool } from '../../../src/queue/pools/pqueue.ts';
import { contextOf, rejection } from './contract.ts';

const echo = (value: unknown): Promise<unknown> => sleep(5, value);

it('has no more workers than the PQueue has concurrency, whatever that becomes', () => {
  const pqueue = new PQueue({ concurrency: 3 });
  const pool = new PQueuePool(pqueue, echo);
  pool.resize(10);
  expect([pool.size, pool.suggestedMax, pool.coldStartMs]).toEqual([3, 3, 0]);
  pqueue.concurrency = 5;
  expect([pool.size, pool.suggestedMax]).toEqual([5, 5]);
  const unlimited = new PQueuePool(new PQueue(), echo);
  unlimited.resize(10);
  expect([unlimited.size, unlimited.suggestedMax]).toEqual([10, 64]);
});

it("shares the PQueue's concurrency and rate with the other work in it", async () => {
  const start = performance.now();
  const pqueue = new PQueue({ concurrency: 2, interval: 60, intervalCap: 2 });
  const pool = new PQueuePool(pqueue, echo);
  pool.resize(2);
  let others = 0;
  const other = pqueue.add(async () => {
    others++;
    await sleep(20);
  });
  const jobs = [pool.run({ data: 1 }, contextOf()), pool.run({ data: 2 }, contextOf())];
  expect([others, pqueue.pending, pqueue.size, pool.busy]).toEqual([1, 2, 1, 2]);
  expect(await Promise.all(jobs)).toEqual([1, 2]);
  expect(performance.now() - start).toBeGreaterThanOrEqual(55);
  await other;
  expect(pool.busy).toBe(0);
});

it('a job that waits in the PQueue is taken out when its signal aborts; one that runs is not', async () => {
  const pqueue = new PQueue({ concurrency: 1 });
  const pool = new PQueuePool(pqueue, echo);
  pool.resize(1);
  const controller = new AbortController();
  const { signal } = controller;
  const running = pool.run({ data: 'runs' }, contextOf({ signal }));
  const waiting = rejection(pool.run({ data: 'waits' }, contextOf({ signal })));
  controller.abort('no more');
  expect([pqueue.size, pqueue.pending, pool.busy]).toEqual([0, 1, 1]);
  expect(await waiting).toBe('no more');
  expect(await running).toBe('runs');
});

it('what is cleared from the PQueue is rejected (p-queue#239 leaves it pending)', async () => {
  const pqueue = new PQueue({ concurrency: 1 });
  const pool = new PQueuePool(pqueue, echo);
  pool.resize(1);
  const running = pool.run({ data: 'runs' }, contextOf());
  const waiting = rejection(pool.run({ data: 'waits' }, contextOf()));
  pqueue.clear();
  expect(await waiting).toMatchObject({ code: 'CANCELLED', message: 'the PQueue was cleared' });
  expect(await running).toBe('runs');
  expect(pool.busy).toBe(0);
});

it('a handler runs in the async context of its job (p-queue#200 gives it that of another)', async () => {
  const storage = new AsyncLocalStorage<string>();
  const pqueue = new PQueue({ concurrency: 1 });
  const pool = new PQueuePool(pqueue, async () => {
    await sleep(1);
    return storage.getStore();
  });
  pool.resize(1);
  const all = ['a', 'b', 'c'].map((name) => storage.run(name, () => pool.run({ data: 0 }, contextOf())));
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
});

it('closing takes out what waits, waits for what runs no longer than it may, and leaves the PQueue', async () => {
  const pqueue = new PQueue({ concurrency: 1 });
  const pool = new PQueuePool(pqueue, (ms: number) => sleep(ms, 'done'));
  pool.resize(1);
  const running = pool.run({ data: 80 }, contextOf());
  const waiting = rejection(pool.run({ data: 1 }, contextOf()));
  const start = performance.now();
  await pool.close({ graceMs: 20 });
  expect(performance.now() - start).toBeLessThan(75);
  expect(await waiting).toMatchObject({ code: 'CLOSED' });
  expect(await running).toBe('done');
  expect(await pqueue.add(() => 'still there')).toBe('still there');
  expect(pqueue.listenerCount('empty')).toBe(0);
});

it('tells the PQueue what became of a job', async () => {
  const pqueue = new PQueue({ concurrency: 1 });
  const seen: unknown[] = [];
  pqueue.on('completed', (value) => seen.push(value));
  pqueue.on('error', (error) => seen.push((error as Error).message));
  const pool = new PQueuePool(pqueue, (fails: boolean) => {
    if (fails) throw new Error('failed');
    return 'fine';
  });
  pool.resize(1);
  await pool.run({ data: false }, contextOf());
  await rejection(pool.run({ data: true }, contextOf()));
  await pqueue.onIdle();
  expect(seen).toEqual(['fine', 'failed']);
});

it.each([
  [undefined, echo, 'pqueue must be a PQueue, got undefined'],
  [{ add: () => {} }, echo, 'pqueue must be a PQueue, got an object'],
  [new PQueue(), 'x', 'handler must be a function, got "x"'],
])('refuses %o and %o', (pqueue, handler, message) => {
  expect(() => new PQueuePool(pqueue as never, handler as never)).toThrow(message);
});
