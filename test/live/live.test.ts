import { isHoldfastError } from 'holdfast/core';
import { isNotReady, live, type LiveOptions } from 'holdfast/live';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { hostileValues } from '../support/hostile.ts';
import { bad, CountingClock, expectInvalid, listenersOf, rejectionOf, steady, thrownBy } from '../support/serving.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

/** A value that is kept somewhere, or cannot be read, and is loaded every 10 ms. */
function kept<T>(first: T | Error, options: LiveOptions<T> = {}, chance = 0.5) {
  const virtual = new VirtualClock();
  const clock = new CountingClock(virtual);
  const store: { value: T | Error } = { value: first };
  const told: unknown[] = [];
  const value = live<T>(
    async () => {
      if (store.value instanceof Error) throw store.value;
      return store.value;
    },
    { everyMs: 10, runtime: steady(clock, chance), ...options },
  );
  value.on('changed', (change) => told.push(['changed', change.value]));
  value.on('rejected', (rejection) => told.push(['rejected', rejection.value]));
  value.on('failed', ({ failures }) => told.push(['failed', failures]));
  value.on('stale', ({ active }) => told.push(['stale', active]));
  return { virtual, clock, store, value, told };
}

describe('before the first value', () => {
  it('`current` throws, with what stood in the way', async () => {
    const { virtual, store, value } = kept<number>(new Error('no such file'));
    expect(isNotReady(thrownBy(() => value.current))).toBe(true);
    expect(value.version).toBe(0);
    await virtual.advance(1);
    const error = thrownBy(() => value.current) as Error;
    expect([error.message, error.cause]).toEqual(['there is no value yet', store.value]);
    store.value = 7;
    await virtual.advance(1_000);
    expect([value.current, value.version, await value.ready]).toEqual([7, 1, 7]);
  });

  it('`ready` rejects at once when the first value is refused; a later one is taken all the same', async () => {
    const refusal = new Error('no shards');
    const validate = (next: number): void => {
      if (next === 0) throw refusal;
    };
    const { virtual, store, value, told } = kept<number>(0, { validate });
    const ready = rejectionOf(() => value.ready);
    await virtual.advance(0);
    expect(await ready).toBe(refusal);
    expect((thrownBy(() => value.current) as Error).cause).toBe(refusal);
    store.value = 5;
    await virtual.advance(10);
    expect([value.current, told]).toEqual([
      5,
      [
        ['rejected', 0],
        ['changed', 5],
      ],
    ]);
    expect(await rejectionOf(() => value.ready)).toBe(refusal);
  });

  it('`ready` rejects when nothing can be loaded in time, with the last error', async () => {
    const { virtual, store, value } = kept<number>(new Error('down'), { readyMs: 500 });
    const ready = rejectionOf(() => value.ready);
    await virtual.advance(500);
    const error = await ready;
    expect(isHoldfastError(error, 'DEADLINE_EXCEEDED')).toBe(true);
    expect((error as Error).cause).toBe(store.value);
  });

  it('a value that is undefined is one', async () => {
    const { virtual, clock, value } = kept<number | undefined>(undefined);
    await virtual.advance(0);
    expect([value.version, value.current, await value.ready]).toEqual([1, undefined, undefined]);
    // The next load and the age; the time of the first is over.
    expect(clock.pending).toBe(2);
    value.close();
  });

  it('`ready` that nobody looks at ends no process', async () => {
    await failOnLeaks(async () => {
      const clock = new VirtualClock();
      for (const ready of [true, false]) {
        const value = live(() => Promise.reject(new Error('down')), { readyMs: 5, runtime: steady(clock) });
        if (ready) void value.ready;
        await clock.advance(10);
        value.close();
        live(() => new Promise(() => undefined), { runtime: steady(clock) }).close();
      }
    });
  });
});

