import { getEventListeners } from 'node:events';
import { HoldfastError, isHoldfastError, isInvalidOption, systemClock } from 'holdfast/core';
import { failOnLeaks, VirtualClock, type Watched } from 'holdfast/testing';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { onAbort } from '../../src/core/signals.ts';
import { hostileValues } from '../support/hostile.ts';

const ignore = (): void => undefined;

const leakOf = async (body: (watched: Watched) => unknown, clock = new VirtualClock()): Promise<HoldfastError> => {
  const error: unknown = await failOnLeaks(body, { clock }).then(
    () => 'no leak',
    (reason: unknown) => reason,
  );
  if (!isHoldfastError(error, 'LEAK')) throw new Error('expected a leak', { cause: error });
  return error;
};

/** A named place to leak from: its name must be in the report. */
const hereInTheBody = <T>(fn: () => T): T => fn();

/** Lets Node report what was rejected before. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

// The test runner's handler fails a run at an unhandled rejection; here they are counted instead.
let others: readonly NodeJS.UnhandledRejectionListener[] = [];
let unhandled: unknown[] = [];
const count = (reason: unknown): void => {
  unhandled.push(reason);
};
beforeEach(() => {
  unhandled = [];
  others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', count);
});
afterEach(async () => {
  await turn();
  process.removeAllListeners('unhandledRejection');
  for (const other of others) process.on('unhandledRejection', other);
});

describe('a clean body', () => {
  test('passes, and its result is returned, of its own type', async () => {
    expect(await failOnLeaks(() => 5)).toBe(5);
    const text = await failOnLeaks(async ({ runtime, signal }) => {
      await runtime.clock.sleep(0.1, signal);
      return 'done';
    });
    expectTypeOf(text).toEqualTypeOf<string>();
    expect(text).toBe('done');
  });

  test('may set, cancel, fire, sleep, be called off, listen, reject and handle', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      async ({ runtime, signal, abort }) => {
        runtime.clock.setTimer(5, ignore);
        runtime.clock.setTimer(1e9, ignore).cancel();
        const slept = runtime.clock.sleep(5);
        const calledOff = runtime.clock.sleep(1e9, signal).catch((reason: unknown) => reason);
        signal.addEventListener('abort', ignore);
        signal.addEventListener('abort', ignore);
        signal.removeEventListener('abort', ignore);
        signal.addEventListener('abort', () => undefined, { once: true });
        signal.addEventListener('other', ignore);
        onAbort(signal, ignore)();
        await Promise.reject(new Error('handled')).catch(ignore);
        await clock.advance(5);
        await slept;
        abort('enough');
        expect(await calledOff).toBe('enough');
        expect(signal.reason).toBe('enough');
      },
      { clock },
    );
    expect(clock.pending).toBe(0);
  });

  test('that ends while its promises still settle is waited for', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      ({ runtime, abort, signal }) => {
        void runtime.clock.sleep(1_000, signal).catch(ignore);
        abort();
      },
      { clock },
    );
  });

  test('gets the time of the clock given, and the system’s by default', async () => {
    const clock = new VirtualClock({ epochMs: 1_000 });
    await clock.advance(7);
    await failOnLeaks(
      ({ runtime }) => {
        expect([runtime.clock.now(), runtime.clock.wallNow()]).toEqual([7, 1_007]);
        expect(runtime.random()).toBeLessThan(1);
      },
      { clock },
    );
    await failOnLeaks(({ runtime }) => {
      expect(Math.abs(runtime.clock.now() - systemClock.now())).toBeLessThan(60_000);
    });
  });
});

describe('each kind of leak is found and its place is named', () => {
  test('a timer', async () => {
    const error = await leakOf(({ runtime }) => hereInTheBody(() => runtime.clock.setTimer(50, ignore)));
    expect(error.message).toMatch(/^1 left behind:\n- a timer of 50 ms\n {4}at .*\n {4}at /);
    expect(error.message).toContain('hereInTheBody');
    expect(error.message.split('\n')[2]).toContain('fail-on-leaks.test.ts');
  });

  test('a sleep, also one that fires after the body', async () => {
    const clock = new VirtualClock();
    const error = await leakOf(({ runtime }) => {
      void hereInTheBody(() => runtime.clock.sleep(50));
    }, clock);
    expect(error.message).toMatch(/^1 left behind:\n- a sleep of 50 ms\n/);
    expect(error.message.split('\n')[2]).toContain('fail-on-leaks.test.ts');
    await clock.advance(50);
  });

  test.each<readonly [string, (signal: AbortSignal) => unknown]>([
    [
      'a listener',
      (signal) => {
        signal.addEventListener('abort', ignore);
      },
    ],
    [
      'a listener for once',
      (signal) => {
        signal.addEventListener('abort', ignore, { once: true });
      },
    ],
    [
      'a listener object',
      (signal) => {
        signal.addEventListener('abort', { handleEvent: ignore });
      },
    ],
    [
      'a listener until another signal that has not aborted',
      (signal) => {
        signal.addEventListener('abort', ignore, { signal: new AbortController().signal });
      },
    ],
    [
      'a listener of which another was removed',
      (signal) => {
        signal.addEventListener('abort', ignore);
        signal.removeEventListener('abort', () => undefined);
        signal.removeEventListener('other', ignore);
      },
    ],
    [
      'a listener that was removed and added again',
      (signal) => {
        signal.addEventListener('abort', ignore);
        signal.removeEventListener('abort', ignore);
        signal.addEventListener('abort', ignore);
      },
    ],
    [
      'onabort',
      (signal) => {
        signal.onabort = ignore;
      },
    ],
    ['a link', (signal) => onAbort(signal, ignore)],
  ])('%s', async (_, leak) => {
    const error = await leakOf(({ signal }) => hereInTheBody(() => leak(signal)));
    expect(error.message).toMatch(/^1 left behind:\n- an abort listener\n/);
    expect(error.message).toContain('fail-on-leaks.test.ts');
  });

  test('a listener until another signal is gone when that one aborts, and never was when it has', async () => {
    await failOnLeaks(({ signal }) => {
      const until = new AbortController();
      signal.addEventListener('abort', ignore, { signal: until.signal });
      until.abort();
      signal.addEventListener('abort', ignore, { signal: until.signal });
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });

  test('also on a platform that does not ask removeEventListener for that, as browsers do not', async () => {
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    vi.spyOn(AbortSignal.prototype, 'addEventListener').mockImplementation(function (this: AbortSignal, ...args) {
      const [type, listener, options] = args;
      const { signal: until, ...rest } = typeof options === 'object' ? options : {};
      addEventListener.call(this, type, listener, rest);
      if (until !== undefined)
        addEventListener.call(until, 'abort', () => {
          removeEventListener.call(this, type, listener);
        });
    });
    await failOnLeaks(({ signal }) => {
      const until = new AbortController();
      signal.addEventListener('abort', ignore, { signal: until.signal });
      until.abort();
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
    vi.restoreAllMocks();
  });

  test('a rejection that nobody handles', async () => {
    const lost = (): Error => new Error('lost');
    const error = await leakOf(() => {
      void Promise.reject(lost());
    });
    expect(error.message).toMatch(/^1 left behind:\n- an unhandled rejection\nError: lost\n {4}at lost /);
    const late = await leakOf(async () => {
      void Promise.resolve().then(async () => Promise.reject(new Error('later')));
      await Promise.resolve();
    });
    expect(late.message).toContain('later');
  });

  test.each([...hostileValues, ['undefined', undefined], ['text', 'lost'], ['an object', {}]] as const)(
    'a rejection with %s',
    async (_, reason) => {
      const error = await leakOf(() => {
        void Promise.reject(reason);
      });
      expect(error.message).toMatch(/^1 left behind:\n- an unhandled rejection\n./);
    },
  );

  test('all of them at once, in the order in which they were made', async () => {
    const error = await leakOf(async ({ runtime, signal }) => {
      runtime.clock.setTimer(1, ignore);
      void Promise.reject(new Error('lost'));
      await turn();
      signal.addEventListener('abort', ignore);
      void runtime.clock.sleep(2, signal);
    });
    const lines = error.message.split('\n').filter((line) => !line.startsWith('    at'));
    expect(lines).toEqual([
      // The sleep's own listener is one, too.
      '5 left behind:',
      '- a timer of 1 ms',
      '- an unhandled rejection',
      'Error: lost',
      '- an abort listener',
      '- a sleep of 2 ms',
      '- an abort listener',
    ]);
  });
});

describe('what it does not touch', () => {
  test('another signal, or the prototype', async () => {
    const { addEventListener, removeEventListener } = AbortSignal.prototype;
    const other = new AbortController().signal;
    await failOnLeaks(({ signal }) => {
      other.addEventListener('abort', ignore);
      expect(signal).toBeInstanceOf(AbortSignal);
      expect(Object.keys(signal)).toEqual([]);
    });
    expect(AbortSignal.prototype.addEventListener).toBe(addEventListener);
    expect(AbortSignal.prototype.removeEventListener).toBe(removeEventListener);
    expect(getEventListeners(other, 'abort')).toHaveLength(1);
  });

  test('listeners work as ever: order, once, options, removal', async () => {
    const seen: string[] = [];
    await failOnLeaks(({ signal, abort }) => {
      const removed = (): unknown => seen.push('removed');
      signal.addEventListener('abort', () => seen.push('once'), { once: true });
      signal.addEventListener('abort', removed);
      signal.removeEventListener('abort', removed);
      signal.addEventListener('abort', ({ type }) => seen.push(type), { once: true });
      abort();
      abort();
    });
    expect(seen).toEqual(['once', 'abort']);
  });

  test('timers of the clock that bypass the runtime', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(() => clock.setTimer(50, ignore), { clock });
    expect(clock.pending).toBe(1);
  });
});

describe('the process’ handlers of unhandled rejections', () => {
  const outcomes: readonly (readonly [string, () => unknown])[] = [
    ['passes', ignore],
    ['leaks', () => void Promise.reject(new Error('lost'))],
    [
      'throws',
      () => {
        throw new Error('sync');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('async'))],
  ];

  test.each(outcomes)('are as before when the body %s, those for once included', async (_, body) => {
    const once: unknown[] = [];
    process.once('unhandledRejection', (reason) => once.push(reason));
    const before = process.rawListeners('unhandledRejection');
    await failOnLeaks(body).catch(ignore);
    expect(process.rawListeners('unhandledRejection')).toEqual(before);
    expect(unhandled).toEqual([]);
    void Promise.reject(new Error('first'));
    void Promise.reject(new Error('second'));
    await turn();
    expect(once).toHaveLength(1);
    expect(unhandled).toHaveLength(2);
  });

  test('hear nothing while the body runs, a failing body’s own rejections included', async () => {
    const error: unknown = await failOnLeaks(() => {
      void Promise.reject(new Error('lost'));
      throw new Error('mine');
    }).catch((reason: unknown) => reason);
    await turn();
    expect(error).toMatchObject({ message: 'mine' });
    expect(unhandled).toEqual([]);
  });

  test('are not asked for where there is no process', async () => {
    const before = process.rawListeners('unhandledRejection');
    vi.stubGlobal('process', undefined);
    const outcome = failOnLeaks(() => 5);
    vi.unstubAllGlobals();
    expect(process.rawListeners('unhandledRejection')).toEqual(before);
    expect(await outcome).toBe(5);
  });

  test('that the body adds stay', async () => {
    const added = (): void => undefined;
    await failOnLeaks(() => process.on('unhandledRejection', added));
    expect(process.listeners('unhandledRejection')).toEqual([added, count]);
  });
});

describe('errors', () => {
  test('of the body come first, whatever it has left behind', async () => {
    const mine = new Error('mine');
    const body = ({ runtime }: Watched): void => {
      runtime.clock.setTimer(50, ignore);
      throw mine;
    };
    await expect(failOnLeaks(body, { clock: new VirtualClock() })).rejects.toBe(mine);
  });

  test.each<readonly [unknown, unknown, string]>([
    [undefined, undefined, 'body must be a function, got undefined'],
    ['body', undefined, 'body must be a function, got "body"'],
    [ignore, { clock: {} }, 'clock must be a Clock, got an object'],
    [ignore, { clocks: systemClock }, 'failOnLeaks has no option "clocks"; it has clock'],
    [ignore, null, 'failOnLeaks options must be an object, got null'],
  ])('a body %s with options %o is refused, before it runs', async (body, options, message) => {
    const before = process.rawListeners('unhandledRejection');
    const refused = failOnLeaks(body as () => void, options as object);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION', message });
    expect(process.rawListeners('unhandledRejection')).toEqual(before);
  });

  test('a wrong length is refused by the counted clock as by the clock itself, and is no leak', async () => {
    await failOnLeaks(async ({ runtime }) => {
      expect(() => runtime.clock.setTimer(Number.NaN, ignore)).toThrow('ms must be a number of milliseconds, got NaN');
      await expect(runtime.clock.sleep(Number.NaN)).rejects.toSatisfy(isInvalidOption);
    });
  });
});
