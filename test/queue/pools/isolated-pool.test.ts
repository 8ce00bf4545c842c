import { isHoldfastError } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { isNoWorker } from '../../../src/queue/errors.ts';
import { recordWarnings, warningsSettled } from '../../support/warnings.ts';
import { contextOf, rejection } from './contract.ts';
import { FakePool } from './fake-pool.ts';

const warnings = recordWarnings();

const ready = (pool: FakePool): void => {
  for (const isolate of pool.staying) isolate.say({ type: 'ready' });
};
const run = (pool: FakePool, data: unknown = 'd'): Promise<unknown> => pool.run({ data }, contextOf());
const done = (pool: FakePool, index: number, spent = false): void => {
  const isolate = pool.isolates[index]!;
  isolate.say({ type: 'done', seq: isolate.job!.seq, value: index, spent });
};

describe('workers that die at their start', () => {
  it('are started again after pauses that double, one at a time, and each failure costs one job at most', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    const degraded: unknown[] = [];
    pool.on('degraded', (event) => degraded.push([clock.now(), event]));
    let changes = 0;
    pool.open(() => {
      changes++;
    });
    pool.resize(4);
    expect(pool.isolates).toHaveLength(4);
    const error = new Error('no such module');
    const fail = async (): Promise<void> => {
      for (const isolate of pool.staying) isolate.say({ type: 'unready', error: { thrown: error } });
      await clock.advance(0);
    };
    await fail();
    expect(pool.health()).toEqual({ status: 'degraded', failures: 4, error, starting: 0 });
    expect(changes).toBe(4);
    expect(degraded).toEqual([[0, { failures: 3, error, retryInMs: 400 }]]);

    expect([pool.size, pool.busy]).toEqual([1, 0]);
    const refused = await rejection(run(pool));
    expect(isNoWorker(refused)).toBe(true);
    expect(refused).toMatchObject({ message: 'no worker could be started: no such module', cause: error });
    expect(pool.size).toBe(0);
    expect(await rejection(run(pool))).toMatchObject({ code: 'NO_WORKER', message: 'no worker is free' });

    const starts: number[] = [];
    for (let known = 4; starts.length < 9;) {
      await clock.advance(100);
      if (pool.isolates.length === known) continue;
      expect(pool.isolates).toHaveLength(++known);
      starts.push(clock.now());
      await fail();
    }
    const pauses = starts.map((start, index) => start - (starts[index - 1] ?? 0));
    expect(pauses).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });

  it('are forgotten when one has finished a job; the others follow the first that is ready', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    const restored: unknown[] = [];
    pool.on('restored', (event) => restored.push(event));
    pool.resize(3);
    for (const isolate of pool.staying) isolate.die({ exitCode: 1 });
    await clock.advance(400);
    expect(pool.staying).toHaveLength(1);
    ready(pool);
    expect(pool.staying).toHaveLength(3);
    ready(pool);
    expect(pool.size).toBe(3);
    expect(pool.health().status).toBe('degraded');
    const result = run(pool);
    done(
      pool,
      pool.isolates.findIndex(({ job }) => job !== undefined),
    );
    await result;
    expect(pool.health()).toEqual({ status: 'ok', failures: 0, starting: 0 });
    expect(restored).toEqual([{ failures: 3 }]);
  });

  it('count also when they die before their first job; old ones do not', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    ready(pool);
    pool.newest.die({ exitCode: 9 });
    expect(pool.health().failures).toBe(1);
    expect(pool.staying).toHaveLength(0);
    await clock.advance(100);
    ready(pool);
    await clock.advance(10_000);
    pool.newest.die({ exitCode: 9 });
    expect(pool.health().failures).toBe(1);
    expect([pool.size, pool.staying.length]).toEqual([0, 1]);
  });

  it('that cannot even be launched, and those that take too long, count too', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock, { startTimeoutMs: 500 });
    pool.launching.fails = true;
    pool.resize(2);
    expect(pool.health()).toMatchObject({ failures: 1, error: { message: 'no more processes' } });
    expect(await rejection(run(pool))).toMatchObject({ message: 'no worker could be started: no more processes' });
    pool.launching.fails = false;
    await clock.advance(100);
    expect(pool.staying).toHaveLength(1);
    await clock.advance(499);
    expect(pool.health()).toMatchObject({ failures: 1, starting: 1 });
    await clock.advance(1);
    expect(pool.health()).toMatchObject({ failures: 2, starting: 0 });
    expect((pool.health().error as Error).message).toBe(
      'the thread has ended: its module was not loaded within 500 ms',
    );
  });
});

