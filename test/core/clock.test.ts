import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { promisify } from 'node:util';
import { HoldfastError, isInvalidOption, systemClock } from 'holdfast/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const day = 24 * 60 * 60 * 1_000;

const rejectionOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );

describe('the system clock reads the platform', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('now() is monotonic and has a fraction', () => {
    const reads = Array.from({ length: 10_000 }, () => systemClock.now());
    expect(reads.every((ms, i) => i === 0 || ms >= reads[i - 1]!)).toBe(true);
    expect(reads.some((ms) => !Number.isInteger(ms))).toBe(true);
  });

  test('a jump of the date moves wallNow() and nothing else', async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const start = systemClock.now();
    let fired = 0;
    systemClock.setTimer(1_000, () => fired++);
    expect(systemClock.wallNow()).toBe(1_000_000);

    vi.setSystemTime(9 * day);
    expect(systemClock.wallNow()).toBe(9 * day);
    expect(systemClock.now()).toBe(start);
    vi.setSystemTime(-day);
    expect(systemClock.wallNow()).toBe(-day);

    await vi.advanceTimersByTimeAsync(999);
    expect(fired).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(fired).toBe(1);
    expect(systemClock.now() - start).toBe(1_000);
  });

  test('timers, wallNow() and now() are looked up at each call, so that fakes installed later are honoured', () => {
    vi.spyOn(performance, 'now').mockReturnValue(41);
    vi.spyOn(Date, 'now').mockReturnValue(42);
    const setTimeout = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(43 as unknown as NodeJS.Timeout);
    const clearTimeout = vi.spyOn(globalThis, 'clearTimeout').mockReturnValue();
    expect([systemClock.now(), systemClock.wallNow()]).toEqual([41, 42]);
    // As in a browser, the handle is a number: there is nothing to unref.
    systemClock.setTimer(5, () => undefined).cancel();
    expect(setTimeout).toHaveBeenCalledWith(expect.any(Function), 5);
    expect(clearTimeout).toHaveBeenCalledWith(43);
  });
});

