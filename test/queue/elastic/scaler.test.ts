import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { Scaler, type ScalerHost, type ScalerOptions } from '../../../src/queue/elastic/scaler.ts';
import { VirtualClock } from '../../../src/testing/index.ts';
import { runs } from '../../support/properties.ts';
import { Pool } from './pool.ts';

const workers = { min: 1, max: 64 };

describe('a burst', () => {
  test('brings all that it needs within a tick and a start, though nothing was known', async () => {
    const pool = new Pool({ workers }, 50);
    for (let i = 0; i < 2_000; i++) pool.add(500);
    expect(pool.scaler.workers).toBe(2); // as many again, until something is known
    await pool.clock.advance(300);
    expect(pool.ready).toBe(64);
    await pool.clock.runUntilIdle();
    expect(pool.done).toBe(2_000);
  });

  test('brings it at once where the service time is known', async () => {
    const pool = new Pool({ workers }, 50);
    pool.add(500);
    await pool.clock.advance(600);
    for (let i = 0; i < 2_000; i++) pool.add(500);
    expect(pool.scaler.workers).toBe(64);
    expect(pool.changes.every(({ reason }) => reason === 'backlog' || reason === 'rate')).toBe(true);
  });

  test('asks the law no more often than the number of jobs doubles', () => {
    const pool = new Pool({ workers });
    for (let i = 0; i < 100_000; i++) pool.add(500);
    expect(pool.looks).toBeLessThanOrEqual(17);
    expect(pool.looks).toBeGreaterThan(10);
  });

  test('of the shortest jobs brings what is needed as soon as the first is done', async () => {
    const pool = new Pool({ workers });
    for (let i = 0; i < 1_000; i++) pool.add(5);
    await pool.clock.advance(5);
    expect(pool.scaler.workers).toBeGreaterThan(2);
    const cold = new Pool({ workers }, 1_000);
    for (let i = 0; i < 300; i++) cold.add(5);
    await cold.clock.runUntilIdle();
    expect(cold.changes.filter(({ from, to }) => to > from)).toHaveLength(1); // on no knowledge; then the veto
  });
});

describe('a constant load', () => {
  test('has the workers that it needs and their headroom, and changes them at most once up and down in a window', async () => {
    const loads = fc.record({
      everyMs: fc.integer({ min: 5, max: 200 }),
      load: fc.double({ min: 0.05, max: 25, noNaN: true }),
      coldMs: fc.constantFrom(0, 50, 300),
    });
    await fc.assert(
      fc.asyncProperty(loads, async ({ everyMs, load, coldMs }) => {
        const pool = new Pool({ workers }, coldMs);
        pool.every(everyMs, everyMs * load, 90_000);
        await pool.clock.advance(40_000);
        const { length } = pool.changes;
        await pool.clock.advance(50_000);
        const later = pool.changes.slice(length);
        // A load of 7.01 may look like one of 7 for a whole window; then a worker goes, and is missed after a while.
        const numbers = [pool.scaler.workers, ...later.map(({ to }) => to)];
        expect(later.length).toBeLessThanOrEqual(2 * (50 / 10));
        expect(Math.min(...numbers)).toBeGreaterThanOrEqual(Math.max(1, Math.floor(load)));
        expect(Math.max(...numbers)).toBeLessThanOrEqual(Math.ceil(Math.max(load / 0.8, load + Math.sqrt(load))) + 2);
      }),
      { numRuns: runs(0.5) },
    );
  });
});

