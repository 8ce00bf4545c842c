/*
 * The statistics and what is said of them, checked against values worked out by hand. Part of `--check`.
 */
import assert from 'node:assert/strict';
import { digits, judged, perSecond } from './report.ts';
import {
  expectedRingPeak,
  median,
  nextBatch,
  randomFrom,
  shuffled,
  slope,
  speedRatio,
  type Spread,
  spreadOf,
} from './statistics.ts';
import { marked, withMarked } from './table.ts';

/** @throws `AssertionError` */
export function selfCheck(): void {
  checkStatistics();
  checkRingTheory();
  checkTargets();
  checkMarks();
}

/** The greatest of n exponential variates is 1 + 1/2 + … + 1/n in expectation, and a node alone has all. */
function checkRingTheory(): void {
  const harmonic = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].reduce((sum, i) => sum + 1 / i, 0);
  for (const [peak, expected] of [
    [expectedRingPeak(10, 1), harmonic],
    [expectedRingPeak(1, 256), 1],
    [expectedRingPeak(1, 1_000), 1],
  ] as const)
    assert.ok(Math.abs(peak / expected - 1) < 1e-3, `${String(peak)} should be ${String(expected)}`);
}

/** Of each part of a target: just reached, and just not. */
function checkTargets(): void {
  const exactly = (value: number): Spread => ({ min: 0, median: value, max: Infinity });
  const row = { name: 'row', ns: exactly(100), ratio: exactly(40), bytes: 8 };
  const verdicts = (target: Parameters<typeof judged>[0]['target']): readonly boolean[] =>
    judged({ ...row, target }).map(({ met }) => met);
  assert.deepEqual(verdicts(undefined), []);
  assert.deepEqual(verdicts({ ns: 100, bytes: 8, ratio: { atLeast: 40, atMost: 40 } }), [true, true, true, true]);
  assert.deepEqual(verdicts({ ns: 99, bytes: 7, ratio: { atLeast: 41, atMost: 39 } }), [false, false, false, false]);
}

function checkMarks(): void {
  const document = `before\n${marked('a', 'old')}\n${marked('b', 'other')}\nafter\n`;
  assert.equal(withMarked(document, 'a', 'old'), document);
  assert.equal(withMarked(document, 'a', 'new'), document.replace('old', 'new'));
  assert.throws(() => withMarked(document, 'c', 'new'));
}

function checkStatistics(): void {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), Number.NaN);
  assert.deepEqual(spreadOf([5, 1, 9]), { min: 1, median: 5, max: 9 });

  // Rounds are compared with themselves: that the machine was half as fast in the third changes no ratio.
  assert.deepEqual(speedRatio([10, 10, 20], [20, 20, 40]), { min: 2, median: 2, max: 2 });
  assert.throws(() => speedRatio([1], [1, 2]));

  const line = [1, 2, 3, 4, 5].map((x) => [x, 7 * x + 100] as const);
  assert.equal(slope(line), 7);
  assert.equal(slope([...line, [6, 1_000_000]]), 7);

  const order = shuffled([0, 1, 2, 3, 4], randomFrom(1));
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
  assert.deepEqual(shuffled([0, 1, 2, 3, 4], randomFrom(1)), order);
  const random = randomFrom(2);
  const firsts = Array.from({ length: 6_000 }, () => shuffled(['a', 'b', 'c'], random)[0]);
  for (const name of ['a', 'b', 'c']) {
    const share = firsts.filter((first) => first === name).length / firsts.length;
    assert.ok(Math.abs(share - 1 / 3) < 0.03, `${name} is first in ${String(share)} of the rounds`);
  }

  assert.equal(nextBatch(100, 10, 50), 600);
  assert.equal(nextBatch(100, 0.1, 50), 1_000);
  assert.equal(nextBatch(1, 1_000, 1), 1);

  assert.equal(digits(0), '0');
  assert.equal(digits(1.2345), '1.23');
  assert.equal(digits(12.345), '12.3');
  assert.equal(digits(123.45), '123');
  assert.equal(digits(123_456), '123,000');
  assert.equal(digits(0.012345), '0.0123');
  assert.equal(perSecond(100), '10 M');
  assert.equal(perSecond(2e6), '500');
}
