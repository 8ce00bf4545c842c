import type { PlotAxis } from './plot.ts';

/** A question, asked in several columns with many seeds. */
export interface Scenario {
  /** Names it on the command line, and its plot. */
  readonly name: string;
  readonly title: string;
  /** Where the published figures are from. */
  readonly source: string;
  /** All that is needed to repeat it. */
  readonly setup: string;
  /** What is compared. */
  readonly columns: readonly string[];
  readonly measures: readonly Measure[];
  readonly plot?: SeriesPlot;
  run(column: string, seed: number): Promise<Observation>;
}

/** A figure of a run. */
export interface Measure {
  /** Its key in {@link Observation.values}. */
  readonly key: string;
  readonly label: string;
  readonly format: (value: number) => string;
  /** Column → what was published for it, as text. */
  readonly published?: Readonly<Record<string, string>>;
  readonly targets?: readonly Target[];
}

/** What must hold of a column. */
export interface Target {
  readonly column: string;
  readonly text: string;
  /** Whether it is about each seed's value, or about their mean, where theory gives one. */
  readonly of: 'each seed' | 'the mean';
  /** `others`: the same of the other columns. */
  readonly holds: (value: number, others: readonly number[]) => boolean;
}

/** What one run has shown. */
export interface Observation {
  readonly values: Readonly<Record<string, number>>;
  /** For the plot: a value for each point of the x axis. */
  readonly series?: readonly number[];
}

/** A line for each column: the median of the seeds. */
export interface SeriesPlot {
  readonly title: string;
  /** Which are drawn, ours last; all when absent. */
  readonly columns?: readonly string[];
  readonly x: PlotAxis & { readonly values: readonly number[] };
  readonly y: PlotAxis;
}

export const percent =
  (digits: number) =>
  (value: number): string =>
    `${(100 * value).toFixed(digits)} %`;
export const ms =
  (digits: number) =>
  (value: number): string =>
    Number.isNaN(value) ? '–' : `${value.toFixed(digits)} ms`;
export const seconds =
  (digits: number) =>
  (value: number): string =>
    `${(value / 1_000).toFixed(digits)} s`;
export const plain =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);

export const atLeast = (column: string, least: number, text: string): Target => ({
  column,
  text: `≥ ${text}`,
  of: 'each seed',
  holds: (value) => value >= least,
});
export const atMost = (column: string, most: number, text: string): Target => ({
  column,
  text: `≤ ${text}`,
  of: 'each seed',
  holds: (value) => value <= most,
});
export const noMoreThanAny = (column: string): Target => ({
  column,
  text: 'no more than any other',
  of: 'each seed',
  holds: (value, others) => others.every((other) => value <= other),
});
export const near = (column: string, theory: number, tolerance: number, text: string): Target => ({
  column,
  text,
  of: 'the mean',
  holds: (value) => Math.abs(value - theory) <= tolerance * theory,
});

/** first, first + step, … up to but without `end`. */
export const range = (first: number, end: number, step: number): readonly number[] =>
  Array.from({ length: Math.round((end - first) / step) }, (_, i) => first + i * step);
