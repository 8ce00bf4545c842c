/** What has gone wrong elsewhere must not go wrong here. */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { afterEach, describe, expect, it } from 'vitest';
import { PQueuePool } from '../../../src/queue/pools/pqueue.ts';
import { ProcessPool } from '../../../src/queue/pools/processes.ts';
import { ThreadPool } from '../../../src/queue/pools/threads.ts';
import { filename, Lane, type Pool, rejection } from './contract.ts';

describe.each([
  ['threads', () => new ThreadPool({ filename, killAfterMs: 10 })],
  ['processes', () => new ProcessPool({ filename, killAfterMs: 10 })],
] as readonly (readonly [string, () => Pool])[])('%s', (_, make) => {
  let lane: Lane;
  const open = async (workers: number): Promise<void> => {
    lane = new Lane(make(), workers);
    await lane.reaches(workers);
  };
  afterEach(() => lane.pool.close({ graceMs: 0 }));

  it('tinypool 2.2: a task that calls process.exit never settles, nor does the next one', async () => {
    await open(1);
    const exits = rejection(lane.run({ do: 'exit', code: 0 }));
    const next = lane.run({ do: 'double', value: 2 });
    expect(await exits).toMatchObject({ code: 'WORKER_LOST', exitCode: 0 });
    expect(await next).toBe(4);
  });

  it('piscina#934: the abort of one task kills its neighbours', async () => {
    await open(2);
    const controller = new AbortController();
    const aborted = rejection(lane.run({ do: 'never' }, { signal: controller.signal }));
    const others = [1, 2, 3, 4, 5].map((value) => lane.run({ do: 'sleep', ms: 20, value }));
    controller.abort();
    expect(await Promise.all(others)).toEqual([1, 2, 3, 4, 5]);
    expect(await aborted).toMatchObject({ code: 'WORKER_LOST' });
  });

  it('piscina: twelve tasks of one thread end as 0, 2, 4, 6, 8, 10, 1, 5, 9, 3, 11, 7', async () => {
    await open(1);
    const order: unknown[] = [];
    const twelve = Array.from({ length: 12 }, async (__, index) => order.push(await lane.run({ do: 'sleep', ms: 1, value: index }))); // prettier-ignore
    await Promise.all(twelve);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

it('p-queue: its timeout frees the slot while the task still runs, 10 live with a limit of 2', async () => {
  let live = 0;
  let most = 0;
  const handler = async (): Promise<string> => {
    most = Math.max(most, ++live);
    await sleep(25);
    live--;
    return 'done';
  };
  const pqueue = new PQueue({ concurrency: 2, timeout: 5 });
  const errors: unknown[] = [];
  pqueue.on('error', (error) => errors.push(error));
  const lane = new Lane(new PQueuePool(pqueue, handler), 2);
  const all = Array.from({ length: 10 }, () => lane.run({ do: 'whatever' }));
  expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, () => 'done'));
  expect([most, lane.peak, errors]).toEqual([2, 2, []]);
});
