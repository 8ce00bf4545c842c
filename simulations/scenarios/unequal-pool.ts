import { closedLoop, latency } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { atMost, ms, type Scenario, seconds } from '../scenario.ts';
import { World } from '../world.ts';

const longestMs = [1, 10, 10, 10, 10, 100, 100, 100, 100, 1_000];

export const unequalPool: Scenario = {
  name: 'unequal-pool',
  title: 'Ten servers from 1 ms to 1 s',
  source: '[tower#76](https://github.com/tower-rs/tower/pull/76), 2018',
  setup:
    'A closed loop of 50 callers makes 50,000 calls. Ten servers, each uniform from 0 to 1, 10 (four of them), 100 (four) and 1,000 ms, no queue.',
  columns: Object.keys(policies),
  measures: [
    {
      key: 'wall',
      label: 'until all were answered',
      format: seconds(1),
      published: { 'round robin': '72 s', 'p2c least loaded': '18 s', 'p2c peak EWMA': '15 s' },
      targets: [atMost(ours, 2_000, '2 s')],
    },
    {
      key: 'p50',
      label: 'p50',
      format: ms(1),
      published: { 'round robin': '9 ms', 'p2c least loaded': '5 ms', 'p2c peak EWMA': '5 ms' },
    },
    {
      key: 'p99',
      label: 'p99',
      format: ms(1),
      published: { 'round robin': '906 ms', 'p2c least loaded': '98 ms', 'p2c peak EWMA': '96 ms' },
    },
    {
      key: 'p999',
      label: 'p99.9',
      format: ms(1),
      published: { 'round robin': '988 ms', 'p2c least loaded': '857 ms', 'p2c peak EWMA': '105 ms' },
    },
  ],
  async run(column, seed) {
    const world = new World(seed);
    const servers = world.servers(longestMs.length, (index) => ({ latency: latency.uniform(0, longestMs[index]!) }));
    const client = policies[column]!(servers, world.runtime('client'));
    const load = closedLoop(() => client.run((server) => server.call()), {
      clients: 50,
      calls: 50_000,
      runtime: world.runtime('load'),
    });
    await world.run();
    const report = load.report();
    return {
      values: {
        wall: report.wallMs,
        p50: report.percentileMs(0.5),
        p99: report.percentileMs(0.99),
        p999: report.percentileMs(0.999),
      },
    };
  },
};
