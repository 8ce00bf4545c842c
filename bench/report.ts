/*
 * The results as text: one table for the terminal and for Markdown.
 */
import type { Machine } from './machine.ts';
import type { Measured, MeasuredCase, MeasuredHolding } from './harness.ts';
import type { Spread } from './statistics.ts';
import { marked, type Table, tableLines } from './table.ts';
import type { Figure, Findings } from './vocabulary.ts';

/** All that was measured of one suite. */
export interface Results extends Required<Findings> {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly cases: readonly MeasuredCase[];
  readonly holdings: readonly MeasuredHolding[];
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

/** What came of one part of a target. */
interface Judgement {
  readonly target: string;
  readonly met: boolean;
  readonly value: string;
}

function judgement(limit: '≤' | '≥', wanted: number, value: number, unit: string): Judgement {
  return {
    target: `${limit} ${digits(wanted)}${unit}`,
    met: limit === '≤' ? value <= wanted : value >= wanted,
    value: `${digits(value)}${unit}`,
  };
}

/** Whether a contestant reached its target, for each part of it. */
export function judged({ target = {}, ns, bytes, ratio }: Measured): readonly Judgement[] {
  const parts: (readonly ['≤' | '≥', wanted: number | undefined, value: number | undefined, unit: string])[] = [
    ['≤', target.ns, ns.median, ' ns'],
    ['≤', target.bytes, bytes, ' bytes'],
    ['≥', target.ratio?.atLeast, ratio?.median, '×'],
    ['≤', target.ratio?.atMost, ratio?.median, '×'],
  ];
  return parts.flatMap(([limit, wanted, value, unit]) =>
    wanted === undefined || value === undefined ? [] : [judgement(limit, wanted, value, unit)],
  );
}

/** The same of what is kept. */
function judgedHeld({ target, bytes }: MeasuredHolding['rows'][number]): readonly Judgement[] {
  return target === undefined ? [] : [judgement('≤', target, bytes, ' bytes')];
}

const cellOf = (judgements: readonly Judgement[]): string =>
  judgements.map(({ target, met }) => `${target}: ${verdict(met)}`).join(', ');

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
    rows: cases.flatMap(({ name, rows }) =>
      rows.map((row, index) => [
        index === 0 ? name : '',
        row.name,
        digits(row.ns.median),
        `${digits(row.ns.min)} … ${digits(row.ns.max)}`,
        perSecond(row.ns.median),
        row.ratio === undefined ? '' : triple(row.ratio),
        digits(row.bytes),
        cellOf(judged(row)),
      ]),
    ),
  };
}

function holdingTable(holdings: readonly MeasuredHolding[]): Table {
  return {
    head: ['kept', 'contestant', 'bytes per item', 'target'],
    right: [2],
    rows: holdings.flatMap(({ name, rows }) =>
      rows.map((row, index) => [index === 0 ? name : '', row.name, digits(row.bytes), cellOf(judgedHeld(row))]),
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
    .map((table) => tableLines(plain(table)).join('\n'))
    .concat(results.excerpts.map(({ text }) => text))
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
    ...tablesOf(results).flatMap((table) => [...tableLines(table), '']),
    ...results.excerpts.flatMap(({ name, text }) => [marked(name, text), '']),
    ...tableLines(conditionTable(conditions)),
    '',
  ].join('\n');
}

/** The targets that were not reached, a line each. */
export function missed({ name, cases, holdings, figures }: Results): string[] {
  const misses = (what: string, judgements: readonly Judgement[]): string[] =>
    judgements
      .filter(({ met }) => !met)
      .map(({ target, value }) => `${name}, ${what}: ${target}, missed with ${value}`);
  return [
    ...cases.flatMap((entry) => entry.rows.flatMap((row) => misses(`${entry.name}, ${row.name}`, judged(row)))),
    ...holdings.flatMap((entry) => entry.rows.flatMap((row) => misses(`${entry.name}, ${row.name}`, judgedHeld(row)))),
    ...figures.flatMap(({ name: figure, contestant, target = '', met = true, value }) =>
      misses(`${figure}, ${contestant}`, [{ target, met, value }]),
    ),
  ];
}
