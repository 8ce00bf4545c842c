/** The models of pools that follow their work, each for what it is known for. */
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { downstream } from '../../simulations/queue/downstream.ts';
import { elastic } from '../../simulations/queue/elastic.ts';
import { guard } from '../../simulations/queue/guard.ts';
import type { Plant } from '../../simulations/queue/plant.ts';
import { rules } from '../../simulations/queue/rules.ts';
import { runPlant } from '../../simulations/queue/run-plant.ts';
import { type Jobs, traces } from '../../simulations/queue/traces.ts';

const jobsAt = (...jobs: readonly (readonly [atMs: number, serviceMs: number])[]): Jobs => ({
  atMs: Float64Array.from(jobs, ([atMs]) => atMs),
  serviceMs: Float64Array.from(jobs, ([, serviceMs]) => serviceMs),
});
const pool = { min: 1, max: 8, coldMs: 50 };

/** Second by second, how many workers there are. */
async function workers(column: string, jobs: Jobs, seconds: number): Promise<{ plant: Plant; counts: number[] }> {
  const counts: number[] = [];
  const sample = { everyMs: 1_000, look: ({ total }: Plant): unknown => counts.push(total) };
  const { plant } = await runPlant(jobs, rules[column]!, { ...pool, durationMs: seconds * 1_000, sample });
  return { plant, counts };
}
const atOnce = (count: number, serviceMs: number): Jobs =>
  jobsAt(...Array.from({ length: count }, () => [500, serviceMs] as const));

describe('the plant', () => {
  test('serves first come, first served, and pays for workers from their start', async () => {
    const { plant, paidMs, endMs } = await runPlant(
      jobsAt([0, 100], [10, 100], [20, 100]),
      rules['spawn, idle 30 s']!,
      {
        ...pool,
        durationMs: 1_000,
      },
    );
    expect([...plant.waitMs]).toEqual([0, 50, 50]);
    expect([...plant.doneMs]).toEqual([100, 160, 170]);
    expect([endMs, paidMs, plant.spawns]).toEqual([1_000, 1_000 + 990 + 980, 2]);
  });

  test('lets the longest idle go first, and busy ones when they are done', async () => {
    const grow = (plant: Plant): object => {
      plant.resize(3);
      plant.clock.setTimer(200, () => {
        plant.resize(1);
      });
      return {};
    };
    const { plant } = await runPlant(jobsAt([100, 1_000], [100, 150]), grow, { ...pool, durationMs: 2_000 });
    expect([plant.total, plant.spawns, plant.flips, plant.peak]).toEqual([1, 2, 1, 3]);
    expect(plant.paidMs).toBe(2_000 + 200 + 250);
  });
});

describe('the rules', () => {
  test('fixed max has all from the start', async () => {
    expect((await workers('fixed max', atOnce(1, 10), 3)).counts).toEqual([8, 8, 8, 8]);
  });

  test('a worker for each that finds none idle, and away at once or after 30 s', async () => {
    expect((await workers('spawn, idle 0', atOnce(5, 700), 3)).counts).toEqual([1, 5, 1, 1]);
    const { counts } = await workers('spawn, idle 30 s', atOnce(5, 700), 35);
    expect([counts[1], counts[31], counts[32]]).toEqual([5, 5, 1]);
  });

  test('Celery grows at once, and shrinks 30 s after that; never when it never grew', async () => {
    const { counts } = await workers('Celery', atOnce(5, 700), 35);
    expect([counts[1], counts[30], counts[31]]).toEqual([5, 5, 1]);
  });

  test('KEDA looks each 30 s, wants a worker for five jobs, and keeps the most of five minutes', async () => {
    const jobs = atOnce(25, 4_000);
    const { counts } = await workers('KEDA', jobs, 400);
    expect(counts.slice(0, 30)).toEqual(new Array(30).fill(1));
    expect(counts[31]).toBe(4); // 18 in hand: ⌈18 / 5⌉
    expect(counts[330]).toBe(4);
    expect(counts[391]).toBe(1);
  });

  test('Crawlee adds a twentieth each 10 s while nine in ten are busy, and takes none away', async () => {
    const { counts } = await workers('Crawlee', atOnce(20, 4_000), 60);
    expect([9, 11, 21, 31, 60].map((s) => counts[s])).toEqual([1, 2, 3, 4, 4]);
  });

  test('all do all the work', async () => {
    const [trace] = traces;
    const jobs = trace!.jobs(1);
    const few = { atMs: jobs.atMs.slice(0, 500), serviceMs: jobs.serviceMs.slice(0, 500) };
    for (const column of Object.keys(rules)) expect((await workers(column, few, 30)).plant.done).toBe(500);
  });
});