describe('setTimer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([0, -0, -1, -Infinity])('%d fires at once, yet never synchronously', async (ms) => {
    let fired = 0;
    systemClock.setTimer(ms, () => fired++);
    await Promise.resolve();
    expect(fired).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(fired).toBe(1);
  });

  test.each([2 ** 31 - 1, 2 ** 31, 30 * day, 400 * day])('%d ms are honoured to the millisecond', async (ms) => {
    let fired = 0;
    systemClock.setTimer(ms, () => fired++);
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(fired).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(fired).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a long timer is taken back on any of its steps', async () => {
    let fired = 0;
    const timer = systemClock.setTimer(100 * day, () => fired++);
    await vi.advanceTimersByTimeAsync(60 * day);
    expect(vi.getTimerCount()).toBe(1);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60 * day);
    expect(fired).toBe(0);
  });

  test('Infinity never fires and can be taken back', async () => {
    let fired = 0;
    const timer = systemClock.setTimer(Infinity, () => fired++);
    await vi.advanceTimersByTimeAsync(1_000 * day);
    expect(fired).toBe(0);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('cancel is idempotent, before and after the timer has fired', async () => {
    let fired = 0;
    const early = systemClock.setTimer(5, () => fired++);
    early.cancel();
    early.cancel();
    const late = systemClock.setTimer(5, () => fired++);
    const other = systemClock.setTimer(50, () => fired++);
    await vi.advanceTimersByTimeAsync(5);
    expect(fired).toBe(1);
    late.cancel();
    await vi.advanceTimersByTimeAsync(45);
    expect(fired).toBe(2);
    other.cancel();
  });

  test('a timer may cancel itself and its neighbours from inside', async () => {
    const fired: string[] = [];
    const first = systemClock.setTimer(5, () => {
      first.cancel();
      second.cancel();
      fired.push('first');
    });
    const second = systemClock.setTimer(5, () => fired.push('second'));
    await vi.advanceTimersByTimeAsync(10);
    expect(fired).toEqual(['first']);
  });

  test.each([
    [Number.NaN, 'NaN'],
    ['5', '"5"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5n, '5n'],
    [{ valueOf: (): number => 5 }, 'an object'],
  ])('refuses %s', async (ms, received) => {
    const expected = `ms must be a number of milliseconds, got ${received}`;
    expect(() => systemClock.setTimer(ms as number, () => undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expected }) as Error,
    );
    const rejection = await rejectionOf(systemClock.sleep(ms as number));
    expect(rejection).toMatchObject({ code: 'INVALID_OPTION', message: expected });
    expect(await rejectionOf(systemClock.sleep(ms as number, AbortSignal.abort()))).toBeInstanceOf(HoldfastError);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a timer keeps the process alive only when it is asked to', () => {
  const refs = (set: () => { cancel(): void }): readonly boolean[] => {
    const spy = vi.spyOn(globalThis, 'setTimeout');
    const timer = set();
    const found = spy.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef());
    timer.cancel();
    spy.mockRestore();
    return found;
  };

  test.each([
    [undefined, false],
    [{}, false],
    [{ ref: false }, false],
    [{ ref: true }, true],
  ])('%o', (options, ref) => {
    for (const ms of [5, 2 ** 40])
      expect(refs(() => systemClock.setTimer(ms, () => undefined, options))).toEqual([ref]);
  });

  test('also on the later steps of a long one', async () => {
    for (const ref of [false, true]) {
      const spy = vi.spyOn(globalThis, 'setTimeout');
      const now = vi.spyOn(performance, 'now').mockReturnValue(0);
      const timer = systemClock.setTimer(100 * day, () => undefined, { ref });
      clearTimeout(spy.mock.results[0]!.value as NodeJS.Timeout);
      now.mockReturnValue(50 * day);
      spy.mock.calls[0]![0]();
      expect(spy.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([ref, ref]);
      timer.cancel();
      vi.restoreAllMocks();
    }
  });

  const child = async (code: string): Promise<string> => {
    const clock = JSON.stringify(new URL('../../src/core/clock.ts', import.meta.url).href);
    const script = `import { systemClock } from ${clock};\nprocess.on('exit', () => console.log('exit'));\n${code}`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { cwd: root },
    );
    return stdout.trim().replaceAll('\n', ' ');
  };

  test('a process ends beside pending timers, and stays for a sleep', { timeout: 20_000 }, async () => {
    expect(
      await Promise.all([
        child(`systemClock.setTimer(60_000, () => console.log('fired'));
               systemClock.setTimer(2 ** 40, () => console.log('fired'));
               systemClock.setTimer(Infinity, () => console.log('fired'));`),
        child(`systemClock.setTimer(20, () => console.log('fired'), { ref: true });
               systemClock.sleep(20).then(() => console.log('slept'));`),
        // Nothing but the sleep holds the process until the signal ends it.
        child(`const controller = new AbortController();
               systemClock.setTimer(20, () => controller.abort('woken'));
               systemClock.sleep(Infinity, controller.signal).catch((reason) => console.log(reason));`),
      ]),
    ).toEqual(['exit', 'fired slept exit', 'woken exit']);
  });
});

describe('sleep', () => {
  test('resolves when its time has come and leaves nothing behind', async () => {
    vi.useFakeTimers();
    try {
      const { signal } = new AbortController();
      let slept = false;
      const sleeping = systemClock.sleep(100, signal).then(() => (slept = true));
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(99);
      expect(slept).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await sleeping;
      expect(vi.getTimerCount()).toBe(0);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([new Error('enough'), 'enough', 0, null])('rejects with the reason of the signal: %s', async (reason) => {
    vi.useFakeTimers();
    try {
      const controller = new AbortController();
      const sleeping = rejectionOf(systemClock.sleep(100, controller.signal));
      controller.abort(reason);
      expect(vi.getTimerCount()).toBe(0);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      expect(await sleeping).toBe(reason);
      expect(await rejectionOf(systemClock.sleep(100, controller.signal))).toBe(reason);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([null, {}, 'signal', { aborted: false }])('refuses %o as a signal and sets no timer', async (signal) => {
    vi.useFakeTimers();
    try {
      const rejection = await rejectionOf(systemClock.sleep(100, signal as unknown as AbortSignal));
      expect(isInvalidOption(rejection)).toBe(true);
      expect((rejection as Error).message).toMatch(/^signal must be an AbortSignal, got /);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('on real time: never early, fractions included', async () => {
    const lengths = Array.from({ length: 200 }, (_, i) => i / 17);
    const early = await Promise.all(
      lengths.map(async (ms) => {
        const start = systemClock.now();
        await systemClock.sleep(ms);
        // The due time is rounded to a double once.
        return systemClock.now() - start < ms - 1e-9;
      }),
    );
    expect(early.filter(Boolean)).toEqual([]);
  });
});