describe('idle', () => {
  test('is exactly the minimum within a window and a tick, and no timer is left', async () => {
    const bursts = fc.record({
      min: fc.integer({ min: 0, max: 20 }),
      more: fc.integer({ min: 1, max: 60 }),
      jobs: fc.array(fc.tuple(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 3_000 })), {
        maxLength: 50,
      }),
      coldMs: fc.constantFrom(0, 50),
    });
    await fc.assert(
      fc.asyncProperty(bursts, async ({ min, more, jobs, coldMs }) => {
        const pool = new Pool({ workers: { min, max: min + more } }, coldMs);
        let lastMs = 0;
        for (const [atMs, ms] of jobs) {
          pool.clock.setTimer(atMs, () => {
            pool.add(ms);
          });
        }
        const step = async (): Promise<void> => {
          await pool.clock.advance(50);
          if (pool.active + pool.waiting.length > 0) lastMs = pool.clock.now();
        };
        while (pool.done < jobs.length) await step();
        await pool.clock.advance(lastMs + 50 + 10_000 + 250 - pool.clock.now());
        expect(pool.scaler.workers).toBe(min);
        await pool.clock.advance(250);
        expect(pool.clock.pending).toBe(0);
      }),
      { numRuns: runs(1) },
    );
  });

  test('at the minimum, no timer is set before a job comes, and again after it', async () => {
    const pool = new Pool({ workers });
    expect(pool.clock.pending).toBe(0);
    pool.add(10);
    expect(pool.clock.pending).toBe(2);
    await pool.clock.advance(250);
    expect(pool.clock.pending).toBe(0);
    await pool.clock.advance(3_600_000);
    pool.add(10);
    // What comes is not spread over the hour before it.
    await pool.clock.advance(250);
    expect(pool.scaler.stats().arrivalsPerSecond).toBeCloseTo((1 - Math.exp(-0.25)) / 0.25, 6);
  });

  test('at none, the first job brings a worker, and the last takes it along', async () => {
    const pool = new Pool({ workers: { min: 0, max: 8 } }, 100);
    expect(pool.scaler.workers).toBe(0);
    pool.add(10);
    expect(pool.changes).toEqual([{ from: 0, to: 1, reason: 'backlog', atMs: 0 }]);
    await pool.clock.advance(110);
    expect(pool.done).toBe(1);
    await pool.clock.advance(12_000);
    expect(pool.scaler.workers).toBe(0);
    expect(pool.clock.pending).toBe(0);
    pool.add(10);
    expect(pool.scaler.workers).toBe(1);
  });
});

test('a pause that is over brings workers, and no arrivals', async () => {
  const pool = new Pool({ workers: { min: 0, max: 8 } });
  pool.waiting.push(10, 10, 10); // they came before the pause, and were told of
  pool.scaler.onEnqueue(3, undefined, 0);
  expect(pool.scaler.workers).toBe(1);
  await pool.clock.advance(250);
  expect(pool.done).toBe(3);
  expect(pool.scaler.stats().arrivalsPerSecond).toBe(0);
});

describe('a number', () => {
  test.each([4, { min: 4, max: 4 }])('%j scales nothing and sets no timer', async (fixed) => {
    const pool = new Pool({ workers: fixed });
    expect(pool.scaler.workers).toBe(4);
    for (let i = 0; i < 1_000; i++) pool.add(100);
    expect(pool.clock.pending).toBe(4);
    await pool.clock.runUntilIdle();
    expect(pool.changes).toEqual([]);
    expect(pool.looks).toBe(0);
    expect(pool.done).toBe(1_000);
  });

  test('may become bounds, and bounds a number', async () => {
    const pool = new Pool({ workers: 4 });
    for (let i = 0; i < 1_000; i++) pool.add(1_000);
    await pool.clock.advance(1_500);
    pool.scaler.follow({ min: 2, max: 32 });
    expect(pool.scaler.workers).toBe(32);
    pool.scaler.follow(3);
    expect(pool.changes.at(-1)).toMatchObject({ from: 32, to: 3, reason: 'bounds' });
    await pool.clock.advance(5_000);
    expect([pool.scaler.workers, pool.active]).toEqual([3, 3]);
    expect(pool.clock.pending).toBe(3); // no tick
    expect(() => {
      pool.scaler.follow({ min: 9, max: 8 });
    }).toThrow('min must be an integer <= max (8), got 9');
    expect(pool.scaler.stats()).toMatchObject({ workers: 3, min: 3, max: 3 });
  });
});

