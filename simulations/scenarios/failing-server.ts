/** The scenarios of palantir/dialogue's SimulationTest, without its retries, and two like them. */
import { type Latency, latency, openLoop, type Phase } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { palantir } from '../policies/palantir.ts';
import type { MakePolicy } from '../policies/policy.ts';
import { atLeast, atMost, type Measure, ms, percent, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

/** As there: twice as long with `capacity` calls in flight, five times above. */
const linear =
  (bestMs: number, capacity: number): Latency =>
  (_, { inFlight }) =>
    inFlight > capacity ? 5 * bestMs : bestMs * (1 + inFlight / capacity);

interface Setup {
  readonly name: string;
  readonly title: string;
  readonly setup: string;
  readonly published?: string;
  readonly usual: Latency;
  /** What happens to the first server. */
  readonly phases: readonly Phase[];
  readonly servers?: number;
  readonly clients?: number;
  readonly perSecond: number;
  readonly forMs: number;
  /** Answers of the 400s, which palantir's score weighs less. */
  readonly clientErrors?: boolean;
  readonly measures: readonly Measure[];
}

const success = (least: number, published?: string): Measure => ({
  key: 'success',
  label: 'answered',
  format: percent(2),
  ...(published === undefined ? {} : { published: { 'palantir score': published } }),
  targets: [atLeast(ours, least, percent(0)(least))],
});
const mean = (digits: number, published?: string): Measure => ({
  key: 'mean',
  label: 'mean latency of those',
  format: ms(digits),
  ...(published === undefined ? {} : { published: { 'palantir score': published } }),
});
const dialogue =
  '`SimulationTest` of [palantir/dialogue](https://github.com/palantir/dialogue/blob/develop/simulation/src/test/resources/report.md), `UNLIMITED_ROUND_ROBIN`, 2024';

function scenarioOf(from: Setup): Scenario {
  const { servers = 2, clients = 10, perSecond, forMs } = from;
  const policyOf = (column: string): MakePolicy =>
    from.clientErrors === true && column === 'palantir score' ? palantir(0.1) : policies[column]!;
  return {
    name: from.name,
    title: from.title,
    source: from.published ?? dialogue,
    setup: `${String(servers)} servers; ${String(clients)} ${clients === 1 ? 'client' : 'clients'}, ${perSecond.toLocaleString('en')} calls per second together (evenly) for ${String(forMs / 1_000)} s. ${from.setup}`,
    columns: Object.keys(policies),
    measures: from.measures,
    async run(column, seed) {
      const world = new World(seed);
      const list = world.servers(servers, (index) => ({ latency: from.usual, phases: index === 0 ? from.phases : [] }));
      const pools = Array.from({ length: clients }, (_, i) =>
        policyOf(column)(list, world.runtime(`client ${String(i)}`)),
      );
      const turn = world.random('turn');
      const load = openLoop(() => pools[Math.floor(turn() * clients)]!.run((server) => server.call()), {
        perSecond,
        durationMs: forMs,
        arrivals: 'constant',
        runtime: world.runtime('load'),
      });
      await world.run();
      const report = load.report();
      return { values: { success: report.successShare, mean: report.meanMs, lost: report.open } };
    },
  };
}

const at = (fromMs: number, latencyOfIt: Latency, failRate: number, untilMs: number): readonly Phase[] => [
  { fromMs, condition: { latency: latencyOfIt, failRate } },
  { fromMs: untilMs, condition: 'healthy' },
];
const instant = latency.constant(0.00001);
const lost: Measure = { key: 'lost', label: 'calls lost in it', format: (value) => value.toFixed(0) };

export const failingServer: readonly Scenario[] = [
  scenarioOf({
    name: 'fast-503s',
    title: 'One server fails at once',
    setup: 'Calls take 120 ms; from 3 s to 60 s one server fails them in 10 ns.',
    usual: latency.constant(120),
    phases: at(3_000, instant, 1, 60_000),
    perSecond: 500,
    forMs: 90_000,
    measures: [success(0.99, '100 % (with retries)'), mean(1)],
  }),
  scenarioOf({
    name: 'fast-400s',
    title: 'One server answers 400 quickly',
    setup:
      'Calls take 120 ms; from 3 s to 30 s one server fails them in 20 ms. palantir weighs an answer of the 400s a hundredth of a failure.',
    usual: latency.constant(120),
    phases: at(3_000, latency.constant(20), 1, 30_000),
    perSecond: 100,
    forMs: 60_000,
    clientErrors: true,
    measures: [success(0.99, '93.6 %'), mean(1)],
  }),
  scenarioOf({
    name: 'slow-503s',
    title: 'One server fails slowly',
    setup:
      'Calls take 60 ms, twice that with 60 in flight, five times above; from 3 s to 10 s one server fails them in 1 s.',
    usual: linear(60, 60),
    phases: at(3_000, linear(1_000, 60), 1, 10_000),
    perSecond: 200,
    forMs: 15_000,
    measures: [success(0.99, '100 % (with retries)'), mean(0, '89 ms')],
  }),
  scenarioOf({
    name: 'short-outage',
    title: 'One server is out for 20 s',
    setup: 'Calls take 2 s; from 30 s to 50 s one server fails them in 10 ns.',
    usual: latency.constant(2_000),
    phases: at(30_000, instant, 1, 50_000),
    clients: 1,
    perSecond: 20,
    forMs: 80_000,
    measures: [success(0.99, '99.6 %')],
  }),
  scenarioOf({
    name: 'black-hole',
    title: 'One server swallows calls',
    setup: 'Calls take 600 ms, no deadline; from 3 s on one server answers nothing.',
    usual: latency.constant(600),
    phases: [{ fromMs: 3_000, condition: 'silent' }],
    perSecond: 200,
    forMs: 10_000,
    measures: [success(0.96, '91.4 %')],
  }),
  scenarioOf({
    name: 'drastic-slowdown',
    title: 'One server becomes very slow',
    setup: 'Calls take 60 ms, twice that with 60 in flight, five times above; from 3 s to 10 s one server takes 10 s.',
    usual: linear(60, 60),
    phases: at(3_000, linear(10_000, 60), 0, 10_000),
    perSecond: 200,
    forMs: 20_000,
    measures: [success(0.99, '100 %'), { ...mean(0, '252 ms'), targets: [atMost(ours, 130, '130 ms')] }],
  }),
  scenarioOf({
    name: 'sinkhole',
    title: 'One of ten servers fails faster than the others serve',
    published: 'own; none published',
    setup: 'Calls take 20 ms (exponential); one server fails them in 1 ms, all the time.',
    usual: latency.exponential(20),
    phases: [{ fromMs: 0, condition: { latency: latency.constant(1), failRate: 1 } }],
    servers: 10,
    clients: 1,
    perSecond: 1_000,
    forMs: 30_000,
    measures: [success(0.99)],
  }),
  scenarioOf({
    name: 'black-hole-of-ten',
    title: 'One of ten servers swallows calls',
    published: 'own; none published',
    setup: 'Calls take 20 ms (exponential), no deadline; from 3 s on one server answers nothing.',
    usual: latency.exponential(20),
    phases: [{ fromMs: 3_000, condition: 'silent' }],
    servers: 10,
    clients: 1,
    perSecond: 1_000,
    forMs: 33_000,
    measures: [success(0.99), lost],
  }),
];
