import { isHoldfastError } from 'holdfast/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isWorkerLost } from '../../../src/queue/errors.ts';
import type { IsolatedPoolEvents } from '../../../src/queue/pools/isolated-events.ts';
import type { IsolatedPool } from '../../../src/queue/pools/isolated-pool.ts';
import { ProcessPool } from '../../../src/queue/pools/processes.ts';
import { ThreadPool } from '../../../src/queue/pools/threads.ts';
import { counted } from '../../support/ledger.ts';
import { filename, Lane, rejection } from './contract.ts';
import type { Task } from './fixtures/worker.mjs';

type Isolated = IsolatedPool<Task, unknown>;

const kinds = {
  threads: (): Isolated =>
    new ThreadPool({ filename, killAfterMs: 50, resourceLimits: { maxOldGenerationSizeMb: 24 } }),
  processes: (): Isolated => new ProcessPool({ filename, killAfterMs: 50, execArgv: ['--max-old-space-size=24'] }),
};
type Kind = keyof typeof kinds;

const workers = 3;
let lane: Lane;
let events: { [K in keyof IsolatedPoolEvents]: IsolatedPoolEvents[K][] };

async function open(kind: Kind, size = workers): Promise<Isolated> {
  const pool = kinds[kind]();
  events = { ready: [], lost: [], recycled: [], fault: [], degraded: [], restored: [] };
  for (const name of Object.keys(events) as (keyof IsolatedPoolEvents)[]) {
    pool.on(name, (event) => (events[name] as unknown[]).push(event));
  }
  lane = new Lane(pool, size);
  await lane.reaches(size);
  return pool;
}
afterEach(() => lane.pool.close({ graceMs: 0 }));

const lostBy = (loss: object): object => ({ code: 'WORKER_LOST', ...loss });

interface Poison {
  readonly task: Task;
  /** What its rejection has; absent: it resolves, and does its harm afterwards. */
  readonly costs?: Readonly<Record<Kind, object | undefined>>;
  readonly aborted?: boolean;
}

const both = (costs: object): Readonly<Record<Kind, object>> => ({ threads: costs, processes: costs });
const killed = { threads: lostBy({ exitCode: 1 }), processes: lostBy({ signal: 'SIGKILL' }) };

const poisons: readonly Poison[] = [
  { task: { do: 'exit', code: 0 }, costs: both(lostBy({ exitCode: 0 })) },
  { task: { do: 'exit', code: 1 }, costs: both(lostBy({ exitCode: 1 })) },
  { task: { do: 'exitLater', code: 7 }, costs: both(lostBy({ exitCode: 7 })) },
  { task: { do: 'oom' }, costs: { threads: lostBy({ outOfMemory: true }), processes: lostBy({ signal: 'SIGABRT' }) } },
  { task: { do: 'loop' }, aborted: true, costs: killed },
  { task: { do: 'never' }, aborted: true, costs: killed },
  { task: { do: 'throwBeside' }, costs: both(lostBy({ cause: expect.any(RangeError) as Error })) },
  { task: { do: 'throwAfter', value: 'fine' } },
  { task: { do: 'rejectAfter', value: 'fine' } },
  { task: { do: 'throwUndefined' }, costs: { threads: undefined, processes: undefined } },
  { task: { do: 'throwFunction' }, costs: both({ message: expect.stringContaining('cannot be sent') as string }) },
  { task: { do: 'throwHostile' }, costs: both({ message: expect.stringContaining('cannot be sent') as string }) },
  { task: { do: 'throwOdd' }, costs: both({ message: 'odd' }) },
  { task: { do: 'throwCycle' }, costs: both({ message: 'round' }) },
  { task: { do: 'rejectLate' }, costs: both({ message: 'late' }) },
  {
    task: { do: 'returnFunction' },
    costs: both({ message: expect.stringContaining('could not be cloned') as string }),
  },
  { task: { do: 'huge', bytes: 20_000_000 } },
];