test('bounds that live are looked at each time, and refused ones are not taken', async () => {
  const bounds = { current: { min: 1, max: 4 }, version: 1, changes: () => undefined };
  const warnings: Error[] = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning as Error));
  const pool = new Pool({ workers: bounds as never });
  for (let i = 0; i < 1_000; i++) pool.add(1_000);
  await pool.clock.advance(500);
  expect(pool.scaler.workers).toBe(4);
  bounds.current = { min: 1, max: 10 };
  await pool.clock.advance(250);
  expect(pool.scaler.workers).toBe(10);
  bounds.current = { min: 1, max: -1 };
  await pool.clock.advance(500);
  expect(pool.scaler.workers).toBe(10);
  expect(warnings.map(({ message }) => message)).toEqual([
    'holdfast: the number of workers was refused, the last one stays: max must be an integer from 1 to 1000000, got -1',
  ]);
  emit.mockRestore();
});

test('bounds that live may be one number for a while', async () => {
  const bounds = { current: { min: 3, max: 3 }, version: 1, changes: () => undefined };
  const pool = new Pool({ workers: bounds as never });
  for (let i = 0; i < 1_000; i++) pool.add(1_000);
  await pool.clock.advance(500);
  expect(pool.scaler.workers).toBe(3);
  bounds.current = { min: 1, max: 5 };
  await pool.clock.advance(250);
  expect(pool.scaler.workers).toBe(5);
});

describe('an event loop that is late', () => {
  /** A clock whose timers come late. */
  const late = (clock: VirtualClock, lateMs: () => number): Clock => ({
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    sleep: (ms) => clock.sleep(ms),
    setTimer: (ms, fn) => clock.setTimer(ms + lateMs(), fn),
  });

  async function grown(lateMs: number, sharesLoop: boolean): Promise<{ before: number; after: number }> {
    const clock = new VirtualClock();
    let queued = 0;
    let delayMs = lateMs;
    const host: ScalerHost = {
      queued: () => queued,
      busy: () => scaler.workers,
      coldStartMs: () => 0,
      resize: () => 0,
    };
    const runtime = { clock: late(clock, () => delayMs), random: () => 0 };
    const scaler = new Scaler(host, { workers, sharesLoop, runtime });
    scaler.onEnqueue(0);
    scaler.onStart(0);
    await clock.advance(3_000);
    queued = 100;
    scaler.onSettle(0, 1_000);
    scaler.onEnqueue(100);
    await clock.advance(1_000);
    const before = scaler.workers;
    delayMs = 0;
    await clock.advance(3_000);
    return { before, after: scaler.workers };
  }

  test('adds no worker to those that share it, until it is in time again', async () => {
    expect(await grown(80, true)).toEqual({ before: 1, after: 64 });
  });
  test('adds others', async () => {
    expect(await grown(80, false)).toEqual({ before: 64, after: 64 });
  });
  test('begins anew after a rest', async () => {
    const clock = new VirtualClock();
    let [queued, delayMs] = [0, 500];
    const host: ScalerHost = { queued: () => queued, busy: () => 0, coldStartMs: () => 0, resize: () => 0 };
    const scaler = new Scaler(host, { workers, runtime: { clock: late(clock, () => delayMs), random: () => 0 } });
    scaler.onEnqueue(0);
    scaler.onStart(0);
    scaler.onSettle(0, 1_000);
    await clock.advance(60_000);
    expect([clock.pending, scaler.stats().lagging]).toEqual([0, true]);
    [queued, delayMs] = [100, 0];
    scaler.onEnqueue(100);
    expect(scaler.workers).toBe(64);
    scaler.close();
  });
  test('may be late a little', async () => {
    expect(await grown(40, true)).toEqual({ before: 64, after: 64 });
  });
});

