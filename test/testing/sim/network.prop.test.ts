import fc from 'fast-check';
import { createSim, type Fault, faults, latency, type LinkOptions, type SimEnv } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';
import { chatter, type Heard } from './chatter.ts';

const names = ['a', 'b', 'c'];
const horizonMs = 2_000;
const of = (types: NonNullable<Parameters<typeof faults>[1]['types']>): fc.Arbitrary<Fault[]> =>
  faults(fc, { nodes: names, horizonMs, types });

/** Whether a partition of the plan is between the two at some moment from `startMs` to `endMs`. */
const isCut = (plan: readonly Fault[], from: string, to: string, startMs: number, endMs: number): boolean =>
  plan.some((fault) => {
    if (fault.type !== 'partition' || fault.atMs > endMs || fault.atMs + fault.forMs < startMs) return false;
    const forth = fault.from.includes(from) && fault.to.includes(to);
    const back = fault.from.includes(to) && fault.to.includes(from);
    return forth || (back && fault.oneWay !== true);
  });

test('no message crosses a partition, one-way ones included, and all others arrive', async () => {
  let [crossed, arrived] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.nat(), of(['partition']), async (seed, plan) => {
      const sim = createSim({ seed });
      const { heard, said } = chatter(sim, names, 37.5, horizonMs);
      sim.schedule(plan);
      await sim.run();
      const key = ({ from, n }: { from: string; n: number }, to: string): string => `${from} ${to} ${String(n)}`;
      const got = new Map(heard.map((one) => [key(one, one.by), one]));
      for (const one of said) {
        const at = got.get(key(one, one.to));
        // On the scale of the plan's instants, a partition and a message may come in any order.
        if (at !== undefined) expect(isCut(plan, one.from, one.to, one.sentMs + 1e-9, at.atMs - 1e-9)).toBe(false);
        else expect(isCut(plan, one.from, one.to, one.sentMs, one.sentMs + 10 + 100)).toBe(true);
        if (at === undefined) crossed++;
        else arrived++;
      }
    }),
    { seed: fcSeed, numRuns: runs(0.5) },
  );
  expect(crossed).toBeGreaterThan(500);
  expect(arrived).toBeGreaterThan(500);
});

test('one way is one way', async () => {
  const sim = createSim({ seed: 1 });
  const { heard } = chatter(sim, ['a', 'b'], 10, 1_000);
  sim.partition('a', 'b', { oneWay: true });
  await sim.run();
  expect(heard.filter(({ by }) => by === 'b')).toEqual([]);
  expect(heard.filter(({ by }) => by === 'a').length).toBe(100);
});

test('whatever happens, each message has become something: the counts add up after every event', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), of(['partition', 'link', 'pause', 'crash']), async (seed, plan) => {
      const sim = createSim({ seed, link: { loss: 0.05, duplicate: 0.05, reorder: 0.05 } });
      const { heard, said } = chatter(sim, names, 37.5, horizonMs);
      sim.schedule(plan);
      sim.always('the counts add up', () => {
        const { sent, duplicated, delivered, lost, cut, unheard, inFlight } = sim.report().network;
        return (
          sent === said.length &&
          delivered === heard.length &&
          inFlight >= 0 &&
          sent + duplicated === delivered + lost + cut + unheard + inFlight
        );
      });
      expect((await sim.run()).network.inFlight).toBe(0);
    }),
    { seed: fcSeed, numRuns: runs(0.5) },
  );
});

const send = async (seed: number, link: LinkOptions, count: number): Promise<{ heard: Heard[]; network: object }> => {
  const heard: Heard[] = [];
  const sim = createSim({ seed, link });
  sim.node('to', (env: SimEnv<number>) => {
    env.onMessage((n, from) => heard.push({ by: 'to', incarnation: 1, from, n, sentMs: n, atMs: sim.nowMs }));
  });
  sim.node('from', (env: SimEnv<number>) => {
    const { clock } = env.runtime;
    for (let i = 0; i < count; i++) clock.setTimer(i, () => env.send('to', i));
  });
  const { network } = await sim.run();
  return { heard, network };
};

test('in order, once each, as long as nothing else is said', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(200), async (seed, maxMs) => {
      const { heard, network } = await send(seed, { delay: latency.uniform(0, maxMs) }, 100);
      expect(heard.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      for (const { sentMs, atMs } of heard) expect(atMs).toBeGreaterThanOrEqual(sentMs);
      expect(network).toMatchObject({ sent: 100, delivered: 100, reordered: 0, duplicated: 0, lost: 0 });
    }),
    { seed: fcSeed, numRuns: runs(0.3) },
  );
});

