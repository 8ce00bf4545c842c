import { getEventListeners } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { type Clock, isInvalidOption } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';

const ignore = (): void => undefined;
const rejectionOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const heapBytes = (): number => {
  gc!();
  gc!();
  return process.memoryUsage().heapUsed;
};

describe('time', () => {
  test('starts at 0, moves only when told, and the calendar with it', async () => {
    const clock: Clock & VirtualClock = new VirtualClock({ epochMs: 1_700_000_000_000 });
    expect([clock.now(), clock.wallNow()]).toEqual([0, 1_700_000_000_000]);
    await clock.advance(0);
    expect(clock.now()).toBe(0);
    await clock.advance(1.5);
    await clock.advance(1e9);
    expect([clock.now(), clock.wallNow()]).toEqual([1e9 + 1.5, 1_700_000_000_000 + 1e9 + 1.5]);
    expect(new VirtualClock().wallNow()).toBe(0);
    expect(new VirtualClock({}).wallNow()).toBe(0);
  });

  test('in a timer it is exactly the due time, and after advance exactly what was asked for', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    for (const ms of [30, 10.25, 20]) clock.setTimer(ms, () => seen.push(clock.now()));
    await clock.advance(25);
    expect(seen).toEqual([10.25, 20]);
    expect(clock.now()).toBe(25);
    await clock.advance(100);
    expect([seen.at(-1), clock.now()]).toEqual([30, 125]);
  });

  test('a year of hourly timers passes in no time', async () => {
    const clock = new VirtualClock();
    let hours = 0;
    const tick = (): void => {
      hours++;
      clock.setTimer(3_600_000, tick);
    };
    clock.setTimer(3_600_000, tick);
    await clock.advance(365 * 24 * 3_600_000);
    expect(hours).toBe(8_760);
  });

  test.each<readonly [unknown, string]>([
    [{ epochMs: Number.NaN }, 'epochMs must be a finite number, got NaN'],
    [{ epochMs: '0' }, 'epochMs must be a finite number, got "0"'],
    [{ epoch: 0 }, 'VirtualClock has no option "epoch"; it has epochMs'],
    [null, 'VirtualClock options must be an object, got null'],
  ])('refuses options %o', (options, message) => {
    expect(() => new VirtualClock(options as object)).toThrow(message);
  });
});

describe('timers', () => {
  test('of one instant fire in the order of their creation, whatever was cancelled between', async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const timers = Array.from({ length: 200 }, (_, i) => clock.setTimer(i % 2 === 0 ? 10 : 5, () => fired.push(i)));
    for (let i = 0; i < 200; i += 3) timers[i]!.cancel();
    await clock.advance(10);
    const left = Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 3 !== 0);
    expect(fired).toEqual([...left.filter((i) => i % 2 === 1), ...left.filter((i) => i % 2 === 0)]);
  });

  test('set on the way fire on the way, never synchronously', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.setTimer(10, () => {
      clock.setTimer(0, () => fired.push(`again at ${String(clock.now())}`));
      clock.setTimer(-5, () => fired.push(`late at ${String(clock.now())}`));
      clock.setTimer(5, () => fired.push(`later at ${String(clock.now())}`));
      fired.push('first');
    });
    clock.setTimer(10, () => fired.push('second'));
    await clock.advance(15);
    expect(fired).toEqual(['first', 'second', 'again at 10', 'late at 10', 'later at 15']);
  });

  test('pending and nextDueMs say what is set; Infinity is not', async () => {
    const clock = new VirtualClock();
    expect([clock.pending, clock.nextDueMs]).toEqual([0, undefined]);
    const never = clock.setTimer(Infinity, ignore);
    const [late, soon] = [clock.setTimer(20, ignore), clock.setTimer(10, ignore)];
    expect([clock.pending, clock.nextDueMs]).toEqual([2, 10]);
    soon.cancel();
    soon.cancel();
    expect([clock.pending, clock.nextDueMs]).toEqual([1, 20]);
    await clock.advance(20);
    expect([clock.pending, clock.nextDueMs]).toEqual([0, undefined]);
    late.cancel();
    never.cancel();
    expect(clock.pending).toBe(0);
  });

  test.each([Number.NaN, '5', undefined, null])('a length of %o is refused as by the system clock', async (ms) => {
    const clock = new VirtualClock();
    expect(() => clock.setTimer(ms as number, ignore)).toThrow('ms must be a number of milliseconds, got ');
    expect(isInvalidOption(await rejectionOf(clock.sleep(ms as number)))).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('sleep', () => {
  test('wakes at its instant and leaves nothing behind, slept out or called off', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const slept = clock.sleep(10, controller.signal).then(() => clock.now());
    const calledOff = rejectionOf(clock.sleep(1_000, controller.signal));
    await clock.advance(10);
    expect(await slept).toBe(10);
    expect(clock.pending).toBe(1);
    controller.abort('enough');
    expect(await calledOff).toBe('enough');
    expect(await rejectionOf(clock.sleep(5, controller.signal))).toBe('enough');
    expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0]);
  });
});