describe('the host', () => {
  const runtime = { clock: new VirtualClock(), random: (): number => 0 };

  test('that throws is reported, and the number is what it should be', () => {
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const resize = (): never => {
      throw new Error('no');
    };
    const scaler = new Scaler(
      { queued: () => 1, busy: () => 0, coldStartMs: () => 0, resize },
      { workers: { min: 0 } },
    );
    scaler.onEnqueue(1);
    expect(scaler.workers).toBe(1);
    expect(String(emit.mock.calls[0]![0])).toContain('a pool could not be resized: no');
    scaler.close();
    emit.mockRestore();
  });

  test('may add jobs and close from within', async () => {
    const pool = new Pool({ workers: { min: 0, max: 8 } });
    const { clock } = pool;
    let depth = 0;
    const scaler: Scaler = new Scaler(
      {
        queued: () => 3,
        busy: () => 0,
        coldStartMs: () => 0,
        resize: () => {
          if (depth++ < 5) scaler.onEnqueue(100);
          else scaler.close();
        },
      },
      { workers: { min: 0, max: 8 }, runtime: { clock, random: () => 0 } },
    );
    scaler.onEnqueue(1);
    await clock.advance(10_000);
    expect(depth).toBeGreaterThan(0);
    scaler.close();
    scaler.onEnqueue(1_000);
    scaler.follow({ min: 2, max: 9 });
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });

  test.each([
    [{ workers: 0 }, 'workers must be { min, max } or an integer from 1 to 1000000, got 0'],
    [{ workers: 'many' }, 'workers must be { min, max } or an integer from 1 to 1000000, got "many"'],
    [{ workers: null }, 'workers must be { min, max } or an integer from 1 to 1000000, got null'],
    [{ workers: { min: 1.5 } }, 'min must be an integer from 0 to 1000000, got 1.5'],
    [{ workers: { min: 3, max: 2 } }, 'min must be an integer <= max (2), got 3'],
    [{ workers: { least: 3 } }, 'workers has no option "least"; it has min, max'],
    [{ suggestedMax: 0 }, 'suggestedMax must be an integer from 1 to 1000000, got 0'],
    [{ elastic: { drainMs: 0 } }, 'drainMs must be a finite number >= 1, got 0'],
    [{ sharesLoop: 1 }, 'sharesLoop must be a boolean, got 1'],
  ])('with %j is refused', (options, message) => {
    const make = (): Scaler => new Scaler(new Pool() as never, options as ScalerOptions);
    expect(make).toThrow(/a host/);
    const host: ScalerHost = { queued: () => 0, busy: () => 0, coldStartMs: () => 0, resize: () => undefined };
    expect(() => new Scaler(host, { runtime, ...options } as ScalerOptions)).toThrow(message);
  });

  test('suggests the maximum, but no less than the minimum', () => {
    const boundsOf = (options: ScalerOptions): unknown => {
      const { min, max } = new Pool(options).scaler.stats();
      return [min, max];
    };
    expect(boundsOf({})).toEqual([1, 64]);
    expect(boundsOf({ suggestedMax: 8 })).toEqual([1, 8]);
    expect(boundsOf({ suggestedMax: 8, workers: { min: 12 } })).toEqual([12, 12]);
    expect(boundsOf({ suggestedMax: 8, workers: { max: 20 } })).toEqual([1, 20]);
  });
});

test('what is known and was done can be read', async () => {
  const pool = new Pool({ workers });
  pool.every(50, 500, 20_000);
  await pool.clock.advance(20_000);
  const stats = pool.scaler.stats();
  expect(stats.arrivalsPerSecond).toBeCloseTo(20, 1);
  expect(stats).toMatchObject({ serviceMs: 500, lagging: false, limit: undefined, min: 1, max: 64 });
  expect(stats.load).toBeCloseTo(10, 1);
  await pool.clock.advance(20_000);
  const { changes } = pool.scaler.stats();
  expect(Object.values(changes).reduce((sum, n) => sum + n)).toBe(pool.changes.length);
  expect(changes.idle).toBeGreaterThan(0);
});

test('the guard keeps the pool at what the service can do', async () => {
  const pool = new Pool({ workers, elastic: { guard: 'plateau' } });
  // With more than ten at a time, each takes as much longer.
  const run = pool.run.bind(pool);
  pool.run = (ms, type) => {
    run(ms * Math.max(1, (pool.active + 1) / 10), type);
  };
  for (let i = 0; i < 20_000; i++) pool.add(100);
  await pool.clock.advance(60_000);
  const limits: number[] = [];
  for (let s = 0; s < 60; s++) {
    await pool.clock.advance(1_000);
    limits.push(pool.scaler.workers);
    expect(pool.scaler.stats().limit).toBe(pool.scaler.workers);
  }
  const mean = limits.reduce((sum, n) => sum + n) / limits.length;
  expect(mean).toBeGreaterThan(6);
  expect(mean).toBeLessThan(18);
  expect(pool.scaler.stats().changes.guard).toBeGreaterThan(0);
});
