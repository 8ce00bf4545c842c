import type { Sample } from './load.ts';
import { messageOf } from './message.ts';
import type { Answer } from './root.ts';

/** The figures of a load. */
export interface Summary {
  readonly queries: number;
  readonly lost: number;
  readonly wrong: number;
  readonly partial: number;
  /** Of the queries that were answered. */
  readonly p50: number;
  readonly p99: number;
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly retries: number;
  /** The mean share of shards that answered; a lost query counts as 0. */
  readonly coverage: number;
}

/** The least value that so large a share of the values does not exceed; NaN when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function summarise(samples: readonly Sample<Answer>[], isRight: (answer: Answer) => boolean): Summary {
  const answered = samples.filter(({ answer }) => answer !== undefined);
  const answers = answered.map(({ answer }) => answer!);
  const sum = (of: (answer: Answer) => number): number => answers.reduce((total, answer) => total + of(answer), 0);
  const ms = answered.map((sample) => sample.ms);
  return {
    queries: samples.length,
    lost: samples.length - answers.length,
    wrong: answers.filter((answer) => !isRight(answer)).length,
    partial: sum(({ partial }) => Number(partial)),
    p50: percentile(ms, 0.5),
    p99: percentile(ms, 0.99),
    hedges: sum(({ attempts }) => attempts.hedges),
    hedgesWon: sum(({ attempts }) => attempts.hedgesWon),
    retries: sum(({ attempts }) => attempts.retries),
    coverage: samples.length === 0 ? NaN : sum(({ coverage }) => coverage) / samples.length,
  };
}

const formatNumber = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
export const formatMs = (ms: number): string => `${formatNumber(ms)} ms`;

/** Never 100 % for less than all. */
export const formatShare = (share: number): string => `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`;

const columns: readonly (readonly [title: string, cell: (summary: Summary) => string])[] = [
  ['queries', ({ queries }) => String(queries)],
  ['lost', ({ lost }) => String(lost)],
  ['wrong', ({ wrong }) => String(wrong)],
  ['partial', ({ partial }) => String(partial)],
  ['p50 ms', ({ p50 }) => formatNumber(p50)],
  ['p99 ms', ({ p99 }) => formatNumber(p99)],
  ['hedges sent', ({ hedges }) => String(hedges)],
  ['won', ({ hedgesWon }) => String(hedgesWon)],
  ['retries', ({ retries }) => String(retries)],
  ['coverage', ({ coverage }) => formatShare(coverage)],
];

/** The lines of a table of loads, a row for each. */
export function table(rows: readonly (readonly [name: string, summary: Summary])[]): string[] {
  return align([
    ['', ...columns.map(([title]) => title)],
    ...rows.map(([name, summary]) => [name, ...columns.map(([, cell]) => cell(summary))]),
  ]);
}

/** Rows of cells as lines: names to the left, figures to the right. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** How a load of queries, reads, … went in so long a time, and why, where something of it has failed. */
export function formatLoad(what: string, samples: readonly Sample<unknown>[], ms: number): string[] {
  const errors = samples.flatMap(({ error }) => (error === undefined ? [] : [messageOf(error)]));
  const latencies = samples.filter(({ error }) => error === undefined).map((sample) => sample.ms);
  const [p50, p99] = [0.5, 0.99].map((share) => formatMs(percentile(latencies, share)));
  const rate = ((1_000 * samples.length) / ms).toFixed(0);
  const answered = errors.length === 0 ? 'all answered' : `${errors.length} NOT answered`;
  return [`${samples.length} ${what}, ${rate} a second: ${answered}, p50 ${p50!}, p99 ${p99!}`, ...new Set(errors)];
}

/** A name from a file system, safe to print: without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

/** An answer as lines of text, its first `hits` documents by name. */
export function formatAnswer(answer: Answer, hits: number): string[] {
  const { query, total, partial, missing, coverage, ms, terms } = answer;
  const matches =
    total === 0 ? `no document has ${terms.length === 1 ? 'it' : 'all of it'}` : plural(total, 'document');
  const lines = [`“${printable(query)}”  ${matches}, ${formatMs(ms)}`];
  for (const { id, score } of answer.hits.slice(0, hits)) {
    lines.push(`${score.toFixed(3).padStart(9)}  ${printable(id)}`);
  }
  if (partial) {
    const without = missing.map(({ shard, why }) => `${shard} is missing (${why})`).join(', ');
    lines.push(`  partial, from ${formatShare(coverage)} of the shards: ${without}, and so are its documents`);
  }
  return lines;
}