describe('a load', () => {
  it.each(hostileValues)('may throw, reject with or be %s', async (_, thing) => {
    for (const load of [
      () => {
        throw thing;
      },
      () => Promise.reject(thing),
    ]) {
      const clock = new VirtualClock();
      const value = live(load, { runtime: steady(clock) });
      const errors: unknown[] = [];
      value.on('failed', ({ error }) => errors.push(error));
      await clock.advance(1);
      expect(errors).toHaveLength(1);
      expect(Object.is(errors[0], thing)).toBe(true);
      value.close();
    }
    const clock = new VirtualClock();
    const value = live(() => ({ thing }), { runtime: steady(clock), everyMs: 10 });
    await clock.advance(100);
    expect(value.version).toBeGreaterThan(0);
    value.close();
  });

  it.each(['close', 'timeout'] as const)('that comes after the %s is neither compared nor judged', async (how) => {
    const clock = new VirtualClock();
    const asked: unknown[] = [];
    let give: (value: number) => void = () => undefined;
    let loads = 0;
    const value = live(() => (++loads === 1 ? 1 : new Promise<number>((resolve) => (give = resolve))), {
      everyMs: 10,
      jitter: 0,
      timeoutMs: 5,
      same: (next) => asked.push(next) === 0,
      validate: (next) => asked.push(next),
      runtime: steady(clock),
    });
    await clock.advance(10);
    if (how === 'close') value.close();
    else await clock.advance(5);
    give(2);
    await clock.advance(0);
    expect([asked, value.current]).toEqual([[1], 1]);
    value.close();
  });

  it('is made again after a pause between the bounds of the jitter, or of the back-off', async () => {
    for (const [chance, everyMs, backoffMs] of [
      [0, 80, 125],
      [0.5, 100, 187.5],
      [1 - 2 ** -53, 120, 250],
    ] as const) {
      const clock = new VirtualClock();
      const starts: number[] = [];
      const value = live(
        async () => {
          starts.push(clock.now());
          if (starts.length === 2) throw new Error('down');
          return 1;
        },
        { everyMs: 100, jitter: 0.2, runtime: steady(clock, chance) },
      );
      await clock.advance(1_000);
      value.close();
      expect(starts[1]).toBeCloseTo(everyMs, 6);
      expect(starts[2]! - starts[1]!).toBeCloseTo(backoffMs, 6);
    }
  });
});

describe('the value in use', () => {
  it('is the same object as long as its content is the same', async () => {
    const { virtual, store, value, told } = kept({ list: [1, { a: 2 }] });
    await virtual.advance(0);
    const first = value.current;
    store.value = { list: [1, { a: 2 }] };
    await virtual.advance(50);
    expect([value.current === first, value.version, told.length]).toEqual([true, 1, 1]);
    expect(Object.isFrozen(first)).toBe(false);
  });

  it('may contain itself', async () => {
    const made = (size: number): unknown => {
      const value: unknown[] = [size];
      value.push(value);
      return value;
    };
    const { virtual, store, value, told } = kept(made(1));
    await virtual.advance(0);
    store.value = made(1);
    await virtual.advance(10);
    expect([value.version, told.length]).toEqual([1, 1]);
    store.value = made(2);
    await virtual.advance(10);
    expect([value.version, told.length]).toEqual([2, 2]);
  });

  it('is the same when `same` says so; a `same` that throws fails the load', async () => {
    let broken = false;
    const same = (next: number, current: number): boolean => {
      if (broken) throw new Error('same?');
      return Math.trunc(next) === Math.trunc(current);
    };
    const { virtual, store, value, told } = kept<number>(1.1, { same });
    await virtual.advance(0);
    store.value = 1.9;
    await virtual.advance(20);
    expect(value.current).toBe(1.1);
    broken = true;
    store.value = 5;
    await virtual.advance(10);
    expect([value.current, told.at(-1)]).toEqual([1.1, ['failed', 1]]);
  });

  it('is given to `validate` beside the next; a refusal leaves it and is told of each time', async () => {
    const asked: unknown[] = [];
    const validate = (next: number, previous: number | undefined): boolean => {
      asked.push([next, previous]);
      return next < 10;
    };
    const { virtual, store, value, told } = kept<number>(1, { validate, staleMs: 25 });
    await virtual.advance(0);
    store.value = 11;
    await virtual.advance(30);
    store.value = 2;
    await virtual.advance(10);
    expect(asked).toEqual([
      [1, undefined],
      [11, 1],
      [11, 1],
      [11, 1],
      [2, 1],
    ]);
    // Bad content is no success: it turns stale.
    expect(told).toEqual([
      ['changed', 1],
      ['rejected', 11],
      ['rejected', 11],
      ['stale', true],
      ['rejected', 11],
      ['stale', false],
      ['changed', 2],
    ]);
    expect(value.stats()).toEqual({ version: 2, ageMs: 0, stale: false, failures: 0 });
  });

  it('has an age', async () => {
    const { virtual, store, value } = kept<number>(1, { staleMs: 30 });
    await virtual.advance(5);
    store.value = new Error('down');
    await virtual.advance(50);
    expect(value.stats()).toEqual({ version: 1, ageMs: 55, stale: true, failures: 1 });
  });
});

