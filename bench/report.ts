/*
 * The results as text: one table for the terminal and for Markdown.
 */
import type { Machine } from './machine.ts';
import type { Measured, MeasuredCase, MeasuredHolding } from './harness.ts';
import type { Spread } from './statistics.ts';
import type { Figure, Target } from './vocabulary.ts';

/** All that was measured of one suite. */
export interface Results {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly cases: readonly MeasuredCase[];
  readonly holdings: readonly MeasuredHolding[];
  readonly figures: readonly Figure[];
}

/** How it was measured. */
export interface Conditions {
  readonly machine: Machine;
  readonly packages: readonly string[];
  readonly command: string;
  readonly date: string;
  readonly rounds: number;
  readonly sampleMs: number;
  readonly seed: number;
  /** Processor time over wall time while measuring. */
  readonly processorShare: number;
  /** What an empty operation costs here: part of every figure. */
  readonly floor: readonly Measured[];
}

type Cells = readonly string[];

interface Table {
  readonly head: Cells;
  /** Which columns hold numbers. */
  readonly right: readonly number[];
  readonly rows: readonly Cells[];
}

/** Three significant digits, thousands apart. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** Operations in a second, from the nanoseconds that one takes. */
export function perSecond(ns: number): string {
  const value = 1e9 / ns;
  if (value >= 1e6) return `${digits(value / 1e6)} M`;
  return value >= 1e3 ? `${digits(value / 1e3)} k` : digits(value);
}

const triple = ({ min, median, max }: Spread): string => `${digits(min)} – **${digits(median)}** – ${digits(max)}`;

function verdict(met: boolean): string {
  return met ? 'met' : '**missed**';
}

/** Whether the first contestant reached the target, for each of its parts. */
function judged(target: Target | undefined, { ns, bytes }: Measured): readonly string[] {
  return [
    ...(target?.ns === undefined ? [] : [`≤ ${digits(target.ns)} ns: ${verdict(ns.median <= target.ns)}`]),
    ...(target?.bytes === undefined ? [] : [`≤ ${digits(target.bytes)} bytes: ${verdict(bytes <= target.bytes)}`]),
  ];
}

function caseTable(cases: readonly MeasuredCase[]): Table {
  return {
    head: [
      'case',
      'contestant',
      'ns/op',
      'min … max',
      'ops/s',
      'ours ÷ this, min – median – max',
      'bytes/op',
      'target',
    ],
    right: [2, 3, 4, 5, 6],
    rows: cases.flatMap(({ name, rows, target }) =>
      rows.map((row, index) => [
        index === 0 ? name : '',
        row.name,
        digits(row.ns.median),
        `${digits(row.ns.min)} … ${digits(row.ns.max)}`,
        perSecond(row.ns.median),
        row.ratio === undefined ? '' : triple(row.ratio),
        digits(row.bytes),
        index === 0 ? judged(target, row).join(', ') : '',
      ]),
    ),
  };
}

function holdingTable(holdings: readonly MeasuredHolding[]): Table {
  return {
    head: ['kept', 'contestant', 'bytes per item'],
    right: [2],
    rows: holdings.flatMap(({ name, rows }) =>
      rows.map((row, index) => [index === 0 ? name : '', row.name, digits(row.bytes)]),
    ),
  };
}

function figureTable(figures: readonly Figure[]): Table {
  return {
    head: ['figure', 'contestant', 'value', 'target'],
    right: [2],
    rows: figures.map(({ name, contestant, value, target, met }, index) => [
      figures[index - 1]?.name === name ? '' : name,
      contestant,
      value,
      target === undefined ? '' : `${target}: ${verdict(met === true)}`,
    ]),
  };
}

function conditionTable(conditions: Conditions): Table {
  const { machine, packages, command, date, rounds, sampleMs, seed, processorShare, floor } = conditions;
  return {
    head: ['condition', 'value'],
    right: [],
    rows: [
      ['machine', `${machine.cpu}, ${String(machine.cores)} cores, ${machine.memory}, ${machine.platform}`],
      ['load before the run', machine.load],
      ['processor time ÷ wall time', processorShare.toFixed(2)],
      ['Node', machine.node],
      ['packages', packages.join(', ')],
      ['command', `\`${command}\``],
      ['date', date],
      [
        'samples',
        `${String(rounds)} rounds of ${String(sampleMs)} ms or more each, order shuffled with seed ${String(seed)}`,
      ],
      ...floor.map(({ name, ns, bytes }) => [name, `${digits(ns.median)} ns, ${digits(bytes)} bytes`]),
    ],
  };
}

/** A table as Markdown, columns aligned: easy to read as it is. */
function lines({ head, right, rows }: Table): string[] {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: Cells): string =>
    `| ${cells.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (right.includes(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)];
}

function tablesOf({ cases, holdings, figures }: Results): Table[] {
  return [caseTable(cases), holdingTable(holdings), figureTable(figures)].filter(({ rows }) => rows.length > 0);
}

/** For the terminal: the same tables without Markdown's stars. */
export function terminalText(results: Results): string {
  const plain = (table: Table): Table => ({
    ...table,
    rows: table.rows.map((row) => row.map((cell) => cell.replaceAll('**', ''))),
  });
  return tablesOf(results)
    .map((table) => lines(plain(table)).join('\n'))
    .join('\n\n');
}

/** The report of one suite. */
export function markdown(results: Results, conditions: Conditions): string {
  return [
    `# ${results.title}`,
    '',
    'Written by the benchmark; how to read it and how to run it again is in [../README.md](../README.md).',
    '',
    results.about,
    '',
    ...tablesOf(results).flatMap((table) => [...lines(table), '']),
    ...lines(conditionTable(conditions)),
    '',
  ].join('\n');
}

/** The targets that were not reached, a line each. */
export function missed({ name, cases, figures }: Results): string[] {
  const ofCases = cases.flatMap((entry) =>
    judged(entry.target, entry.rows[0]!)
      .filter((text) => text.includes('missed'))
      .map((text) => `${name}, ${entry.name}: ${text.replaceAll('**', '')}`),
  );
  const ofFigures = figures
    .filter(({ met }) => met === false)
    .map((figure) => `${name}, ${figure.name}: ${figure.target ?? ''}: missed with ${figure.value}`);
  return [...ofCases, ...ofFigures];
}
