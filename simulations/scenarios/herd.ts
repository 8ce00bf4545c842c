import { latency, openLoop } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { ms, noMoreThanAny, plain, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const clients = 50;
const workers = 4;
const meansMs = [10, 10, 10, 10, 10, 20, 20, 20, 50, 50];
const capacity = meansMs.reduce((sum, mean) => sum + (workers * 1_000) / mean, 0);
const load = 0.9;

export const herd: Scenario = {
  name: 'herd',
  title: 'Fifty clients, ten unequal replicas',
  source: 'own; none published',
  setup: `Ten replicas with ${String(workers)} workers each: five take 10 ms, three 20 ms, two 50 ms (exponential). ${String(clients)} clients that know nothing of each other, ${(capacity * load).toFixed(0)} calls per second together (Poisson), ${String(100 * load)} % of what the replicas can do, for 20 s. The longest queue is that of all replicas at all times, looked at every 10 ms: clients that follow each other make it long.`,
  columns: Object.keys(policies),
  measures: [
    { key: 'mean', label: 'mean', format: ms(1), targets: [noMoreThanAny(ours)] },
    { key: 'p99', label: 'p99', format: ms(0), targets: [noMoreThanAny(ours)] },
    { key: 'longest', label: 'longest queue, of calls', format: plain(0), targets: [noMoreThanAny(ours)] },
    { key: 'slowest', label: 'share of the two slowest', format: (value) => `${(100 * value).toFixed(1)} %` },
  ],
  async run(column, seed) {
    const world = new World(seed);
    const servers = world.servers(meansMs.length, (index) => ({
      latency: latency.exponential(meansMs[index]!),
      workers,
    }));
    const pools = Array.from({ length: clients }, (_, i) =>
      policies[column]!(servers, world.runtime(`client ${String(i)}`)),
    );
    const turn = world.random('turn');
    const calls = openLoop(() => pools[Math.floor(turn() * clients)]!.run((server) => server.call()), {
      perSecond: capacity * load,
      durationMs: 20_000,
      runtime: world.runtime('load'),
    });
    let longest = 0;
    const look = (): void => {
      for (const server of servers) longest = Math.max(longest, server.stats().queued);
      if (world.clock.now() < 20_000) world.clock.setTimer(10, look);
    };
    look();
    await world.run();
    const report = calls.report({ fromMs: 2_000 });
    const slowest = servers[8]!.stats().arrived + servers[9]!.stats().arrived;
    return {
      values: { mean: report.meanMs, p99: report.percentileMs(0.99), longest, slowest: slowest / calls.report().sent },
    };
  },
};
