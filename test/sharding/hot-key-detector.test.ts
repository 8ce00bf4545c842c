import { isInvalidOption } from 'holdfast/core';
import { HotKeyDetector } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../support/hand-clock.ts';

const at = (clock: HandClock) => ({ clock, random: () => 0 });

describe('HotKeyDetector', () => {
  it('reports rates a second over what it has measured', () => {
    const clock = new HandClock();
    const detector = new HotKeyDetector({ windowMs: 500, runtime: at(clock) });
    for (let i = 0; i < 100; i++) detector.record(i % 4 === 0 ? 'b' : 'a');
    expect(detector.top(1)).toEqual([{ key: 'a', rate: 150, lower: 150, upper: 150, spanMs: 500 }]);
    clock.nowMs = 500;
    expect(detector.top(0)).toEqual([]);
    clock.nowMs = 900;
    expect(detector.top().map(({ key, rate, spanMs }) => [key, Math.round(rate), spanMs])).toEqual([
      ['a', 83, 900],
      ['b', 28, 900],
    ]);
    clock.nowMs = 1_000;
    expect(detector.top()).toEqual([]);
  });

  it('shows what a stall was about: valkey#3708 threw the long window away', () => {
    const clock = new HandClock();
    const detector = new HotKeyDetector({ windowMs: 1_000, runtime: at(clock) });
    for (let i = 0; i < 600; i++) detector.record('culprit');
    clock.nowMs = 6_000; // the process stood still for the next six seconds
    expect(detector.top(1)).toEqual([{ key: 'culprit', rate: 100, lower: 100, upper: 100, spanMs: 6_000 }]);
  });

  it('does not dilute with a pause what comes after it', () => {
    const clock = new HandClock();
    const detector = new HotKeyDetector({ windowMs: 1_000, runtime: at(clock) });
    detector.record('k');
    clock.nowMs = 3_600_000;
    for (let i = 0; i < 100; i++) detector.record('k');
    expect(detector.estimate('k')).toEqual({ key: 'k', rate: 100, lower: 100, upper: 100, spanMs: 1_000 });
  });

  it('takes no harm from a clock that says nonsense', () => {
    const clock = new HandClock(Number.NaN);
    const detector = new HotKeyDetector({ windowMs: 1_000, runtime: at(clock) });
    for (const nowMs of [Number.NaN, Infinity, -Infinity, 5, 1e15, -1e15, 7]) {
      clock.nowMs = nowMs;
      detector.record('k');
      const { rate, lower, upper, spanMs } = detector.estimate('k');
      for (const value of [rate, lower, upper, spanMs]) expect(Number.isFinite(value)).toBe(true);
    }
  });

  it('takes a string and its bytes for one key, and other bytes for themselves', () => {
    const detector = new HotKeyDetector({ runtime: at(new HandClock()) });
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
    const same = (text: string, other: Uint8Array): void => {
      detector.record(text);
      detector.record(other);
      expect(detector.estimate(text).rate).toBe(2);
      expect(detector.estimate(other)).toEqual(detector.estimate(text));
    };
    same('é', bytes(0xc3, 0xa9));
    same('\ufeffx', bytes(0xef, 0xbb, 0xbf, 0x78));
    same('\ud800', bytes(0xef, 0xbf, 0xbd));
    same('', bytes());
    detector.record(bytes(0xff), 7);
    detector.record(bytes(0xff, 0xff), 5);
    detector.record('\udfff\u00ff', 3);
    expect(detector.top(3).map(({ key, rate }) => [key, rate])).toEqual([
      [bytes(0xff), 7],
      [bytes(0xff, 0xff), 5],
      ['\ufffd\u00ff', 3],
    ]);
  });

  it('does not remember keys of more than 4,096 units', () => {
    const detector = new HotKeyDetector({ runtime: at(new HandClock()) });
    for (const key of ['k'.repeat(4_097), 'k'.repeat(1_000_000), new Uint8Array(4_097)]) {
      detector.record(key);
      expect(detector.estimate(key)).toEqual({ key, rate: 0, lower: 0, upper: Infinity, spanMs: 1_000 });
    }
    expect(detector.top()).toEqual([]);
    detector.record('k'.repeat(4_096));
    expect(detector.top()).toHaveLength(1);
  });

  it('has a memory that does not grow with the number of keys', () => {
    // 10^6 distinct keys, seed 1. A Map of them would be 80 MB; the sketches of 2 * 256 keys are below one.
    const clock = new HandClock();
    const random = seededRandom(1);
    const detector = new HotKeyDetector({ windowMs: 1_000, runtime: { clock, random } });
    const feed = (count: number): number => {
      for (let i = 0; i < count; i++) {
        clock.nowMs += 0.01;
        detector.record(`user:${String(random())}`);
      }
      globalThis.gc!();
      return process.memoryUsage().heapUsed;
    };
    const before = feed(20_000);
    expect(feed(1_000_000) - before).toBeLessThan(1_000_000);
    expect(detector.top(10_000).length).toBeLessThanOrEqual(512);
  });

  it.each([
    [{ capacity: 0 }, 'capacity must be an integer from 1 to 65536, got 0'],
    [{ capacity: 1.5 }, 'capacity must be an integer from 1 to 65536, got 1.5'],
    [{ windowMs: 0 }, 'windowMs must be a finite number >= 1, got 0'],
    [{ windowMs: Infinity }, 'windowMs must be a finite number >= 1, got Infinity'],
    [{ sampleRate: 0 }, 'sampleRate must be a finite number from 0.000001 to 1, got 0'],
    [{ sampleRate: 1.1 }, 'sampleRate must be a finite number from 0.000001 to 1, got 1.1'],
    [{ sampleRate: Number.NaN }, 'sampleRate must be a finite number from 0.000001 to 1, got NaN'],
    [{ runtime: {} }, 'runtime must be a { clock, random } runtime, got an object'],
    [{ window: 1 }, 'HotKeyDetector has no option "window"; it has capacity, windowMs, sampleRate, runtime'],
  ])('refuses the options %j', (options, message) => {
    expect(() => new HotKeyDetector(options as never)).toThrow(message);
  });

  it('refuses what is no key, no weight and no count', () => {
    const detector = new HotKeyDetector();
    for (const key of [undefined, null, 7, {}, [], new Uint16Array(1), new ArrayBuffer(1)]) {
      expect(() => detector.record(key as never)).toThrow(TypeError);
      expect(() => detector.estimate(key as never)).toThrow('key must be a string or a Uint8Array, got ');
    }
    for (const weight of [-1, Number.NaN, Infinity, 1e10, '1', null]) {
      expect(() => detector.record('k', weight as never)).toThrow(
        'weight must be a finite number from 0 to 1000000000',
      );
    }
    expect(() => detector.top(-1)).toThrow('count must be an integer >= 0, got -1');
    try {
      detector.top(Number.NaN);
    } catch (error) {
      expect(isInvalidOption(error)).toBe(true);
    }
    expect(detector.top()).toEqual([]);
  });
});
