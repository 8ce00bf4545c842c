import fc from 'fast-check';
import { isInsufficientCoverage, scatterGather } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { judgeOf } from '../../src/scatter/requirement.ts';
import { runs, seed } from '../support/properties.ts';
import { finish, steady } from '../support/serving.ts';

/** How many targets, and the share of them that is required. */
const requirements = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true })),
  // Shares of the targets and their neighbours: where a product is rounded to the other side.
  fc
    .tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 3 }), fc.nat(100), fc.constantFrom(-1, 0, 1))
    .map(([whole, times, part, step]): [number, number] => [
      whole * times,
      Math.min(1, Math.max(0, ((part % (whole + 1)) / whole) * (1 + step * Number.EPSILON))),
    ]),
);

describe('a required coverage', () => {
  it('is met by exactly those counts whose share reaches it, and impossible for exactly those that cannot', () => {
    fc.assert(
      fc.property(requirements, ([total, coverage]) => {
        const judge = judgeOf({ coverage }, total);
        const reaches = (count: number): boolean => count === total || count / total >= coverage;
        const wrong = Array.from({ length: total + 1 }, (_, count) => count).filter(
          (count) =>
            (judge({ total, ok: count, failed: 0 }) === 'met') !== reaches(count) ||
            (judge({ total, ok: 0, failed: total - count }) === 'impossible') === reaches(count),
        );
        expect(wrong).toEqual([]);
      }),
      // Products that are rounded to the other side are rare.
      { seed, numRuns: runs(20) },
    );
  });

  it.each([
    [0.1, 30, 3],
    [0.7, 10, 7],
    [0.07, 100, 7],
    [0.9, 10, 9],
    [2 / 3, 3, 2],
    [0.6666666666666667, 3, 3],
    [0.01, 3, 1],
    [1e-300, 5, 1],
    [1, 7, 7],
    [0, 7, 0],
  ])('of %d over %d targets takes %d answers', async (coverage, total, needed) => {
    const gather = (answers: number): Promise<{ readonly values: readonly number[] }> =>
      scatterGather(
        Array.from({ length: total }, (_, i) => i),
        (i) => (i < answers ? i : Promise.reject(new Error('down'))),
        { require: { coverage }, runtime: steady(new VirtualClock()) },
      );
    expect((await gather(needed)).values.length).toBe(needed);
    if (needed > 0) await expect(gather(needed - 1)).rejects.toSatisfy(isInsufficientCoverage);
  });
});

describe('any requirement', () => {
  it('is judged by the tally, whatever the order in which it came about', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ok: fc.boolean(), afterMs: fc.integer({ min: 0, max: 9 }) }), {
          minLength: 1,
          maxLength: 9,
        }),
        fc.integer({ min: 0, max: 10 }),
        async (leaves, required) => {
          const clock = new VirtualClock();
          const gathering = scatterGather(
            leaves,
            async ({ ok, afterMs }) => {
              await clock.sleep(afterMs);
              if (!ok) throw new Error('down');
            },
            { require: required, runtime: steady(clock) },
          );
          const enough = leaves.filter(({ ok }) => ok).length >= required;
          const resolved = await finish(clock, gathering).then(
            ({ values }) => values.length >= required,
            () => false,
          );
          expect(resolved).toBe(enough);
        },
      ),
    );
  });
});