describe.each(Object.keys(kinds) as Kind[])('in a pool of %s', (kind) => {
  it('poison between 1,000 good jobs costs its own attempt, and nothing else', { timeout: 120_000 }, async () => {
    const pool = await open(kind);
    const good: Promise<unknown>[] = [];
    const bad: Promise<void>[] = [];
    const spread = Math.ceil(1_000 / poisons.length);
    for (let index = 0; index < 1_000; index++) {
      good.push(lane.run({ do: 'double', value: index }));
      const poison = index % spread === 0 ? poisons[index / spread] : undefined;
      if (poison !== undefined) bad.push(take(poison));
    }
    expect(await Promise.all(good)).toEqual(Array.from({ length: 1_000 }, (_, index) => index * 2));
    await Promise.all(bad);
    await lane.reaches(workers);
    expect(lane.peak).toBeLessThanOrEqual(workers);
    expect(pool.busy).toBe(0);
    expect(pool.health()).toMatchObject({ status: 'ok', failures: 0 });
    // At full strength: all of them work at the same time.
    const together = Array.from({ length: workers }, () => lane.run({ do: 'sleep', ms: 20, value: 'ok' }));
    expect(pool.busy).toBe(workers);
    expect(await Promise.all(together)).toEqual(['ok', 'ok', 'ok']);
    const losses = poisons.filter(({ costs }) => (costs?.[kind] as { code?: string } | undefined)?.code === 'WORKER_LOST'); // prettier-ignore
    expect(events.lost).toHaveLength(losses.length);
  });

  async function take({ task, costs, aborted }: Poison): Promise<void> {
    const controller = new AbortController();
    const result = lane.run(task, { signal: controller.signal });
    if (aborted === true) setTimeout(() => { controller.abort(new Error('time is up')); }, 100); // prettier-ignore
    if (costs === undefined) {
      await result;
      return;
    }
    const error = await rejection(result);
    if (costs[kind] === undefined) expect(error).toBeUndefined();
    else expect(error).toMatchObject(costs[kind]);
  }

  it('what a job leaves behind does not cost the job after it, and the worker is replaced', async () => {
    await open(kind, 1);
    const before = await lane.run({ do: 'calls' });
    expect(await lane.run({ do: 'throwAfter', ms: 30, value: 'fine' })).toBe('fine');
    expect(await lane.run({ do: 'sleep', ms: 80, value: 'untouched' })).toBe('untouched');
    expect(events.fault.map(({ error }) => (error as Error).message)).toEqual(['left behind']);
    expect(events.recycled).toEqual([{ reason: 'fault' }]);
    expect(events.lost).toEqual([]);
    expect(await lane.run({ do: 'calls' })).toBe(before);
  });

  it('an idle worker that throws is replaced', async () => {
    await open(kind, 1);
    await lane.run({ do: 'throwAfter' });
    await vi.waitFor(() => {
      expect(events.recycled).toEqual([{ reason: 'fault' }]);
    });
    expect(await lane.run({ do: 'calls' })).toBe(1);
  });

  it('a stuck worker holds its slot until it is gone', async () => {
    await open(kind, 1);
    const controller = new AbortController();
    const stuck = rejection(lane.run({ do: 'loop' }, { signal: controller.signal }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect([lane.pool.size, lane.pool.busy]).toEqual([1, 1]);
    expect(isWorkerLost(await stuck)).toBe(true);
    expect(lane.pool.busy).toBe(0);
    expect(await lane.run({ do: 'double', value: 2 })).toBe(4);
  });

  it('closing ends a stuck worker by force, and tells its job', async () => {
    await open(kind, 2);
    const stuck = rejection(lane.run({ do: 'loop' }));
    const start = performance.now();
    await lane.pool.close({ graceMs: 50 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
    expect(isWorkerLost(await stuck)).toBe(true);
    expect([lane.pool.size, lane.pool.busy]).toEqual([0, 0]);
  });

  it('data that cannot be sent cost their job, not the worker', async () => {
    await open(kind, 1);
    const before = (await lane.run({ do: 'calls' })) as number;
    const error = await rejection(lane.run({ do: 'echo', value: () => {} }));
    expect(error).toMatchObject({ message: expect.stringContaining('could not be cloned') as string });
    expect(await lane.run({ do: 'calls' })).toBe(before + 1);
  });

  it('an AsyncLocalStorage does not cross', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    await open(kind, 1);
    const storage = new AsyncLocalStorage<string>();
    Object.assign(globalThis, { storage });
    expect(await storage.run('here', () => lane.run({ do: 'store' }))).toBeUndefined();
  });
});

describe('in a pool of threads', () => {
  it('moves what is to be moved, both ways', async () => {
    await open('threads', 1);
    const array = new Uint8Array(1_000_000).fill(1);
    expect(await lane.run({ do: 'sum', array }, {}, [array.buffer])).toBe(1_000_000);
    expect(array.byteLength).toBe(0);
    expect(await lane.run({ do: 'moved', bytes: 10 })).toEqual({ sent: new Uint8Array(10), leftBytes: undefined });
    expect(await lane.run({ do: 'leftOfMoved' })).toBe(0);
  });

  it('a buffer that was moved before costs its job', async () => {
    await open('threads', 1);
    const array = new Uint8Array(8);
    const job = (): Promise<unknown> => lane.run({ do: 'sum', array }, {}, [array.buffer]);
    expect(await job()).toBe(0);
    expect(await rejection(job())).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('detached') as string }); // prettier-ignore
    expect(await rejection(lane.run({ do: 'movedTwice' }))).toMatchObject({ name: 'DataCloneError' });
    expect(await lane.run({ do: 'double', value: 2 })).toBe(4);
  });
});

describe('in a pool of processes', () => {
  it('a process that is killed from outside costs its job, and is replaced', async () => {
    await open('processes', 2);
    const pid = (await lane.run({ do: 'pid' })) as number;
    expect(pid).not.toBe(process.pid);
    const jobs = [1, 2].map((value) => lane.run({ do: 'sleepPid', ms: 100, value }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    process.kill(pid, 'SIGKILL');
    counted('killed');
    const [first, second] = await Promise.allSettled(jobs);
    const lost = [first!, second!].filter((one) => one.status === 'rejected');
    expect(lost).toHaveLength(1);
    expect(lost[0]!.reason).toMatchObject({ code: 'WORKER_LOST', signal: 'SIGKILL' });
    expect(isHoldfastError(lost[0]!.reason)).toBe(true);
    await lane.reaches(2);
    expect(await lane.run({ do: 'double', value: 2 })).toBe(4);
  });

  it('an idle one that is killed is replaced', async () => {
    await open('processes', 1);
    const pid = (await lane.run({ do: 'pid' })) as number;
    process.kill(pid, 'SIGKILL');
    counted('killed');
    await vi.waitFor(() => {
      expect(events.ready).toHaveLength(2);
    });
    expect(await lane.run({ do: 'pid' })).not.toBe(pid);
    expect(events.lost).toMatchObject([{ job: undefined, error: { signal: 'SIGKILL' } }]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s is left to the parent', async (signal) => {
    await open('processes', 1);
    const pid = (await lane.run({ do: 'pid' })) as number;
    const job = lane.run({ do: 'sleep', ms: 50, value: 'goes on' });
    process.kill(pid, signal);
    expect(await job).toBe('goes on');
    expect(await lane.run({ do: 'pid' })).toBe(pid);
  });
});
