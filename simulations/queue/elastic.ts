import {
  atMost,
  type Measure,
  plain,
  range,
  type Scenario,
  seconds,
  type SeriesPlot,
  type Target,
} from '../scenario.ts';
import { rules } from './rules.ts';
import { type Ended, runPlant } from './run-plant.ts';
import { type Jobs, type Trace, traces } from './traces.ts';

const columns = Object.keys(rules);
const ours = columns.at(-1)!;
const spawning = 'spawn, idle 30 s';
const pool = { min: 1, max: 64, coldMs: 50 };

const percentile = (values: Float64Array, share: number): number =>
  values.toSorted()[Math.ceil(share * values.length) - 1]!;

/** From the burst until the last job of it is done. */
function drainMs({ plant }: Ended, { atMs }: Jobs, burstMs: number): number {
  return Math.max(...plant.doneMs.filter((_, job) => atMs[job] === burstMs)) - burstMs;
}

const partOf = (column: string, part: number): Target => ({
  column: ours,
  text: `≤ ${String(part)} × ${column}`,
  of: 'each seed',
  holds: (value, others) => value <= part * others[columns.indexOf(column)]!,
});

const measuresOf = (trace: Trace): readonly Measure[] => [
  {
    key: 'excess',
    label: 'p99 of the wait, beyond that of fixed max',
    format: seconds(2),
    targets: [atMost(ours, 250, '0.25 s')],
  },
  ...(trace.burstMs === undefined
    ? []
    : [
        {
          key: 'drain',
          label: 'until the burst is done ÷ fixed max',
          format: plain(3),
          targets: [atMost(ours, 1.05, '1.05')],
        },
      ]),
  { key: 'paid', label: 'worker time ÷ work', format: plain(2), targets: [partOf(spawning, 0.9)] },
  {
    key: 'spawns',
    label: 'workers started',
    format: plain(0),
    ...(trace.name === 'tiny' ? { targets: [atMost(ours, 20, '20')] } : {}),
  },
  ...(trace.peakLoad === undefined
    ? []
    : [{ key: 'overshoot', label: 'most workers ÷ load at its peak', format: plain(2) }]),
  { key: 'flips', label: 'changes of direction, a minute', format: plain(1) },
];

const stepMs = 500;
const pointsOf = (endS: number): readonly number[] => range(0, endS + stepMs / 2_000, stepMs / 1_000);

/** What is drawn: a part of the run, for it repeats, and not those that would hide the rest. */
const plots: Readonly<Record<string, SeriesPlot>> = {
  burst: {
    title: 'Workers after 2,000 jobs at once (at 10 s)',
    columns: ['fixed max', spawning, 'Celery', 'KEDA', ours],
    x: { label: 'seconds', ticks: range(0, 120, 20), values: pointsOf(100) },
    y: { label: 'workers', ticks: range(0, 80, 16) },
  },
  'on-off': {
    title: 'Workers, with jobs for 5 s, none for 5 s, and so on',
    columns: [spawning, 'Celery', 'KEDA', ours],
    x: { label: 'seconds', ticks: range(0, 120, 20), values: pointsOf(100) },
    y: { label: 'workers', ticks: range(0, 80, 16) },
  },
  diurnal: {
    title: 'Workers through two days, of 1 to 13 busy ones',
    columns: [spawning, 'Celery', 'KEDA', ours],
    x: { label: 'seconds', ticks: range(0, 900, 100), values: pointsOf(800) },
    y: { label: 'workers', ticks: range(0, 48, 8) },
  },
};

const scenarioOf = (trace: Trace): Scenario => ({
  name: `queue-${trace.name}`,
  title: trace.title,
  source: 'own; none published',
  setup: `${trace.text[0]!.toUpperCase()}${trace.text.slice(1)}. ${String(pool.min)} to ${String(pool.max)} workers, ${String(pool.coldMs)} ms to start one.`,
  columns,
  measures: measuresOf(trace),
  ...(plots[trace.name] === undefined ? {} : { plot: plots[trace.name]! }),
  async run(column, seed) {
    const jobs = trace.jobs(seed);
    const series: number[] = [];
    const options = { ...pool, durationMs: trace.durationMs };
    const run = await runPlant(jobs, rules[column]!, {
      ...options,
      sample: { everyMs: stepMs, look: ({ total }) => series.push(total) },
    });
    const fixed = column === columns[0] ? run : await runPlant(jobs, rules[columns[0]!]!, options);
    const { plant, endMs, paidMs } = run;
    const values = {
      excess: percentile(plant.waitMs, 0.99) - percentile(fixed.plant.waitMs, 0.99),
      paid: paidMs / jobs.serviceMs.reduce((sum, ms) => sum + ms, 0),
      spawns: plant.spawns,
      overshoot: plant.peak / Math.ceil(trace.peakLoad ?? NaN),
      flips: plant.flips / (endMs / 60_000),
      drain:
        trace.burstMs === undefined ? NaN : drainMs(run, jobs, trace.burstMs) / drainMs(fixed, jobs, trace.burstMs),
    };
    return { values, series };
  },
});

/** Each trace under each rule. */
export const elastic: readonly Scenario[] = traces.map(scenarioOf);
