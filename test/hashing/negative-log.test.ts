import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { negativeLog53 } from '../../src/hashing/negative-log.ts';
import { runs } from '../support/properties.ts';

const top = 2 ** 53 - 1;
/** Whole numbers of 53 bits, every magnitude alike. */
const scores = fc.oneof(
  fc.maxSafeNat(),
  fc.tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -2, max: 2 })).map(([e, d]) => Math.max(0, 2 ** e + d)),
  fc.nat({ max: 1000 }).map((n) => top - n),
);

describe('negativeLog53', () => {
  it('is −ln u to within 4 ulp', () => {
    fc.assert(
      fc.property(scores, (h) => {
        // Far from u = 1 the platform's logarithm is good to an ulp; near it u itself is rounded, and ln(1 − x) is not.
        const x = (2 ** 53 - h - 0.5) / 2 ** 53;
        const expected = x < 0.5 ? -Math.log1p(-x) : -Math.log((h + 0.5) / 2 ** 53);
        expect(Math.abs(negativeLog53(h) - expected)).toBeLessThanOrEqual(4 * Number.EPSILON * expected + 2 ** -53);
      }),
      { numRuns: runs(20) },
    );
  });

  it('never rises from one score to a greater one', () => {
    fc.assert(
      fc.property(scores, fc.oneof(fc.integer({ min: 1, max: 4 }), fc.maxSafeNat()), (h, step) => {
        expect(negativeLog53(Math.min(top, h + step))).toBeLessThanOrEqual(negativeLog53(h));
      }),
      { numRuns: runs(50) },
    );
  });

  it('is finite and not negative at the ends', () => {
    expect(negativeLog53(0)).toBeCloseTo(54 * Math.LN2, 10);
    expect(negativeLog53(top)).toBe(0);
    expect(negativeLog53(2 ** 52)).toBeCloseTo(Math.LN2, 10);
  });
});