describe('size', () => {
  it('shrinks by those that start, then by the longest idle', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(3);
    ready(pool);
    // The first has just worked: it is the last to go.
    const jobs = [run(pool), run(pool), run(pool)];
    for (const index of [1, 2, 0]) done(pool, index);
    await Promise.all(jobs);
    pool.resize(4);
    pool.resize(1);
    expect(pool.isolates.map(({ told }) => told)).toEqual([undefined, 'dismiss', 'dismiss', 'dismiss']);
    expect(pool.size).toBe(1);
  });

  it('one that is to go and does not is killed', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    ready(pool);
    pool.newest.stubborn = true;
    pool.resize(0);
    await clock.advance(999);
    expect(pool.newest.told).toBe('dismiss');
    await clock.advance(1);
    expect(pool.newest.told).toBe('kill');
  });

  it('the warmest worker gets the next job', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(2);
    ready(pool);
    for (let count = 0; count < 5; count++) {
      const result = run(pool);
      done(pool, 1);
      await result;
    }
    expect(pool.isolates.map(({ posted }) => posted.length)).toEqual([1, 6]);
  });
});

describe('a worker', () => {
  it('is held while it starts and works, not while it is idle', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    const held = [pool.newest.held];
    ready(pool);
    held.push(pool.newest.held);
    const result = run(pool);
    held.push(pool.newest.held);
    done(pool, 0);
    held.push(pool.newest.held);
    await result;
    expect(held).toEqual([true, false, true, false]);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['jobs', { maxJobs: 3 }, false],
    ['heap', { maxHeapMb: 10 }, true],
  ] as const)('is replaced because of its %s, after its job', async (reason, options, spent) => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock, options);
    const recycled: unknown[] = [];
    pool.on('recycled', (event) => recycled.push(event));
    pool.resize(1);
    expect(pool.newest.posted[0]).toMatchObject({ maxHeapBytes: spent ? 10 * 2 ** 20 : Infinity });
    ready(pool);
    for (let count = spent ? 3 : 1; count <= 3; count++) {
      const result = run(pool);
      done(pool, 0, spent);
      expect(await result).toBe(0);
    }
    expect(recycled).toEqual([{ reason }]);
    expect(pool.size).toBe(0);
    expect(pool.staying).toHaveLength(1);
    ready(pool);
    expect(pool.size).toBe(1);
  });

  it('keeps its place until it is gone, killed or not', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock, { killAfterMs: 1_000 });
    pool.resize(1);
    ready(pool);
    pool.newest.stubborn = true;
    const controller = new AbortController();
    let error: unknown;
    pool.run({ data: 1 }, contextOf({ signal: controller.signal })).catch((thrown: unknown) => {
      error = thrown;
    });
    controller.abort(new Error('time'));
    expect(pool.newest.posted.at(-1)).toMatchObject({ type: 'abort', reason: { message: 'time' } });
    await clock.advance(999);
    expect(pool.newest.told).toBeUndefined();
    await clock.advance(60_000);
    expect([pool.newest.told, pool.size, pool.busy, error]).toEqual(['kill', 1, 1, undefined]);
    pool.newest.die({ exitCode: 1 });
    await clock.advance(0);
    expect(error).toMatchObject({ code: 'WORKER_LOST', exitCode: 1, cause: { message: 'time' } });
    expect([pool.size, pool.busy, pool.staying.length]).toEqual([0, 0, 1]);
  });

  it('that ends its job in time is not killed, and does not hear of a signal that aborts later', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock, { killAfterMs: 1_000 });
    pool.resize(1);
    ready(pool);
    const obeyed = new AbortController();
    const first = pool.run({ data: 1 }, contextOf({ signal: obeyed.signal }));
    obeyed.abort();
    await clock.advance(999);
    done(pool, 0);
    await first;
    const late = new AbortController();
    const second = pool.run({ data: 2 }, contextOf({ signal: late.signal }));
    done(pool, 0);
    await second;
    late.abort();
    await clock.advance(60_000);
    expect(pool.newest.told).toBeUndefined();
    expect(pool.newest.posted.map(({ type }) => type)).toEqual(['load', 'job', 'abort', 'job']);
  });

  it('that answers for a job that is not its own is not heard', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    ready(pool);
    const result = run(pool);
    const { seq } = pool.newest.job!;
    pool.newest.say({ type: 'done', seq: seq - 1, value: 'of another', spent: false });
    pool.newest.say({ type: 'failed', seq: seq + 1, error: { thrown: 'of another' }, spent: false });
    expect(pool.busy).toBe(1);
    done(pool, 0);
    expect(await result).toBe(0);
  });

  it('that was about to be done when it was killed has done its job', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock, { killAfterMs: 0 });
    pool.resize(1);
    ready(pool);
    pool.newest.stubborn = true;
    const controller = new AbortController();
    const result = pool.run({ data: 1 }, contextOf({ signal: controller.signal }));
    controller.abort();
    await clock.advance(0);
    expect(pool.newest.told).toBe('kill');
    done(pool, 0);
    expect(await result).toBe(0);
    expect(pool.size).toBe(0);
    pool.isolates[0]!.die({ signal: 'SIGKILL' });
    ready(pool);
    expect([pool.size, pool.isolates.length]).toEqual([1, 2]);
  });

  it('progress that nobody can take breaks nothing', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    ready(pool);
    const bad = (): never => {
      throw new Error('bad listener');
    };
    const result = pool.run({ data: 1 }, contextOf({ progress: bad }));
    pool.newest.say({ type: 'progress', seq: pool.newest.job!.seq, value: 1 });
    done(pool, 0);
    expect(await result).toBe(0);
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: progress of a job failed: bad listener']);
  });

  it('cold starts are averaged, the newest weighted by 0.3', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    expect(pool.coldStartMs).toBe(0);
    pool.resize(1);
    await clock.advance(100);
    ready(pool);
    expect(pool.coldStartMs).toBe(100);
    pool.resize(2);
    await clock.advance(200);
    ready(pool);
    expect(pool.coldStartMs).toBe(130);
  });
});

