import { latency, openLoop } from 'holdfast/testing';
import { policies, twoChoices } from '../policies/index.ts';
import type { MakePolicy } from '../policies/policy.ts';
import { near, plain, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const queues = 200;
const warmUpMs = 40;
const measuredMs = 80;
const loads = [0.7, 0.9, 0.95];

/** The mean time in the system with two choices: Σ λ^(2^i − 2), i ≥ 1. */
const theory = (load: number): number =>
  Array.from({ length: 20 }, (_, i) => load ** (2 ** (i + 1) - 2)).reduce((sum, term) => sum + term, 0);

const tested = 'holdfast, two choices';
const columns: Readonly<Record<string, MakePolicy>> = {
  'p2c least loaded': policies['p2c least loaded']!,
  [tested]: twoChoices,
  holdfast: policies['holdfast']!,
};

export const supermarket: Scenario = {
  name: 'supermarket',
  title: 'The supermarket model',
  source:
    'M. Mitzenmacher, [The Power of Two Choices in Randomized Load Balancing](https://www.eecs.harvard.edu/~michaelm/postscripts/tpds2001.pdf), 2001',
  setup: `${String(queues)} M/M/1 queues with a mean work of 1, one stream of customers (Poisson, λ for each queue). Mean time in the system over ${String(measuredMs)} units of time after ${String(warmUpMs)}. Theory is for infinitely many queues and two choices.`,
  columns: Object.keys(columns),
  measures: loads.map((load) => ({
    key: String(load),
    label: `λ = ${String(load)}`,
    format: plain(3),
    published: { 'p2c least loaded': theory(load).toFixed(3), [tested]: theory(load).toFixed(3) },
    targets: [near(tested, theory(load), 0.05, `within 5 % of ${theory(load).toFixed(3)}`)],
  })),
  async run(column, seed) {
    const values: Record<string, number> = {};
    for (const load of loads) values[String(load)] = await meanTime(column, seed, load);
    return { values };
  },
};

async function meanTime(column: string, seed: number, load: number): Promise<number> {
  const world = new World(seed);
  const servers = world.servers(queues, () => ({ latency: latency.exponential(1), workers: 1 }));
  const client = columns[column]!(servers, world.runtime('client'));
  const customers = openLoop(() => client.run((server) => server.call()), {
    perSecond: 1_000 * load * queues,
    durationMs: warmUpMs + measuredMs,
    runtime: world.runtime('load'),
  });
  await world.run();
  return customers.report({ fromMs: warmUpMs }).meanMs;
}