describe('the downstream', () => {
  const finish = async (capacity: number, jobs: readonly number[]): Promise<number[]> => {
    const clock = new VirtualClock();
    const machine = downstream(capacity)(clock);
    const done: number[] = [];
    jobs.forEach((serviceMs, i) => {
      machine(serviceMs, () => (done[i] = clock.now()));
    });
    await clock.runUntilIdle();
    return done.map((ms) => Math.round(ms));
  };

  test('serves as many as it can at full speed', async () => {
    expect(await finish(4, [100, 300, 200])).toEqual([100, 300, 200]);
    expect(await finish(Infinity, new Array<number>(99).fill(100))).toEqual(new Array(99).fill(100));
  });

  test('shares its speed among more, and thrashes', async () => {
    expect(await finish(1, [100, 100])).toEqual([267, 267]); // two share it: half the speed, by 1 + 1/3
    expect(await finish(4, new Array<number>(16).fill(100))).toEqual(new Array(16).fill(800)); // half of a quarter
  });
});

test('the traces are as they say', () => {
  for (const { name, durationMs, peakLoad, burstMs, jobs } of traces) {
    const { atMs, serviceMs } = jobs(1);
    expect(atMs.slice(0, 100)).toEqual(jobs(1).atMs.slice(0, 100));
    expect(atMs.slice(0, 100)).not.toEqual(jobs(2).atMs.slice(0, 100));
    expect(atMs.every((ms, i) => i === 0 || ms >= atMs[i - 1]!)).toBe(true);
    const load = serviceMs.reduce((sum, ms) => sum + ms, 0) / durationMs;
    if (name === 'on-off') expect(load / (peakLoad! / 2)).toBeCloseTo(1, 1);
    else if (name === 'diurnal') expect(load).toBeCloseTo(7, 0);
    else if (name === 'heavy-tail') expect(Math.abs(load / peakLoad! - 1)).toBeLessThan(0.3);
    else if (burstMs === undefined) expect(load / peakLoad!).toBeCloseTo(1, 1);
    else expect(atMs.filter((ms) => ms === burstMs).length).toBe(2_000);
  }
});

test('a run is a function of its seed, and gives each figure', async () => {
  for (const scenario of [elastic[2]!, guard[0]!]) {
    const ours = scenario.columns.at(-1)!;
    const observed = await scenario.run(ours, 3);
    expect(await scenario.run(ours, 3)).toEqual(observed);
    expect(await scenario.run(ours, 4)).not.toEqual(observed);
    for (const { key } of scenario.measures) expect(observed.values[key]).toBeTypeOf('number');
  }
  for (const { plot, columns } of elastic) {
    if (plot?.columns !== undefined) expect(columns).toEqual(expect.arrayContaining([...plot.columns]));
  }
});

test('the targets of the law hold with a seed that the report has not seen', async () => {
  for (const scenario of elastic) {
    const seen = await Promise.all(scenario.columns.map(async (column) => (await scenario.run(column, 1_001)).values));
    for (const { key, targets = [] } of scenario.measures) {
      const values = seen.map((one) => one[key]!);
      for (const { holds, text } of targets)
        expect(holds(values.at(-1)!, values.slice(0, -1)), `${scenario.name} ${key} ${text}`).toBe(true);
    }
  }
});
