import { latency, openLoop } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { atMost, ms, plain, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const usual = latency.logNormal(0.2, 0.28);

/** The 99th percentile with some of four servers 5 ms slower. */
async function p99(column: string, seed: number, slow: number): Promise<number> {
  const world = new World(seed);
  const servers = world.servers(4, (index) => ({
    latency: index < slow ? (random, load) => 5 + usual(random, load) : usual,
  }));
  const client = policies[column]!(servers, world.runtime('client'));
  const load = openLoop(() => client.run((server) => server.call()), {
    perSecond: 4_000,
    durationMs: 6_000,
    runtime: world.runtime('load'),
  });
  await world.run();
  return load.report().percentileMs(0.99);
}

export const twoOfFourSlow: Scenario = {
  name: 'two-of-four-slow',
  title: 'One or two of four servers 5 ms slower',
  source:
    '[brpc#3340](https://github.com/apache/brpc/issues/3340), 2026; there p2c looks at two servers, and with `choices=4` at all',
  setup:
    '4 servers, lognormal around 0.2 ms (σ 0.28: a p99 of 0.38 ms, as measured there), no queue; one client, 4,000 calls per second (Poisson) for 6 s (15 s there); none, one or two servers take 5 ms more.',
  columns: Object.keys(policies),
  measures: [
    {
      key: 'healthy',
      label: 'p99, all healthy',
      format: ms(2),
      published: { 'round robin': '0.41 ms', 'p2c peak EWMA': '0.39 ms' },
    },
    {
      key: 'one',
      label: 'p99, one slow',
      format: ms(2),
      published: { 'round robin': '6.47 ms', 'p2c peak EWMA': '0.34 ms' },
    },
    {
      key: 'two',
      label: 'p99, two slow',
      format: ms(2),
      published: { 'round robin': '7.70 ms', 'p2c peak EWMA': '7.68 ms (0.31 ms with four choices)' },
    },
    {
      key: 'ratio',
      label: 'two slow ÷ all healthy',
      format: plain(3),
      targets: [atMost(ours, 1.05, '1.05')],
    },
  ],
  async run(column, seed) {
    const [healthy, one, two] = [await p99(column, seed, 0), await p99(column, seed, 1), await p99(column, seed, 2)];
    return { values: { healthy, one, two, ratio: two / healthy } };
  },
};
