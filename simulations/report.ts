import { type Caption, captionLine, type Frame, type Line, svg } from './plot.ts';
import type { Report } from './reports.ts';
import { type Results, summaryOf, valuesOf, verdictOf } from './results.ts';
import type { Measure, Scenario, SeriesPlot } from './scenario.ts';

/** Scenario → what it has shown. */
export type AllResults = ReadonlyMap<Scenario, Results>;

type Row = readonly string[];

/** Of each scenario, unless the command line says another number. */
export const usualSeeds = 20;

const frame: Frame = { height: 400, right: 590, gap: 16 };
const colours = ['#8c959f', '#bf8700', '#8250df', '#1a7f37'];

const table = (head: Row, rows: readonly Row[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** `median (least–most)`, or one figure where they are the same as printed. */
export function spread({ format }: Measure, values: readonly number[]): string {
  const { least, median, most } = summaryOf(values);
  const [low, middle, high] = [format(least), format(median), format(most)];
  if (low === high) return middle;
  // The unit once.
  const unit = /\D*$/.exec(middle)![0];
  const bare = (text: string): string => (text.endsWith(unit) ? text.slice(0, text.length - unit.length) : text);
  return `${middle} (${bare(low)}–${bare(high)})`;
}

function targetRows(scenario: Scenario, results: Results): readonly Row[] {
  return scenario.measures.flatMap((measure) =>
    (measure.targets ?? []).map((target): Row => {
      const values = valuesOf(results, target.column, measure);
      const { met, of } = verdictOf(scenario, measure, target, results);
      const shown = target.of === 'the mean' ? measure.format(summaryOf(values).mean) : spread(measure, values);
      const kept =
        met === of ? 'met' : of === 1 ? '**missed**' : `**missed** with ${String(of - met)} of ${String(of)} seeds`;
      return [scenario.title, measure.label, target.column, target.text, shown, kept];
    }),
  );
}

const captionOf = (seeds: number): Caption => ({
  of: seeds === 1 ? 'Of seed 1' : `Medians of the seeds 1 to ${String(seeds)}`,
  command: seeds === usualSeeds ? 'npm run simulate' : `npm run simulate -- --seeds ${String(seeds)}`,
});

function section(scenario: Scenario, results: Results, seeds: number): string {
  const { title, source, setup, columns, measures, plot } = scenario;
  const rows = measures.flatMap((measure): Row[] => {
    const published = columns.map((column) => measure.published?.[column] ?? '');
    return [
      [measure.label, ...columns.map((column) => spread(measure, valuesOf(results, column, measure)))],
      ...(published.some((text) => text !== '')
        ? [['_published_', ...published.map((text) => text && `_${text}_`)]]
        : []),
    ];
  });
  return [
    `## ${title}`,
    `Source: ${source}.`,
    setup,
    table(['', ...columns], rows),
    ...(plot === undefined
      ? []
      : [`![${plot.title}](simulations/${scenario.name}.svg)`, captionLine(captionOf(seeds))]),
  ].join('\n\n');
}

/** The report as Markdown. */
export function reportOf({ title, about }: Pick<Report, 'title' | 'about'>, all: AllResults, seeds: number): string {
  const targets = [...all].flatMap(([scenario, results]) => targetRows(scenario, results));
  const missed = targets.filter((row) => row.at(-1) !== 'met').length;
  return [
    `# ${title}`,
    '<!-- Written by `npm run simulate`; CI writes it again and compares. -->',
    `${about} Each figure is the median of ${String(seeds)} seeds, with the least and the most in brackets. Nothing here depends on the machine: the same commit gives the same report.`,
    `## Targets`,
    missed === 0
      ? `All ${String(targets.length)} are met, with each seed unless a mean is named.`
      : `${String(targets.length - missed)} of ${String(targets.length)} are met with each seed. What is missed stays here until it is mended.`,
    table(['scenario', 'figure', 'column', 'target', 'reached', ''], targets),
    ...[...all].map(([scenario, results]) => section(scenario, results, seeds)),
    '',
  ].join('\n\n');
}

/** File name → SVG, in `docs/simulations`. */
export function plotsOf(all: AllResults, seeds: number): ReadonlyMap<string, string> {
  const plots = new Map<string, string>();
  for (const [scenario, results] of all) {
    if (scenario.plot !== undefined) plots.set(`${scenario.name}.svg`, drawn(scenario, scenario.plot, results, seeds));
  }
  return plots;
}

/** The last column is ours, and its line stands out. */
const styleOf = (column: number, columns: number): Pick<Line, 'colour' | 'width'> =>
  column === columns - 1
    ? { colour: '#0969da', width: 2.5 }
    : { colour: colours[column % colours.length]!, width: 1.5 };

function drawn({ columns }: Scenario, plot: SeriesPlot, results: Results, seeds: number): string {
  const { title, x, y, columns: drawn = columns } = plot;
  const lines = drawn.map((name, column): Line => {
    const runs = results[name]!.map(({ series }) => series!);
    return {
      name,
      points: x.values.map((value, i) => ({ x: value, y: summaryOf(runs.map((one) => one[i]!)).median })),
      ...styleOf(column, drawn.length),
    };
  });
  return svg({ title, caption: captionOf(seeds), x, y, lines, frame });
}