describe('changes', () => {
  it('answers several at once in their order, one value each', async () => {
    const { virtual, store, value } = kept<number>(1);
    const changes = value.changes();
    const all = [changes.next(), changes.next(), changes.next(), changes.next()];
    await virtual.advance(0);
    store.value = 2;
    await virtual.advance(10);
    void changes.return!();
    expect(await Promise.all(all)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('begins where it is asked for, not where it is first read', async () => {
    const { virtual, store, value } = kept<number>(1);
    await virtual.advance(0);
    const changes = value.changes();
    store.value = 2;
    await virtual.advance(10);
    store.value = 3;
    await virtual.advance(10);
    expect(await changes.next()).toEqual({ done: false, value: 3 });
  });

  it('gives what was not read yet when it is closed, and then ends', async () => {
    const { virtual, store, value } = kept<number>(1);
    await virtual.advance(0);
    const changes = value.changes();
    store.value = 2;
    await virtual.advance(10);
    value.close();
    expect([await changes.next(), await changes.next()]).toEqual([
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
    expect(value.current).toBe(2);
  });

  it('has one listener on a signal for all, and none when nobody waits', async () => {
    const { virtual, clock, store, value } = kept<number>(1);
    await virtual.advance(0);
    const timers = clock.pending;
    const stop = new AbortController();
    const all = Array.from({ length: 50 }, () => value.changes(stop.signal));
    expect(listenersOf(stop.signal)).toBe(0);
    const waiting = all.map((changes) => changes.next());
    expect(listenersOf(stop.signal)).toBe(1);
    store.value = 2;
    await virtual.advance(10);
    await Promise.all(waiting);
    expect([listenersOf(stop.signal), clock.pending - timers]).toEqual([0, 0]);
    const ended = all.map((changes) => changes.next());
    stop.abort();
    for (const result of await Promise.all(ended)) expect(result.done).toBe(true);
    expect((await value.changes(stop.signal).next()).done).toBe(true);
    expect([listenersOf(stop.signal), clock.pending - timers]).toEqual([0, 0]);
    expectInvalid(
      thrownBy(() => value.changes(bad('now'))),
      'signal must be an AbortSignal, got "now"',
    );
  });
});

it('forgets who reads its changes no more', async () => {
  const { virtual, store, value } = kept<number>(1);
  await virtual.advance(0);
  const signals: WeakRef<AbortSignal>[] = [];
  const read = async (): Promise<void> => {
    const { signal } = new AbortController();
    signals.push(new WeakRef(signal));
    const changes = value.changes(signal);
    const next = changes.next();
    store.value = Number(store.value) + 1;
    await virtual.advance(10);
    await next;
  };
  for (let i = 0; i < 5; i++) await read();
  await new Promise(setImmediate);
  await globalThis.gc!({ execution: 'async' });
  expect(signals.slice(0, 4).map((signal) => signal.deref())).toEqual(Array(4).fill(undefined));
  value.close();
});

describe('close', () => {
  it.each(['changed', 'rejected', 'failed', 'stale'] as const)(
    'by a listener of "%s" leaves nothing',
    async (event) => {
      const validate = (next: number): boolean => next < 10;
      const { virtual, clock, store, value, told } = kept<number>(1, { validate, staleMs: 35 });
      value.on(event, () => value.close());
      await virtual.advance(0);
      store.value = 11;
      await virtual.advance(20);
      store.value = new Error('down');
      await virtual.advance(100);
      const count = told.length;
      expect(clock.pending).toBe(0);
      await virtual.advance(100_000);
      expect(told).toHaveLength(count);
    },
  );

  it('aborts the load, takes off the trigger, and is done once', async () => {
    const clock = new VirtualClock();
    let [signal, off] = [undefined as AbortSignal | undefined, 0];
    const value = live(
      (given) => {
        signal = given;
        return new Promise(() => undefined);
      },
      { trigger: () => () => off++, runtime: steady(clock) },
    );
    await value[Symbol.asyncDispose]();
    value.close();
    expect([off, isHoldfastError(signal?.reason, 'CLOSED'), clock.pending]).toEqual([1, true, 0]);
    expect(isHoldfastError(await rejectionOf(() => value.ready), 'CLOSED')).toBe(true);
    expect((thrownBy(() => value.current) as Error).cause).toBe(signal?.reason);
  });
});

describe('a trigger', () => {
  const refuse = (): never => {
    throw new Error('no such folder');
  };

  it('may fire while it is subscribed to, and after the close', async () => {
    const clock = new VirtualClock();
    let [loads, fire] = [0, (): void => undefined];
    const value = live(() => ++loads, {
      everyMs: 1_000,
      trigger: (hint) => {
        hint();
        fire = hint;
        return undefined;
      },
      runtime: steady(clock, 0.5),
    });
    await clock.advance(99);
    expect(loads).toBe(1);
    await clock.advance(1);
    expect(loads).toBe(2);
    value.close();
    fire();
    expect(clock.pending).toBe(0);
  });

  it('that throws is an error at the door, as is one that returns what is no function', () => {
    const broken = new Error('no such folder');
    const throwing = (): never => {
      throw broken;
    };
    expect(thrownBy(() => live(() => 1, { trigger: throwing }))).toBe(broken);
    expectInvalid(
      thrownBy(() => live(() => 1, { trigger: bad(() => ({ close: () => undefined })) })),
      'what trigger returns must be a function, got an object',
    );
  });

  it('that fires before it throws, and afterwards, loads nothing', async () => {
    const clock = new VirtualClock();
    for (const end of [() => bad('off'), refuse]) {
      let [loads, fire] = [0, (): void => undefined];
      const trigger = (hint: () => void): never => {
        hint();
        fire = hint;
        return end();
      };
      thrownBy(() => live(() => ++loads, { trigger, runtime: steady(clock) }));
      fire();
      expect(clock.pending).toBe(0);
      await clock.advance(1_000);
      expect(loads).toBe(0);
    }
  });

  it('that never rests is heard after `settleMaxMs`', async () => {
    const clock = new VirtualClock();
    const starts: number[] = [];
    let fire = (): void => undefined;
    const value = live(() => starts.push(clock.now()), {
      everyMs: 10_000,
      settleMs: 100,
      trigger: (hint) => {
        fire = hint;
        return undefined;
      },
      runtime: steady(clock, 0.5),
    });
    for (let i = 0; i < 100; i++) {
      fire();
      await clock.advance(10);
    }
    expect(starts).toEqual([0, 400, 800]);
    await clock.advance(1_000);
    expect(starts).toEqual([0, 400, 800, 1_090]);
    value.close();
  });
});

describe('options', () => {
  const warnings = recordWarnings();

  it.each<readonly [string, object, string]>([
    ['everyMs', { everyMs: 0 }, 'everyMs must be a finite number >= 1, got 0'],
    ['jitter', { jitter: 1.1 }, 'jitter must be a finite number from 0 to 1, got 1.1'],
    ['timeoutMs', { timeoutMs: Infinity }, 'timeoutMs must be a finite number >= 1, got Infinity'],
    ['trigger', { trigger: 5 }, 'trigger must be a function, got 5'],
    ['settleMs', { settleMs: -1 }, 'settleMs must be a finite number >= 0, got -1'],
    ['settleMaxMs', { settleMaxMs: 99 }, 'settleMaxMs must be a finite number >= 100, got 99'],
    ['validate', { validate: true }, 'validate must be a function, got true'],
    ['same', { same: 'content' }, 'same must be a function, got "content"'],
    ['readyMs', { readyMs: '1s' }, 'readyMs must be a finite number >= 0, got "1s"'],
    ['staleMs', { everyMs: 100, staleMs: 119 }, 'staleMs must be a finite number >= 120, got 119'],
    ['backoff', { backoff: 5 }, 'backoff must be an object, got 5'],
    ['baseMs', { backoff: { baseMs: 31_000 } }, 'baseMs must be a finite number <= 30000, got 31000'],
    ['maxMs', { backoff: { maxMs: 0 } }, 'maxMs must be a finite number >= 1, got 0'],
    ['runtime', { runtime: {} }, 'runtime must be a { clock, random } runtime, got an object'],
    [
      'a name that there is not',
      { every: 5 },
      'live has no option "every"; it has everyMs, jitter, backoff, timeoutMs, runtime, trigger, settleMs, settleMaxMs, ' +
        'validate, same, readyMs, staleMs',
    ],
  ])('%s', (_, options, message) => {
    expectInvalid(
      thrownBy(() => live(() => 1, bad(options))),
      message,
    );
  });

  it('the first back-off is no longer than the longest', async () => {
    const clock = new VirtualClock();
    const value = live(() => Promise.reject(new Error('down')), { backoff: { maxMs: 100 }, runtime: steady(clock, 1) });
    const pauses: number[] = [];
    value.on('failed', ({ retryMs }) => pauses.push(retryMs));
    await clock.advance(150);
    expect(pauses).toEqual([100, 100]);
    value.close();
  });

  it('the load', () => {
    expectInvalid(
      thrownBy(() => live(bad('file'))),
      'load must be a function, got "file"',
    );
  });

  it('a listener that throws breaks nothing', async () => {
    const { virtual, store, value } = kept<number>(1);
    value.on('changed', () => {
      throw new Error('listener');
    });
    await virtual.advance(0);
    store.value = 2;
    await virtual.advance(10);
    expect(value.current).toBe(2);
    await warningsSettled();
    expect(warnings).toHaveLength(2);
  });
});
