import { systemClock, systemRandom, systemRuntime } from 'holdfast/core';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { check } from '../../src/core/options.ts';
import { runtimeRule } from '../../src/core/runtime.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('the system runtime is the system clock and the system’s chance', () => {
  expect(systemRuntime).toEqual({ clock: systemClock, random: systemRandom });
});

test('systemRandom is Math.random, looked up at each call', () => {
  const draws = Array.from({ length: 1_000 }, () => systemRandom());
  expect(draws.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(new Set(draws).size).toBeGreaterThan(990);
  vi.spyOn(Math, 'random').mockReturnValue(0.25);
  expect(systemRandom()).toBe(0.25);
});

test('a runtime option is anything with a clock and a chance', () => {
  for (const runtime of [
    systemRuntime,
    { clock: new VirtualClock(), random: seededRandom(1) },
    { clock: { now: () => 0, setTimer: () => undefined, sleep: () => undefined }, random: () => 0 },
  ]) {
    expect(check('runtime', runtime, runtimeRule)).toBe(runtime);
  }
});

const { clock, random } = systemRuntime;
test.each([null, 5, {}, { clock }, { random }, { clock: null, random }, { clock, random: 0.5 }])(
  '%o is no runtime',
  (runtime) => {
    expect(() => check('runtime', runtime, runtimeRule)).toThrow('runtime must be a { clock, random } runtime, got ');
  },
);

test.each(['now', 'setTimer', 'sleep'])('a clock without %s is no clock', (method) => {
  const runtime = { clock: { ...systemClock, [method]: undefined }, random };
  expect(() => check('runtime', runtime, runtimeRule)).toThrow('runtime must be');
});