describe('before the clock moves on, all that is ready has run', () => {
  /** How long a chain of `hops` takes in virtual time, beside a timer every millisecond. */
  const duration = async (chain: () => Promise<void>): Promise<number> => {
    const clock = new VirtualClock();
    for (let ms = 1; ms <= 20; ms++) clock.setTimer(ms, ignore);
    let endedAt = Number.NaN;
    clock.setTimer(5, () => {
      void chain().then(() => (endedAt = clock.now()));
    });
    await clock.advance(20);
    return endedAt;
  };
  const hops = async (hop: () => Promise<unknown>, n = 1_000): Promise<void> => {
    for (let i = 0; i < n; i++) await hop();
  };
  const viaTick = async (): Promise<void> =>
    new Promise((resolve) => {
      process.nextTick(resolve);
    });

  test.each<readonly [string, () => Promise<void>]>([
    ['a chain of 1,000 promises', () => hops(() => Promise.resolve())],
    ['1,000 nested async calls', () => nested(1_000)],
    [
      '1,000 ticks, each asked for by the last',
      () =>
        new Promise((resolve) => {
          const tick = (left: number): void => {
            if (left === 0) resolve();
            else process.nextTick(tick, left - 1);
          };
          tick(1_000);
        }),
    ],
    ['a chain of 1,000 promises, each behind a tick', () => hops(viaTick)],
    [
      'a chain of promises that a tick starts',
      () => viaTick().then(() => hops(() => new Promise<void>(queueMicrotask), 10)),
    ],
  ])('%s', async (_, chain) => {
    expect(await duration(chain)).toBe(5);
  });

  const nested = async (depth: number): Promise<void> => {
    if (depth > 0) await nested(depth - 1);
  };

  test('also before the first timer, and after the last', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    void hops(() => Promise.resolve()).then(() => seen.push(`started at ${String(clock.now())}`));
    clock.setTimer(5, () => {
      void hops(viaTick).then(() => seen.push('ended'));
    });
    await clock.advance(5);
    expect(seen).toEqual(['started at 0', 'ended']);
  });

  test('what a chain sets is set in time', async () => {
    const clock = new VirtualClock();
    const woken: number[] = [];
    const worker = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        await clock.sleep(10);
        await hops(viaTick, 10);
        woken.push(clock.now());
      }
    };
    void worker();
    clock.setTimer(11, ignore);
    await clock.advance(50);
    expect(woken).toEqual([10, 20, 30, 40, 50]);
  });

  test('under fake timers of the test runner too', async () => {
    vi.useFakeTimers();
    const clock = new VirtualClock();
    const slept = clock.sleep(10);
    await clock.advance(10);
    await slept;
    expect(clock.now()).toBe(10);
  });

  test('in a browser too, where there is no setImmediate', async () => {
    vi.resetModules();
    vi.stubGlobal('setImmediate', undefined);
    const { VirtualClock: BrowserClock } = await import('../../src/testing/virtual-clock.ts');
    vi.unstubAllGlobals();
    const clock = new BrowserClock();
    const woken: number[] = [];
    void (async () => {
      await clock.sleep(10);
      await hops(viaTick);
      await clock.sleep(10);
      woken.push(clock.now());
    })();
    clock.setTimer(11, ignore);
    await clock.advance(20);
    expect(woken).toEqual([20]);
  });

  test('the platform gets its turn beside an endless run, after 64 timers at the latest', async () => {
    const clock = new VirtualClock();
    const { port1, port2 } = new MessageChannel();
    const waits: number[] = [];
    let waiting = 0;
    // What a timer posts comes with the next turn of the event loop, in which the platform's timers and I/O come too.
    port2.on('message', () => {
      waits.push(waiting);
      waiting = 0;
    });
    const again = (): void => {
      if (waiting++ === 0) port1.postMessage(undefined);
      if (waits.length < 20) clock.setTimer(1, again);
    };
    again();
    await clock.runUntilIdle({ maxTimers: 1_000_000 });
    port1.close();
    expect(Math.max(...waits)).toBeLessThanOrEqual(64);
  });

  afterEach(() => {
    vi.useRealTimers();
  });
});

