import { systemClock, systemRandom, systemRuntime } from 'holdfast/core';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { check } from '../../src/core/options.ts';
import { systemUnique } from '../../src/core/random.ts';
import { runtimeRule, uniqueOf } from '../../src/core/runtime.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('the system runtime is the system clock, the system’s chance and names that nobody else has', () => {
  expect(systemRuntime).toEqual({ clock: systemClock, random: systemRandom, unique: systemUnique });
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
    { clock: new VirtualClock(), random: seededRandom(1), unique: () => 'one' },
    { clock: { now: () => 0, setTimer: () => undefined, sleep: () => undefined }, random: () => 0 },
  ]) {
    expect(check('runtime', runtime, runtimeRule)).toBe(runtime);
  }
});

test('names are the runtime’s own, and otherwise the platform’s, whatever chance is seeded with', () => {
  const runtime = { clock: new VirtualClock(), random: seededRandom(1) };
  expect(uniqueOf({ ...runtime, unique: () => 'one' })).toBe('one');
  const names = Array.from({ length: 100 }, () => uniqueOf(runtime));
  expect(new Set(names).size).toBe(100);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
});

const { clock, random } = systemRuntime;
test.each([
  null,
  5,
  {},
  { clock },
  { random },
  { clock: null, random },
  { clock, random: 0.5 },
  { clock, random, unique: 'one' },
])('%o is no runtime', (runtime) => {
  expect(() => check('runtime', runtime, runtimeRule)).toThrow('runtime must be a { clock, random } runtime, got ');
});

test.each(['now', 'setTimer', 'sleep'])('a clock without %s is no clock', (method) => {
  const runtime = { clock: { ...systemClock, [method]: undefined }, random };
  expect(() => check('runtime', runtime, runtimeRule)).toThrow('runtime must be');
});
