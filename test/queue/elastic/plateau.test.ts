import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plateau, type PlateauSignals, plateauState, type PlateauState } from '../../../src/queue/elastic/plateau.ts';
import { runs } from '../../support/properties.ts';

const tickMs = 250;

/** What a service does with so many callers, in jobs a second; a hundred for each at best. */
type Curve = (workers: number, nowMs: number) => number;
const plateauAt =
  (capacity: number): Curve =>
  (workers) =>
    100 * Math.min(workers, capacity);
const thrashingAt =
  (capacity: number): Curve =>
  (workers) =>
    (100 * Math.min(workers, capacity)) / (1 + Math.max(0, workers / capacity - 1) / 3);

/** A pool that is as large as it may be, and always has work. The limits, second by second. */
function climb(curve: Curve, seconds: number, bounds = { min: 1, max: 64 }, state = plateauState()): number[] {
  const limits: number[] = [];
  let settled = 0;
  for (let nowMs = 0; nowMs < seconds * 1_000; nowMs += tickMs) {
    const limit = plateau({ nowMs, settled: Math.floor(settled), saturated: true, coldStartMs: 50, ...bounds }, state);
    settled += curve(limit, nowMs) * (tickMs / 1_000);
    if (nowMs % 1_000 === 0) limits.push(limit);
  }
  return limits;
}

const timeAt = (limits: readonly number[], accepts: (limit: number) => boolean): number =>
  limits.filter(accepts).length / limits.length;

describe('plateau', () => {
  test('where nothing is saturated, it is at the maximum in four steps', () => {
    const limits = climb(plateauAt(1_000), 60);
    expect(limits.indexOf(64)).toBeLessThan(10);
    expect(timeAt(limits.slice(10), (limit) => limit === 64)).toBeGreaterThan(0.6);
  });

  test('it stays within a step of the knee, but for the steps that it tries', () => {
    for (const capacity of [6, 8, 12, 16, 24, 32, 48]) {
      for (const curve of [plateauAt(capacity), thrashingAt(capacity)]) {
        const limits = climb(curve, 300).slice(30);
        const near = (limit: number): boolean => limit >= capacity / 1.5 && limit <= capacity * 1.7;
        expect(timeAt(limits, near), `capacity ${String(capacity)}`).toBeGreaterThan(0.75);
        const done = limits.reduce((sum, limit) => sum + curve(limit, 0), 0);
        expect(done / (limits.length * 100 * capacity), `capacity ${String(capacity)}`).toBeGreaterThan(0.8);
      }
    }
  });

  test('tries less and less often where it is right', () => {
    const limits = climb(thrashingAt(16), 400);
    const tries = (from: number, to: number): number =>
      limits.slice(from, to).filter((limit, i, all) => i > 0 && all[i - 1] === 16 && limit !== 16).length;
    expect(tries(0, 30)).toBeGreaterThanOrEqual(tries(300, 330));
    expect(timeAt(limits.slice(100), (limit) => limit === 16)).toBeGreaterThan(0.75);
  });

  test('follows a service that can do less, and one that can do more again', () => {
    const curve: Curve = (workers, nowMs) => thrashingAt(nowMs < 60_000 || nowMs > 160_000 ? 64 : 8)(workers, nowMs);
    const limits = climb(curve, 260);
    expect(limits[59]).toBeGreaterThan(40);
    expect(timeAt(limits.slice(85, 160), (limit) => limit <= 16)).toBeGreaterThan(0.9);
    expect(timeAt(limits.slice(220), (limit) => limit >= 40)).toBeGreaterThan(0.7);
  });

  test('does not rest when the limit gives much less than it gave', () => {
    const rested: PlateauState = { ...plateauState(), limit: 64, base: { limit: 64, rate: 6.4, epochs: 5 }, hold: 8 };
    expect(climb(plateauAt(48), 6, undefined, structuredClone(rested)).at(-1)).toBe(64); // a quarter less
    expect(climb(thrashingAt(8), 6, undefined, rested).at(-1)).toBeLessThan(64);
  });

  test('does nothing while the limit holds nobody back', () => {
    const state = plateauState();
    const signals = { settled: 0, saturated: false, coldStartMs: 0, min: 1, max: 64 };
    for (let nowMs = 0; nowMs < 60_000; nowMs += tickMs)
      expect(plateau({ ...signals, nowMs, settled: nowMs }, state)).toBe(8);
    expect(state.epoch).toBe(undefined);
  });

  test('judges no epoch of less than a second, or a hundred jobs, or of workers that have not started', () => {
    const first = (perMs: number, coldStartMs: number): number => {
      const state = plateauState();
      for (let nowMs = 0; ; nowMs += tickMs) {
        const signals = { nowMs, settled: Math.floor(perMs * nowMs), saturated: true, coldStartMs, min: 1, max: 64 };
        if (plateau(signals, state) !== 8) return nowMs;
      }
    };
    expect(first(1, 0)).toBe(1_250);
    expect(first(1, 3_000)).toBe(4_000);
    expect(first(0.01, 0)).toBe(11_000);
  });

  test('stays within the bounds and is a function of signals and state, whatever comes', () => {
    const signals: fc.Arbitrary<Omit<PlateauSignals, 'nowMs' | 'settled'> & { afterMs: number; ended: number }> =
      fc.record({
        afterMs: fc.integer({ min: 0, max: 5_000 }),
        ended: fc.integer({ min: 0, max: 1_000 }),
        saturated: fc.nat({ max: 5 }).map((n) => n > 0),
        coldStartMs: fc.constantFrom(0, 50, 3_000),
        min: fc.integer({ min: 0, max: 10 }),
        max: fc.integer({ min: 10, max: 100 }),
      });
    fc.assert(
      fc.property(fc.array(signals, { maxLength: 60 }), (script) => {
        const state: PlateauState = plateauState();
        let [nowMs, settled] = [0, 0];
        for (const { afterMs, ended, ...rest } of script) {
          nowMs += afterMs;
          settled += ended;
          const copy = structuredClone(state);
          const limit = plateau({ ...rest, nowMs, settled }, state);
          expect(plateau({ ...rest, nowMs, settled }, copy)).toBe(limit);
          expect(copy).toEqual(state);
          expect(limit).toBeGreaterThanOrEqual(Math.max(1, rest.min));
          expect(limit).toBeLessThanOrEqual(rest.max);
          expect(Number.isInteger(limit)).toBe(true);
        }
      }),
      { numRuns: runs(10) },
    );
  });

  test('with one number there is nothing to try', () => {
    expect(new Set(climb(plateauAt(3), 30, { min: 5, max: 5 }))).toEqual(new Set([5]));
    expect(new Set(climb(plateauAt(3), 30, { min: 0, max: 1 }))).toEqual(new Set([1]));
  });
});
