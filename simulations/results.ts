import type { Measure, Observation, Scenario, Target } from './scenario.ts';

/** What a scenario has shown: column → an observation for each seed, in order. */
export type Results = Readonly<Record<string, readonly Observation[]>>;

export interface Summary {
  readonly least: number;
  readonly median: number;
  readonly mean: number;
  readonly most: number;
}

/** NaN where any value is none. */
export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    least: Math.min(...values),
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    most: Math.max(...values),
  };
}

export const valuesOf = (results: Results, column: string, { key }: Measure): readonly number[] =>
  results[column]!.map(({ values }) => values[key]!);

/** How often a target was met; with one try where it is about the seeds' mean. */
export interface Verdict {
  readonly met: number;
  readonly of: number;
}

export function verdictOf(scenario: Scenario, measure: Measure, target: Target, results: Results): Verdict {
  const own = valuesOf(results, target.column, measure);
  const others = scenario.columns
    .filter((column) => column !== target.column)
    .map((column) => valuesOf(results, column, measure));
  if (target.of === 'the mean') {
    const met = target.holds(
      summaryOf(own).mean,
      others.map((values) => summaryOf(values).mean),
    );
    return { met: Number(met), of: 1 };
  }
  const met = own.filter((value, seed) =>
    target.holds(
      value,
      others.map((values) => values[seed]!),
    ),
  );
  return { met: met.length, of: own.length };
}
