import { latency, openLoop, type Condition } from 'holdfast/testing';
import { ours, policies } from '../policies/index.ts';
import { atLeast, atMost, percent, range, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const outMs = 10_000;
const healedMs = 40_000;
const count = 4;
const deadlineMs = 1_000;
const perSecond = 150;
const endS = 70;
const seconds = range(0, endS, 1);

/** How a server may be out. */
const outages: Readonly<Record<string, Condition>> = {
  dead: 'dead',
  silent: 'silent',
  slow: { latency: latency.constant(900) },
  failing: { latency: latency.constant(5), failRate: 1 },
};

interface Course {
  /** The share of its fair share that server 0 has, second by second. */
  readonly share: readonly number[];
  /** The share of calls that were answered in time, second by second. */
  readonly answered: readonly number[];
}

interface Plan {
  readonly condition: Condition;
  /** How many servers are out from 10 s to 40 s. */
  readonly out: number;
  /** All but the first stay out. */
  readonly stay?: boolean;
}

async function course(column: string, seed: number, { condition, out, stay = false }: Plan): Promise<Course> {
  const world = new World(seed);
  const servers = world.servers(count, (index) => ({
    latency: latency.exponential(20),
    workers: 16,
    phases: [
      ...(index < out ? [{ fromMs: outMs, condition }] : []),
      ...(index === 0 || (index < out && !stay) ? [{ fromMs: healedMs, condition: 'healthy' as const }] : []),
    ],
  }));
  const client = policies[column]!(servers, world.runtime('client'));
  const taken: number[] = [];
  const counting = (): void => {
    taken.push(servers[0]!.stats().arrived);
    if (taken.length <= endS) world.clock.setTimer(1_000, counting);
  };
  counting();
  // Only the silent need a deadline: all others answer or fail by themselves.
  const limitMs = condition === 'silent' ? deadlineMs : undefined;
  const load = openLoop(() => client.run((server, limits) => server.call(undefined, limits), limitMs), {
    perSecond,
    durationMs: endS * 1_000,
    runtime: world.runtime('load'),
  });
  await world.run();
  const reports = seconds.map((s) => load.report({ fromMs: s * 1_000, toMs: (s + 1) * 1_000 }));
  return {
    share: reports.map(({ sent }, s) => (taken[s + 1]! - taken[s]!) / (sent / count)),
    answered: reports.map((report) => report.within(deadlineMs)),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** After how many seconds the server has had 80 % of its fair share for five seconds. */
function backAfterS(share: readonly number[]): number {
  const healedS = healedMs / 1_000;
  for (let from = healedS; from + 5 <= share.length; from++) {
    if (mean(share.slice(from, from + 5)) >= 0.8) return from + 5 - healedS;
  }
  return Infinity;
}

export const recovery: Scenario = {
  name: 'recovery',
  title: 'A server heals, alone or with all others',
  source:
    'own; none published. [undici#4839](https://github.com/nodejs/undici/issues/4839) is what happens when nobody tries',
  setup: `${String(count)} servers with 16 workers, 20 ms (exponential); one client, ${String(perSecond)} calls per second (Poisson) for 70 s, 1 s for an answer; out from 10 s to 40 s: dead (refuses at once), silent (never answers), slow (900 ms), failing (in 5 ms). A healed server is back when it has had 80 % of its fair share, a quarter of the calls, for 5 s; what is answered while it is out; and what is answered from 10 s after all that were dead have healed, or only one of them.`,
  columns: Object.keys(policies),
  measures: [
    ...Object.keys(outages).map((outage) => ({
      key: `${outage} back`,
      label: `one ${outage}: back after`,
      format: (value: number) => (value === Infinity ? 'more than 30 s' : `${value.toFixed(0)} s`),
      targets: [atMost(ours, 30, '30 s')],
    })),
    ...Object.keys(outages).map((outage) => ({
      key: `${outage} answered`,
      label: `one ${outage}: answered meanwhile`,
      format: percent(2),
      targets: [atLeast(ours, 0.99, '99 %')],
    })),
    {
      key: 'all',
      label: 'all dead, all heal: answered',
      format: percent(1),
      targets: [atLeast(ours, 0.99, '99 %')],
    },
    {
      key: 'alone',
      label: 'all dead, one heals: answered',
      format: percent(1),
      targets: [atLeast(ours, 0.99, '99 %')],
    },
  ],
  plot: {
    title: 'A dead server heals at 40 s: its share of the calls, over a fair share',
    x: { label: 'second', ticks: [0, 10, 20, 30, 40, 50, 60, 70], values: seconds },
    y: { label: '% of a fair share', ticks: [0, 25, 50, 75, 100, 125] },
  },
  async run(column, seed) {
    const values: Record<string, number> = {};
    let series: readonly number[] = [];
    for (const [name, condition] of Object.entries(outages)) {
      const { share, answered } = await course(column, seed, { condition, out: 1 });
      values[`${name} back`] = backAfterS(share);
      values[`${name} answered`] = mean(answered.slice(10, 40));
      if (name === 'dead') series = share.map((value) => 100 * value);
    }
    values['all'] = mean((await course(column, seed, { condition: 'dead', out: count })).answered.slice(50));
    values['alone'] = mean(
      (await course(column, seed, { condition: 'dead', out: count, stay: true })).answered.slice(50),
    );
    return { values, series };
  },
};