describe('close', () => {
  it('ends when a worker cannot be ended, a second after it was killed', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(2);
    ready(pool);
    const stuck = rejection(run(pool));
    pool.isolates[1]!.stubborn = true;
    let closedAt = -1;
    void pool.close({ graceMs: 300 }).then(() => {
      closedAt = clock.now();
    });
    expect(pool.isolates[0]!.told).toBe('dismiss');
    expect(pool.isolates.map(({ held }) => held)).toEqual([true, true]);
    await clock.advance(299);
    expect(pool.isolates[1]!.told).toBeUndefined();
    await clock.advance(5_000);
    expect(closedAt).toBe(1_300);
    expect(await stuck).toMatchObject({ code: 'WORKER_LOST', message: 'the thread has ended: the pool was closed' });
    expect(clock.pending).toBe(0);
    expect(isHoldfastError(await rejection(run(pool)), 'CLOSED')).toBe(true);
  });

  it('during a pause between starts starts nothing any more', async () => {
    const clock = new VirtualClock();
    const pool = new FakePool(clock);
    pool.resize(1);
    pool.newest.die({ exitCode: 1 });
    expect(clock.pending).toBe(1);
    await pool.close({ graceMs: 0 });
    expect([clock.pending, pool.size]).toEqual([0, 0]);
    await clock.advance(60_000);
    expect(pool.isolates).toHaveLength(1);
  });
});