describe('runUntilIdle', () => {
  test('fires until none is left and says how many', async () => {
    const clock = new VirtualClock();
    const chain = (left: number): void => {
      if (left > 1) clock.setTimer(10, () => chain(left - 1));
    };
    clock.setTimer(10, () => chain(5));
    clock.setTimer(Infinity, ignore);
    clock.setTimer(1_000, ignore).cancel();
    expect(await clock.runUntilIdle()).toBe(5);
    expect([clock.now(), clock.pending]).toEqual([50, 0]);
    expect(await clock.runUntilIdle()).toBe(0);
    expect(clock.now()).toBe(50);
  });

  test('gives up an endless run, and says what was going on', async () => {
    const clock = new VirtualClock();
    const again = (): void => {
      clock.setTimer(1, again);
    };
    again();
    clock.setTimer(1e9, ignore);
    const error = await rejectionOf(clock.runUntilIdle({ maxTimers: 50 }));
    expect(error).toMatchObject({
      code: 'INVALID_OPTION',
      message: 'maxTimers must be more than the 50 timers that have fired, with 2 still set, got 50',
    });
    expect([clock.now(), clock.pending]).toEqual([50, 2]);
    await clock.advance(1);
    expect(clock.now()).toBe(51);
  });

  test('gives up after 100,000 unless it is told otherwise', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock();
    let fired = 0;
    const again = (): void => {
      fired++;
      clock.setTimer(1, again);
    };
    again();
    expect(isInvalidOption(await rejectionOf(clock.runUntilIdle()))).toBe(true);
    expect(fired).toBe(100_001);
  });

  test('maxTimers is a count that is enough when that many fire', async () => {
    const clock = new VirtualClock();
    for (let i = 0; i < 3; i++) clock.setTimer(i, ignore);
    expect(await clock.runUntilIdle({ maxTimers: 3 })).toBe(3);
    for (let i = 0; i < 4; i++) clock.setTimer(i, ignore);
    expect(isInvalidOption(await rejectionOf(clock.runUntilIdle({ maxTimers: 3 })))).toBe(true);
    // What has fired before does not count.
    await clock.advance(10);
    for (let i = 0; i < 4; i++) clock.setTimer(i, ignore);
    expect(await rejectionOf(clock.runUntilIdle({ maxTimers: 3 }))).toMatchObject({
      message: 'maxTimers must be more than the 3 timers that have fired, with 1 still set, got 3',
    });
    expect(await rejectionOf(clock.runUntilIdle(null as never))).toMatchObject({
      message: 'runUntilIdle options must be an object, got null',
    });
    for (const maxTimers of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(isInvalidOption(await rejectionOf(clock.runUntilIdle({ maxTimers })))).toBe(true);
    }
  });
});

