import fc from 'fast-check';
import { isInvalidOption } from 'holdfast/core';
import { type Latency, latency, seededRandom } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';
import { draw } from './draw.ts';

const idle = { inFlight: 1, sinceMs: 0 };
const n = 20_000;
/** None, all, or enough of both to measure a deviation. */
const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0.05, max: 0.95, noNaN: true }));
const ms = fc.double({ min: 0.01, max: 1_000, noNaN: true });

/** Mean and deviation by the book. */
const distributions = fc.oneof(
  ms.map((m) => ({ drawn: latency.constant(m), mean: m, deviation: 0 })),
  fc.tuple(ms, ms).map(([a, b]) => ({
    drawn: latency.uniform(Math.min(a, b), Math.max(a, b)),
    mean: (a + b) / 2,
    deviation: Math.abs(a - b) / Math.sqrt(12),
  })),
  ms.map((m) => ({ drawn: latency.exponential(m), mean: m, deviation: m })),
  ms.map((m) => ({ drawn: latency.normal(m, m / 6), mean: m, deviation: m / 6 })),
  fc.tuple(ms, fc.double({ min: 0, max: 0.7, noNaN: true })).map(([m, s]) => ({
    drawn: latency.logNormal(m, s),
    mean: m * Math.exp(s ** 2 / 2),
    deviation: m * Math.exp(s ** 2 / 2) * Math.sqrt(Math.expm1(s ** 2)),
  })),
  fc.tuple(ms, ms, share).map(([a, b, p]) => ({
    drawn: latency.bimodal(latency.constant(a), latency.constant(b), p),
    mean: a + p * (b - a),
    deviation: Math.abs(a - b) * Math.sqrt(p * (1 - p)),
  })),
);

test('mean and deviation are those of the book, the mean within 5 standard errors', () => {
  fc.assert(
    fc.property(distributions, fc.integer(), ({ drawn, mean, deviation }, seed) => {
      const random = seededRandom(seed);
      const values = Array.from({ length: n }, () => drawn(random, idle));
      const found = values.reduce((sum, value) => sum + value, 0) / n;
      expect(Math.abs(found - mean)).toBeLessThanOrEqual((5 * deviation) / Math.sqrt(n) + 1e-9 * mean);
      const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - found) ** 2, 0) / n);
      expect(Math.abs(spread - deviation)).toBeLessThanOrEqual(0.15 * deviation + 1e-9 * mean);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: runs(0.5) },
  );
});

test('a draw does not depend on the parameters: what comes after it is the same', () => {
  const families: readonly ((m: number) => Latency)[] = [
    latency.constant,
    (m) => latency.uniform(0, m),
    latency.exponential,
    (m) => latency.normal(m, m),
    (m) => latency.logNormal(m, 1),
    (m) => latency.bimodal(latency.constant(m), latency.constant(1), m / 1_000),
    (m) => latency.ramp(latency.exponential(m), latency.exponential(1), 5),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...families), ms, ms, fc.integer(), (family, a, b, seed) => {
      const after = (m: number): readonly number[] => {
        const random = seededRandom(seed);
        family(m)(random, idle);
        return draw(random, 3);
      };
      expect(after(a)).toEqual(after(b));
    }),
  );
});

test('a ramp goes from the one to the other in a straight line', () => {
  fc.assert(
    fc.property(ms, ms, ms, fc.double({ min: 0, max: 3, noNaN: true }), (from, to, overMs, way) => {
      const at = latency.ramp(latency.constant(from), latency.constant(to), overMs);
      const found = at(Math.random, { inFlight: 1, sinceMs: way * overMs });
      expect(found).toBeCloseTo(from + (to - from) * Math.min(1, way), 6);
    }),
  );
  expect(latency.ramp(latency.constant(9), latency.constant(1), 0)(Math.random, idle)).toBe(1);
});

test.each<readonly [string, () => unknown]>([
  ['ms', () => latency.constant(-1)],
  ['minMs', () => latency.uniform(NaN, 1)],
  ['maxMs must be a finite number >= 5, got 4', () => latency.uniform(5, 4)],
  ['meanMs', () => latency.exponential(Infinity)],
  ['meanMs', () => latency.normal(-1, 1)],
  ['deviationMs', () => latency.normal(1, -1)],
  ['medianMs', () => latency.logNormal(-1, 1)],
  ['sigma', () => latency.logNormal(1, -1)],
  ['usual', () => latency.bimodal(5 as never, () => 1, 0)],
  ['rare', () => latency.bimodal(() => 1, 5 as never, 0)],
  [
    'share',
    () =>
      latency.bimodal(
        () => 1,
        () => 1,
        1.5,
      ),
  ],
  ['from', () => latency.ramp(5 as never, () => 1, 0)],
  ['to', () => latency.ramp(() => 1, 5 as never, 0)],
  [
    'overMs',
    () =>
      latency.ramp(
        () => 1,
        () => 1,
        -1,
      ),
  ],
])('%s: bad parameters are refused', (message, act) => {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(isInvalidOption(error)).toBe(true);
  expect((error as Error).message.startsWith(message)).toBe(true);
});
