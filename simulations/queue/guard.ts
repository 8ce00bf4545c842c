import { latency, seededRandom } from 'holdfast/testing';
import { plain, type Scenario, seconds, type Target } from '../scenario.ts';
import { downstream } from './downstream.ts';
import type { MakeRule } from './plant.ts';
import { holdfast } from './rules.ts';
import { runPlant } from './run-plant.ts';
import type { Jobs } from './traces.ts';

const count = 3_000;
const max = 64;
const [knowing, without, guarded] = ['as many as it serves', 'holdfast', 'holdfast, guarded'];
const columns = [knowing, 'fixed max', without, guarded];

const fixed =
  (workers: number): MakeRule =>
  (plant) => {
    plant.resize(workers);
    return {};
  };

const ruleOf = (column: string, capacity: number): MakeRule =>
  column === without
    ? holdfast()
    : column === guarded
      ? holdfast({ guard: 'plateau' })
      : fixed(column === knowing ? Math.min(capacity, max) : max);

function jobsOf(seed: number): Jobs {
  const random = seededRandom(seed).stream('service');
  const service = latency.exponential(500);
  return {
    atMs: new Float64Array(count),
    serviceMs: Float64Array.from({ length: count }, () => service(random, { inFlight: 1, sinceMs: 0 })),
  };
}

const partOf = (other: string, part: number): Target => ({
  column: guarded,
  text: `≤ ${String(part)} × ${other}`,
  of: 'each seed',
  holds: (value, others) => value <= part * others[columns.indexOf(other)]!,
});

const scenarioOf = (capacity: number, title: string, makespan: Target, paid?: Target): Scenario => ({
  name: `queue-guard-${capacity === Infinity ? 'none' : String(capacity)}`,
  title,
  source: 'own; none published',
  setup: `${count.toLocaleString('en-US')} jobs of 0.5 s (exponential) at once, 1 to ${String(max)} workers, 50 ms to start one. ${
    capacity === Infinity
      ? 'The jobs do not slow each other down: what the guard costs where it is not needed.'
      : `All jobs call a service that serves ${String(capacity)} of them at full speed; more share it, and with four times as many it does half as much.`
  }`,
  columns,
  measures: [
    { key: 'makespan', label: 'until all are done', format: seconds(1), targets: [makespan] },
    { key: 'paid', label: 'worker time', format: seconds(0), ...(paid === undefined ? {} : { targets: [paid] }) },
    { key: 'peak', label: 'most workers', format: plain(0) },
  ],
  async run(column, seed) {
    const { plant, paidMs } = await runPlant(jobsOf(seed), ruleOf(column, capacity), {
      min: 1,
      max,
      coldMs: 50,
      durationMs: 1_000,
      machine: downstream(capacity),
    });
    return { values: { makespan: Math.max(...plant.doneMs), paid: paidMs, peak: plant.peak } };
  },
});

/** The guard, before services that saturate and one that does not. */
export const guard: readonly Scenario[] = [
  scenarioOf(16, 'A service that saturates at 16', partOf(without, 0.6), partOf(without, 0.25)),
  scenarioOf(8, 'A service that saturates at 8', partOf(without, 0.6), partOf(without, 0.25)),
  scenarioOf(Infinity, 'Nothing that saturates', partOf(without, 1.6)),
];