describe('misuse', () => {
  test.each([-1, Number.NaN, Infinity, '5', undefined])('advance(%o) is refused and moves nothing', async (ms) => {
    const clock = new VirtualClock();
    let fired = 0;
    clock.setTimer(0, () => fired++);
    const error = await rejectionOf(clock.advance(ms as number));
    expect(isInvalidOption(error)).toBe(true);
    expect((error as Error).message).toMatch(/^ms must be a finite number >= 0, got /);
    expect([clock.now(), fired]).toEqual([0, 0]);
  });

  test('a clock that is moving is not moved by another: two would tear time apart', async () => {
    const clock = new VirtualClock();
    clock.setTimer(5, ignore);
    const first = clock.advance(10);
    for (const second of [clock.advance(20), clock.runUntilIdle()]) {
      expect(await rejectionOf(second)).toMatchObject({
        code: 'INVALID_OPTION',
        message: 'a moving clock must be left alone until it has arrived, got true',
      });
    }
    await first;
    expect(clock.now()).toBe(10);
    await clock.advance(1);
    expect(clock.now()).toBe(11);
  });

  test('nor from inside a timer', async () => {
    const clock = new VirtualClock();
    let inner: unknown;
    clock.setTimer(5, () => {
      void rejectionOf(clock.advance(1)).then((error) => (inner = error));
    });
    await clock.advance(10);
    expect(isInvalidOption(inner)).toBe(true);
    expect(clock.now()).toBe(10);
  });

  test('an error in a timer ends the move there, and the clock can be moved again', async () => {
    const clock = new VirtualClock();
    const boom = new Error('boom');
    const fired: number[] = [];
    clock.setTimer(5, () => {
      throw boom;
    });
    for (const ms of [5, 8]) clock.setTimer(ms, () => fired.push(ms));
    expect(await rejectionOf(clock.advance(10))).toBe(boom);
    expect([clock.now(), clock.pending, fired]).toEqual([5, 2, []]);
    await clock.advance(5);
    expect([clock.now(), fired]).toEqual([10, [5, 8]]);
    clock.setTimer(1, () => {
      throw boom;
    });
    expect(await rejectionOf(clock.runUntilIdle())).toBe(boom);
  });
});

describe('cancelled timers do not keep memory (N = 100,000, each with 1 KB of its own)', () => {
  const n = 100_000;
  const allowedBytes = 5 * 1024 * 1024;
  /** The size of a timer's closure: 128 numbers. */
  const heavy = (i: number): (() => void) => {
    const payload = new Array<number>(128).fill(i);
    return () => {
      payload.fill(0);
    };
  };

  test('each cancelled before the next is set, as the deadlines of calls that succeed', () => {
    const clock = new VirtualClock();
    const before = heapBytes();
    for (let i = 0; i < n; i++) clock.setTimer(1_000 + i, heavy(i)).cancel();
    expect(heapBytes() - before).toBeLessThan(allowedBytes);
    expect(clock.pending).toBe(0);
  });

  test('all set, then all but two cancelled', async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const before = heapBytes();
    clock.setTimer(1, () => fired.push(clock.now()));
    const timers = Array.from({ length: n }, (_, i) => clock.setTimer(1_000 - (i % 998), heavy(i)));
    clock.setTimer(2_000, () => fired.push(clock.now()));
    expect(heapBytes() - before).toBeGreaterThan(10 * allowedBytes);
    for (const timer of timers) timer.cancel();
    // The handles hold their closures, too.
    timers.length = 0;
    expect(heapBytes() - before).toBeLessThan(allowedBytes);
    expect(clock.pending).toBe(2);
    expect(await clock.runUntilIdle()).toBe(2);
    expect(fired).toEqual([1, 2_000]);
  });
});
