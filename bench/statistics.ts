/*
 * The arithmetic of the benchmark, apart from any measuring: pure functions, checked by self-check.ts.
 */

/** The least, the middle and the greatest of some measurements. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

function ascending(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

/** The middle value, or the mean of the two middle ones; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { min: sorted[0] ?? Number.NaN, median: median(values), max: sorted.at(-1) ?? Number.NaN };
}

/**
 * How many times the speed of theirs ours has, round by round: what disturbs a round disturbs both.
 *
 * @param ours - time of one operation in each round
 * @param theirs - the same of the other
 */
export function speedRatio(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) throw new Error('the contestants of a case take part in every round');
  return spreadOf(ours.map((time, round) => theirs[round]! / time));
}

/** Theil–Sen: the median slope over all pairs of points. One bad point does not bend it. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  return median(
    points.flatMap(([x1, y1], i) =>
      points
        .slice(i + 1)
        .filter(([x2]) => x2 !== x1)
        .map(([x2, y2]) => (y2 - y1) / (x2 - x1)),
    ),
  );
}

/** Numbers in [0, 1) that repeat for a seed (mulberry32): for the order of the rounds and for keys. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same items in another order, each order equally likely (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/**
 * How many operations the next sample should have.
 *
 * @param operations - how many the last had
 * @param tookMs - how long they took
 * @param wantedMs - how long a sample should take
 */
export function nextBatch(operations: number, tookMs: number, wantedMs: number): number {
  // At most tenfold: the first operations of cold code say little of what is to come.
  const factor = tookMs > 0 ? Math.min(10, (1.2 * wantedMs) / tookMs) : 10;
  return Math.max(1, Math.ceil(operations * factor));
}

/**
 * What the busiest of some equal nodes owns over the mean, in expectation, when each has its points on a ring by pure
 * chance. Shares are then gamma variates over their sum, of which the greatest's is independent: so it is the expected
 * greatest of n gamma variates over their mean.
 *
 * @param nodes - how many nodes
 * @param points - how many points each has
 */
export function expectedRingPeak(nodes: number, points: number): number {
  let logFactorial = 0;
  for (let i = 2; i < points; i++) logFactorial += Math.log(i);
  const density = (x: number): number => Math.exp((points - 1) * Math.log(x) - x - logFactorial);
  const step = Math.sqrt(points) / 1_000;
  const end = points + 12 * Math.sqrt(points) + 40;
  let below = 0;
  let greatest = 0;
  for (let x = step / 2; x < end; x += step) {
    // At the middle of the step.
    below += (density(x) * step) / 2;
    greatest += (1 - Math.min(1, below) ** nodes) * step;
    below += (density(x) * step) / 2;
  }
  return greatest / points;
}
