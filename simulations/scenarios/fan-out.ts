import { LoadBalancer } from 'holdfast/balancing';
import { Budget } from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { latency, openLoop } from 'holdfast/testing';
import { atMost, ms, near, percent, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const leaves = 100;
const slowShare = 0.01;
const roots = 200;
const usual = latency.logNormal(5, 0.3);
const slow = latency.constant(500);
const [plain, hedged] = ['no hedge', 'hedged after 20 ms'];

/** A root waits for its slowest leaf; when hedged, a leaf is slow when both attempts are. */
const plainTheory = 1 - (1 - slowShare) ** leaves;
const hedgedTheory = 1 - (1 - slowShare ** 2) ** leaves;

export const fanOut: Scenario = {
  name: 'fan-out',
  title: 'A fan-out to a hundred leaves, of which 1 % are slow',
  source:
    'J. Dean, L. A. Barroso, [The Tail at Scale](https://research.google/pubs/the-tail-at-scale/), 2013: 63 % of the roots; theory: 1 − 0.99^100, hedged 1 − (1 − 0.01²)^100',
  setup: `\`scatterGather\` over ${String(leaves)} shards of two replicas each, lognormal around 5 ms (σ 0.3); one call in a hundred takes 500 ms, by chance. ${String(roots)} roots. Hedged: another attempt after 20 ms of silence, from a budget of 5 %.`,
  columns: [plain, hedged],
  measures: [
    {
      key: 'slow',
      label: 'roots slower than 100 ms',
      format: percent(2),
      published: { [plain]: percent(1)(plainTheory), [hedged]: percent(2)(hedgedTheory) },
      targets: [
        near(plain, plainTheory, 0.05, `within 5 % of ${percent(1)(plainTheory)}`),
        near(hedged, hedgedTheory, 0.25, `within 25 % of ${percent(2)(hedgedTheory)}`),
      ],
    },
    { key: 'p50', label: 'p50 of the roots', format: ms(1) },
    { key: 'p99', label: 'p99 of the roots', format: ms(1) },
    {
      key: 'extra',
      label: 'calls beyond one a leaf',
      format: percent(2),
      published: { [hedged]: '1 %' },
      targets: [atMost(hedged, 0.05, '5 %, its budget')],
    },
  ],
  async run(column, seed) {
    const world = new World(seed);
    const servers = world.servers(2 * leaves, () => ({ latency: latency.bimodal(usual, slow, slowShare) }));
    const shards = Array.from(
      { length: leaves },
      (_, i) =>
        new LoadBalancer([servers[2 * i]!, servers[2 * i + 1]!], { runtime: world.runtime(`shard ${String(i)}`) }),
    );
    const runtime = world.runtime('root');
    const budget = new Budget({ ratio: 0.05, runtime });
    const hedging = column === hedged ? { hedge: { after: 20 }, budget } : {};
    const load = openLoop(
      () =>
        scatterGather(shards, (shard, attempt) => shard.run((server) => server.call(), attempt), {
          ...hedging,
          runtime,
        }),
      { perSecond: 50, durationMs: (roots / 50) * 1_000, arrivals: 'constant', runtime: world.runtime('load') },
    );
    await world.run();
    const report = load.report();
    const calls = servers.reduce((sum, server) => sum + server.stats().arrived, 0);
    return {
      values: {
        slow: 1 - report.within(100),
        p50: report.percentileMs(0.5),
        p99: report.percentileMs(0.99),
        extra: calls / (roots * leaves) - 1,
      },
    };
  },
};
