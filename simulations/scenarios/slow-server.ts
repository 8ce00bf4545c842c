import { latency, openLoop } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { atLeast, percent, range, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const usual = latency.normal(167, 5);
const seconds = range(0, 60, 1);

export const slowServer: Scenario = {
  name: 'slow-server',
  title: 'One of eleven servers becomes slow',
  source:
    '[Beyond Round Robin: Load Balancing for Latency](https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/), Linkerd, 2016',
  setup:
    '11 servers, N(167, 5) ms, no queue; one client, 1,000 calls per second (Poisson) for 60 s; from 15 s to 45 s one server takes 2 s. A call succeeds when it is answered within 1 s.',
  columns: Object.keys(policies),
  measures: [
    {
      key: 'within',
      label: 'answered within 1 s',
      format: percent(2),
      published: { 'round robin': '95 %', 'p2c least loaded': '99 %', 'p2c peak EWMA': '99.9 %' },
      targets: [atLeast(ours, 0.999, '99.9 %')],
    },
  ],
  plot: {
    title: 'Answered within 1 s, by the second of the call',
    x: { label: 'second', ticks: [0, 15, 30, 45, 60], values: seconds },
    y: { label: '% of the calls', ticks: [88, 90, 92, 94, 96, 98, 100] },
  },
  async run(column, seed) {
    const world = new World(seed);
    const servers = world.servers(11, (index) => ({
      latency: usual,
      phases:
        index > 0
          ? []
          : [
              { fromMs: 15_000, condition: { latency: latency.constant(2_000) } },
              { fromMs: 45_000, condition: 'healthy' },
            ],
    }));
    const client = policies[column]!(servers, world.runtime('client'));
    const load = openLoop(() => client.run((server) => server.call()), {
      perSecond: 1_000,
      durationMs: 60_000,
      runtime: world.runtime('load'),
    });
    await world.run();
    return {
      values: { within: load.report().within(1_000) },
      series: seconds.map((s) => 100 * load.report({ fromMs: s * 1_000, toMs: (s + 1) * 1_000 }).within(1_000)),
    };
  },
};
