import fc from 'fast-check';
import type { ElasticSignals } from '../../../src/queue/elastic/law.ts';

export const calm: ElasticSignals = {
  nowMs: 0,
  workers: 4,
  busy: 4,
  queued: 0,
  load: 0,
  serviceMs: 500,
  coldStartMs: 0,
  min: 1,
  max: 64,
  lagging: false,
};

/** A look: what is told, but for the moment and the number of workers, which follow from the looks before. */
export interface Look extends Omit<ElasticSignals, 'nowMs' | 'workers' | 'busy' | 'min' | 'max'> {
  readonly afterMs: number;
  /** The part of the workers that is busy. */
  readonly busyPart: number;
  readonly bounds: { readonly min: number; readonly max: number };
}

const bounds = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 60 })).map(([min, more]) => ({
  min,
  max: Math.max(1, min + more),
}));

export const look: fc.Arbitrary<Look> = fc.record({
  afterMs: fc.oneof(fc.constantFrom(0, 1, 250, 9_750, 10_000), fc.integer({ min: 0, max: 3_000 })),
  busyPart: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  queued: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 100_000 })),
  load: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })),
  serviceMs: fc.oneof(
    fc.constantFrom(undefined, 0),
    fc.double({ min: 0.01, max: 10, noNaN: true }),
    fc.double({ min: 10, max: 100_000, noNaN: true }),
  ),
  coldStartMs: fc.constantFrom(0, 50, 400),
  bounds,
  lagging: fc.nat({ max: 9 }).map((n) => n === 0),
});

export const looks: fc.Arbitrary<readonly Look[]> = fc.array(look, { minLength: 1, maxLength: 40 });

/** A look of a pool of so many workers at a moment. */
export function signalsOf(
  { afterMs, busyPart, bounds: between, ...rest }: Look,
  before: ElasticSignals,
): ElasticSignals {
  const { workers } = before;
  return { ...rest, ...between, nowMs: before.nowMs + afterMs, workers, busy: Math.round(busyPart * workers) };
}
