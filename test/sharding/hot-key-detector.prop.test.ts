import fc from 'fast-check';
import { type HotKey, HotKeyDetector } from 'holdfast/sharding';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../support/hand-clock.ts';
import { runs } from '../support/properties.ts';

const manyRuns = { numRuns: runs(10) };

/** Everything that was recorded: the truth. */
class Oracle {
  readonly events: { readonly key: string; readonly weight: number; readonly atMs: number }[] = [];

  /** What a key, or all, got in the last `spanMs`. */
  count(nowMs: number, spanMs: number, key?: string): number {
    return this.events
      .filter(({ atMs, key: other }) => atMs >= nowMs - spanMs && (key === undefined || key === other))
      .reduce((sum, { weight }) => sum + weight, 0);
  }
}

type Step =
  | { readonly does: 'record'; readonly key: string; readonly weight: number }
  /** Also long after the end of a window: a stall. */
  | { readonly does: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constant('record' as const),
      key: fc.oneof(
        fc.constantFrom('hot', 'warm', '__proto__', 'constructor', ''),
        fc.integer({ max: 30, min: 0 }).map(String),
      ),
      weight: fc.oneof(
        { weight: 3, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 5_000 }) }) },
);
const traffic = fc.array(step, { maxLength: 120 });
const capacities = fc.integer({ min: 1, max: 12 });

const windowMs = 100;
const rounding = 1e-9;

function check(found: HotKey, oracle: Oracle, nowMs: number): void {
  const truth = (oracle.count(nowMs, found.spanMs, String(found.key)) / found.spanMs) * 1_000;
  expect(found.lower).toBeLessThanOrEqual(truth * (1 + rounding));
  expect(found.upper).toBeGreaterThanOrEqual(truth * (1 - rounding));
  expect(found.rate).toBeGreaterThanOrEqual(found.lower);
  expect(found.rate).toBeLessThanOrEqual(found.upper);
  expect(found.spanMs).toBeGreaterThanOrEqual(windowMs);
}

describe('HotKeyDetector', () => {
  it('brackets the truth, within 1 / capacity of the traffic, and finds every key above that, whatever the pauses', () => {
    fc.assert(
      fc.property(capacities, traffic, (capacity, script) => {
        const clock = new HandClock();
        const detector = new HotKeyDetector({ capacity, windowMs, runtime: { clock, random: () => 0 } });
        const oracle = new Oracle();
        for (const event of [...script, { does: 'wait', ms: 0 } as const]) {
          if (event.does === 'record') {
            detector.record(event.key, event.weight);
            oracle.events.push({ ...event, atMs: clock.nowMs });
            continue;
          }
          clock.nowMs += event.ms;
          const top = detector.top(2 * capacity);
          expect(top.length).toBeLessThanOrEqual(2 * capacity);
          expect(top.map(({ rate }) => rate)).toEqual(top.map(({ rate }) => rate).sort((a, b) => b - a));
          const monitored = new Set(top.map(({ key }) => key));
          for (const found of top) {
            check(found, oracle, clock.nowMs);
            const all = (oracle.count(clock.nowMs, found.spanMs) / found.spanMs) * 1_000;
            expect(found.upper - found.lower).toBeLessThanOrEqual((all / capacity) * (1 + rounding));
            expect(detector.estimate(found.key)).toEqual(found);
          }
          for (const key of new Set(oracle.events.map((one) => one.key))) {
            const found = detector.estimate(key);
            check(found, oracle, clock.nowMs);
            const { spanMs } = found;
            if (oracle.count(clock.nowMs, spanMs, key) * capacity > oracle.count(clock.nowMs, spanMs))
              expect(monitored).toContain(key);
          }
        }
      }),
      manyRuns,
    );
  });

  it('measures over one to two windows while it is asked all the time, and over the pause when it was not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 60 }),
        fc.nat({ max: 9_000 }),
        (gaps, pauseMs) => {
          const clock = new HandClock(1e6);
          const detector = new HotKeyDetector({ windowMs, runtime: { clock, random: () => 0 } });
          for (const gap of gaps) {
            clock.nowMs += gap;
            detector.record('k');
            expect(detector.estimate('k').spanMs).toBeLessThanOrEqual(3 * windowMs);
          }
          clock.nowMs += pauseMs;
          expect(detector.estimate('k').spanMs).toBeLessThanOrEqual(3 * windowMs + pauseMs);
        },
      ),
      manyRuns,
    );
  });

  it('keeps to the bounds when the clock steps back: that is no time at all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -500, max: 200 }), fc.nat({ max: 5 })), { maxLength: 60 }),
        (moves) => {
          const clock = new HandClock();
          const detector = new HotKeyDetector({ capacity: 4, windowMs, runtime: { clock, random: () => 0 } });
          const oracle = new Oracle();
          let passedMs = 0;
          for (const [ms, key] of moves) {
            clock.nowMs += ms;
            passedMs += Math.max(0, ms);
            detector.record(String(key));
            oracle.events.push({ key: String(key), weight: 1, atMs: passedMs });
            for (const found of detector.top(8)) check(found, oracle, passedMs);
          }
        },
      ),
      manyRuns,
    );
  });

  it('samples without bias', () => {
    // N = 400 streams of 500 events, seeds 0 to 399, p = 0.1: the mean estimate is 500 with a standard deviation of
    // sqrt(500 * 0.9 / 0.1 / 400) = 3.35. Tolerance: 5 of those.
    let sum = 0;
    for (let seed = 0; seed < 400; seed++) {
      const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
      const detector = new HotKeyDetector({ windowMs: 1_000, sampleRate: 0.1, runtime });
      for (let i = 0; i < 500; i++) detector.record('k');
      sum += detector.estimate('k').rate;
    }
    expect(Math.abs(sum / 400 - 500)).toBeLessThanOrEqual(5 * 3.36);
  });
});
