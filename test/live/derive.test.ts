import type { Live } from 'holdfast/core';
import { HashRing, type Placement } from 'holdfast/hashing';
import { derive, isNotReady, live } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, listenersOf, steady, thrownBy } from '../support/serving.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

function kept<T>(first: T) {
  const clock = new VirtualClock();
  const store = { value: first };
  const source = live(async () => store.value, { everyMs: 10, jitter: 0, runtime: steady(clock) });
  const set = async (next: T): Promise<void> => {
    store.value = next;
    await clock.advance(10);
  };
  return { clock, source, set };
}

describe('a derived value', () => {
  const warnings = recordWarnings();

  it('is made of the newest, once for each version, and only when it is read', async () => {
    const { clock, source, set } = kept({ nodes: ['a'], other: 1 });
    const made: string[][] = [];
    const nodes = derive(source, (now) => {
      made.push(now.nodes);
      return [...now.nodes];
    });
    await clock.advance(0);
    await set({ nodes: ['a', 'b'], other: 1 });
    expect(made).toEqual([]);
    const first = nodes.current;
    expect([first, nodes.current === first, nodes.version, made.length]).toEqual([['a', 'b'], true, 1, 1]);
    await set({ nodes: ['a', 'b'], other: 2 });
    expect([nodes.current === first, nodes.version, made.length]).toEqual([true, 1, 2]);
    await set({ nodes: ['c'], other: 2 });
    expect([nodes.version, nodes.current]).toEqual([2, ['c']]);
  });

  it('is not ready before its source is, and ready with it', async () => {
    const { clock, source } = kept(1);
    const doubled = derive(source, (value) => 2 * value);
    expect([isNotReady(thrownBy(() => doubled.current)), doubled.version]).toEqual([true, 0]);
    const { ready } = doubled;
    await clock.advance(0);
    expect([await ready, doubled.current, doubled.version]).toEqual([2, 2, 1]);
    const broken = live(() => Promise.reject(new Error('down')), { readyMs: 5, runtime: steady(clock) });
    void derive(broken, String).ready; // need not be handled
    await clock.advance(10);
    broken.close();
  });

  it('keeps the last when the next cannot be made, and says so once', async () => {
    const { clock, source, set } = kept(1);
    const ring = derive(source, (size) => {
      if (size === 0) throw new Error('no nodes');
      return size;
    });
    await clock.advance(0);
    expect(ring.current).toBe(1);
    await set(0);
    expect([ring.current, ring.current, ring.version]).toEqual([1, 1, 1]);
    await set(3);
    expect([ring.current, ring.version]).toEqual([3, 2]);
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a derived value could not be made, the last one stays: no nodes',
    ]);
  });

  it('throws when the first cannot be made, at each reading', async () => {
    const { clock, source } = kept(1);
    let made = 0;
    const failing = derive(source, () => {
      made++;
      throw new Error('never');
    });
    await clock.advance(0);
    expect(() => failing.current).toThrow('never');
    expect(() => failing.current).toThrow('never');
    expect([failing.version, made]).toEqual([0, 1]);
  });

  it('tells of its own changes, conflated, and of no other', async () => {
    const { clock, source, set } = kept(1);
    const parity = derive(source, (value) => value % 2);
    await clock.advance(0);
    const seen: number[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const value of parity.changes(stop.signal)) seen.push(value);
    })();
    for (const value of [3, 5, 6, 8, 9]) await set(value);
    expect(seen).toEqual([0, 1]);
    stop.abort();
    await reading;
    expect(listenersOf(stop.signal)).toBe(0);
  });

  it('may be left while it waits, and closed', async () => {
    const { clock, source, set } = kept(1);
    const text = derive(source, String);
    await clock.advance(0);
    const left = text.changes()[Symbol.asyncIterator]();
    const one = left.next();
    expect(await left.return!()).toEqual({ done: true, value: undefined });
    expect((await one).done).toBe(true);
    const closing = text.changes()[Symbol.asyncIterator]();
    const other = closing.next();
    expect(text.current).toBe('1');
    text.close();
    expect((await other).done).toBe(true);
    expect((await closing.next()).done).toBe(true);
    await set(2);
    expect([text.current, source.current]).toEqual(['1', 2]);
  });

  it('answers several at once in their order, one value each, and ends them all when it is closed', async () => {
    const { clock, source, set } = kept(1);
    const whole = derive(source, Math.trunc);
    await clock.advance(0);
    const changes = whole.changes()[Symbol.asyncIterator]();
    const told: unknown[] = [];
    for (let i = 0; i < 4; i++) void changes.next().then(({ value, done }) => told.push([i, done === true, value]));
    for (const value of [1.5, 2, 3]) await set(value);
    whole.close();
    await clock.advance(0);
    expect(told).toEqual([
      [0, false, 2],
      [1, false, 3],
      [2, true, undefined],
      [3, true, undefined],
    ]);
  });

  it.each(['close', 'return'] as const)('ends by %s, also where its source is a generator that waits', async (how) => {
    const foreign: Live<number> = {
      current: 1,
      version: 1,
      ready: Promise.resolve(1),
      close: () => undefined,
      async *changes() {
        yield await new Promise<never>(() => undefined);
      },
    };
    const text = derive(foreign, String);
    const changes = text.changes()[Symbol.asyncIterator]();
    let ended = false;
    void changes.next().then(({ done }) => (ended = done === true));
    await new Promise(setImmediate);
    if (how === 'close') text.close();
    else void changes.return!();
    await new Promise(setImmediate);
    expect(ended).toBe(true);
  });

  it('keeps the last when `same` throws, and says so once', async () => {
    const { clock, source, set } = kept(1);
    const text = derive(source, String, {
      same: () => {
        throw new Error('same?');
      },
    });
    await clock.advance(0);
    expect(text.current).toBe('1');
    await set(2);
    expect([text.current, text.current, text.version]).toEqual(['1', '1', 1]);
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a derived value could not be made, the last one stays: same?',
    ]);
  });

  it('may be of anything live, also of another derived value; `same` may be given', async () => {
    const { clock, source, set } = kept(['b', 'a']);
    const placement = derive(source, (nodes): Placement<{ readonly id: string }> => new HashRing(nodes), {
      same: (next, current) => next.fingerprint === current.fingerprint,
    });
    const size: Live<number> = derive(placement, (ring) => ring.size);
    await clock.advance(0);
    const first = placement.current;
    expect([size.current, size.version]).toEqual([2, 1]);
    await set(['a', 'b']);
    expect([placement.current === first, size.version]).toEqual([true, 1]);
    await set(['a']);
    expect([size.current, size.version, placement.version]).toEqual([1, 2, 2]);
  });

  it.each<readonly [string, unknown[], string]>([
    ['a source that is not live', [5, String], 'source must be a live value, got 5'],
    ['no function', [live(() => 1), 5], 'make must be a function, got 5'],
    ['a name that there is not', [live(() => 1), String, { equal: 1 }], 'derive has no option "equal"; it has same'],
  ])('refuses %s', (_, args, message) => {
    expectInvalid(
      thrownBy(() => (derive as (...all: unknown[]) => unknown)(...args)),
      message,
    );
    for (const each of args) if (typeof each === 'object' && 'close' in bad(each)) (each as Live<unknown>).close();
  });
});