test('shares of loss, duplication and straying are what they say: N = 20,000 each, within 4 standard errors', async () => {
  const count = 20_000;
  for (const share of [0.02, 0.3, 0.9]) {
    const tolerance = 4 * Math.sqrt(share * (1 - share) * count);
    const delay = latency.constant(5);
    const { network: lossy } = await send(11, { loss: share, delay }, count);
    expect(Math.abs((lossy as { lost: number }).lost - share * count)).toBeLessThan(tolerance);
    const { network: double, heard } = await send(12, { duplicate: share, delay }, count);
    const { duplicated, delivered } = double as { duplicated: number; delivered: number };
    expect(Math.abs(duplicated - share * count)).toBeLessThan(tolerance);
    expect(delivered).toBe(count + duplicated);
    expect(new Set(heard.map(({ n }) => n)).size).toBe(count);
    const { heard: strays } = await send(13, { reorder: share, delay }, count);
    const late = strays.filter(({ atMs, sentMs }) => atMs - sentMs > 7.5).length;
    expect(Math.abs(late - share * count)).toBeLessThan(tolerance);
  }
});

test('a copy is a copy of its own, and not counted as overtaken by itself', async () => {
  const sim = createSim({ seed: 1, link: { duplicate: 1 } });
  const heard: number[] = [];
  sim.node('a', (env: SimEnv<number[]>) => env.onMessage((list) => heard.push(list.push(1))));
  sim.node('b', (env) => env.send('a', []));
  expect((await sim.run()).network).toMatchObject({ sent: 1, duplicated: 1, delivered: 2, reordered: 0 });
  expect(heard).toEqual([1, 1]);
});

test('what strays is overtaken, and counted', async () => {
  const { heard, network } = await send(3, { reorder: 0.2 }, 1_000);
  let highest = -1;
  let overtaken = 0;
  for (const { n } of heard) {
    if (n < highest) overtaken++;
    highest = Math.max(highest, n);
  }
  expect(overtaken).toBeGreaterThan(50);
  expect(network).toMatchObject({ delivered: 1_000, reordered: overtaken });
});

test('a fault more leaves the luck of the others: what is not lost comes at the same time, a higher share strikes more', async () => {
  const link = { reorder: 0.2, duplicate: 0.1 };
  const arrivals = async (loss: number): Promise<Map<number, number[]>> => {
    const { heard } = await send(9, { ...link, delay: latency.uniform(1, 30), reorder: 1, loss }, 500);
    const map = new Map<number, number[]>();
    for (const { n, atMs } of heard) map.set(n, [...(map.get(n) ?? []), atMs]);
    return map;
  };
  const [all, some, few] = [await arrivals(0), await arrivals(0.3), await arrivals(0.6)];
  expect(all.size).toBe(500);
  for (const [n, times] of few) expect(some.get(n)).toEqual(times);
  for (const [n, times] of some) expect(all.get(n)).toEqual(times);
  expect(few.size).toBeLessThan(some.size);
});

test('rules of links: later over earlier, an end takes its own away, heal ends partitions alone', async () => {
  const sim = createSim({ seed: 1, link: { delay: latency.constant(1) } });
  const { heard } = chatter(sim, ['a', 'b'], 10, 100);
  const slow = sim.link('a', 'b', { extraMs: 2, oneWay: true });
  const slower = sim.link(['a'], ['b'], { extraMs: 4 });
  sim.at(35, slow);
  sim.at(55, slower);
  sim.at(75, () => {
    sim.partition('a', ['b']);
    sim.link('a', 'b', { extraMs: 1 });
  });
  sim.at(85, () => {
    sim.heal();
    slower();
  });
  await sim.run();
  const took = (by: string): number[] =>
    heard.filter((one) => one.by === by).map(({ n, sentMs, atMs }) => n * 10 + (atMs - sentMs) / 10);
  expect(took('b')).toEqual([10.5, 20.5, 30.5, 40.5, 50.5, 60.1, 70.1, 90.2, 100.2]);
  expect(took('a')).toEqual([10.5, 20.5, 30.5, 40.5, 50.5, 60.1, 70.1, 90.2, 100.2]);
});
