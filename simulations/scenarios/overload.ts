import { LoadBalancer } from 'holdfast/balancing';
import { Budget, hedge, type HedgePolicy } from 'holdfast/calls';
import { latency, openLoop } from 'holdfast/testing';
import { atLeast, percent, plain, range, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const count = 10;
const workers = 4;
const workMs = 20;
const rho = 0.8;
const outMs = 2_000;
const backMs = 3_000;
const endMs = 7_000;
const stepMs = 250;
const starts = range(0, endMs, stepMs);

interface Column {
  readonly hedge?: HedgePolicy;
  readonly ratio?: number;
  readonly onAbort: 'drop' | 'finish';
}

const tested = 'hedged, budget 5 %';
const control = 'hedged, no budget';
const columns: Readonly<Record<string, Column>> = {
  'not hedged': { onAbort: 'finish' },
  [control]: { hedge: { after: 80 }, onAbort: 'finish' },
  'hedged, no budget, servers drop': { hedge: { after: 80 }, onAbort: 'drop' },
  [tested]: { hedge: { after: 80 }, ratio: 0.05, onAbort: 'finish' },
};

export const overload: Scenario = {
  name: 'overload',
  title: 'Hedging and an outage at 80 % load',
  source:
    'own; none published. N. Bronson and others, [Metastable Failures in Distributed Systems](https://sigops.org/s/conferences/hotos/2021/papers/hotos21-s11-bronson.pdf), 2021, describe the failure',
  setup: `${String(count)} servers with ${String(workers)} workers, ${String(workMs)} ms (exponential), ${String(100 * rho)} % loaded (Poisson); a call is hedged after 80 ms and has a deadline of 1 s. From 2 s to 3 s all servers stall. What was called off is worked on all the same, but where servers drop it.`,
  columns: Object.keys(columns),
  measures: [
    { key: 'before', label: 'answered before the outage', format: percent(1) },
    {
      key: 'after',
      label: 'answered, of the calls from 2 s after it on',
      format: percent(1),
      targets: [
        atLeast('not hedged', 0.99, '99 %'),
        atLeast(tested, 0.99, '99 %'),
        {
          column: control,
          text: '≤ 10 %: the control must be seen to fail',
          of: 'each seed',
          holds: (value) => value <= 0.1,
        },
      ],
    },
    { key: 'attempts', label: 'attempts a call', format: plain(2) },
  ],
  plot: {
    title: 'Answered within the deadline of 1 s, by the time of the call; the servers stall from 2 s to 3 s',
    x: { label: 'second', ticks: [0, 1, 2, 3, 4, 5, 6, 7], values: starts.map((start) => start / 1_000) },
    y: { label: '% of the calls', ticks: [0, 20, 40, 60, 80, 100] },
  },
  async run(name, seed) {
    const column = columns[name]!;
    const world = new World(seed);
    const servers = world.servers(count, () => ({
      latency: latency.exponential(workMs),
      workers,
      onAbort: column.onAbort,
      phases: [
        { fromMs: outMs, condition: 'stalled' },
        { fromMs: backMs, condition: 'healthy' },
      ],
    }));
    const runtime = world.runtime('client');
    const pool = new LoadBalancer(servers, { runtime });
    const budget = column.ratio === undefined ? false : new Budget({ ratio: column.ratio, runtime });
    const passing = column.onAbort === 'drop';
    const call = hedge(
      (_: undefined, attempt) =>
        pool.run((server, inner) => server.call(undefined, passing ? inner : undefined), attempt),
      { ...(column.hedge ?? { after: 0, extra: 0 }), budget, runtime },
    );
    const load = openLoop(() => call(undefined, { deadline: 1_000 }), {
      perSecond: (1_000 * rho * count * workers) / workMs,
      durationMs: endMs,
      runtime: world.runtime('load'),
    });
    await world.run();
    const attempts = servers.reduce((sum, server) => sum + server.stats().arrived, 0);
    return {
      values: {
        before: load.report({ toMs: outMs - 1_000 }).successShare,
        after: load.report({ fromMs: backMs + 2_000 }).successShare,
        attempts: attempts / load.report().sent,
      },
      series: starts.map((start) => 100 * load.report({ fromMs: start, toMs: start + stepMs }).successShare),
    };
  },
};
