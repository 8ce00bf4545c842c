import fc from 'fast-check';
import { createSim, drawFaults, type Fault, faults, type SimReport } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';
import { chatter } from './chatter.ts';

const names = ['a', 'b', 'c'];
const horizonMs = 2_000;
const plans: fc.Arbitrary<Fault[]> = faults(fc, { nodes: names, horizonMs });

const play = async (
  seed: number | string,
  plan?: readonly Fault[],
): Promise<{ report: SimReport; trace: string[] }> => {
  const trace: string[] = [];
  const link = { loss: 0.1, duplicate: 0.1, reorder: 0.2 };
  const clocks = { maxDrift: 0.01, maxOffsetMs: 1e6 };
  const sim = createSim({ seed, link, clocks, onTrace: (line) => trace.push(line) });
  chatter(sim, names, 50, horizonMs);
  sim.schedule(plan ?? drawFaults(sim.random('faults'), { nodes: names, horizonMs }));
  return { report: await sim.run(), trace };
};

test('the same seed and plan give the same run, to the last line and the last bit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), plans, async (seed, plan) => {
      const [one, other] = [await play(seed, plan), await play(seed, plan)];
      expect(other).toEqual(one);
      expect(one.report.steps).toBeGreaterThan(100);
    }),
    { seed: fcSeed, numRuns: runs(0.3) },
  );
});

test('a plan that was written down and read again gives the same run', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const read = JSON.parse(JSON.stringify(plan)) as Fault[];
      expect((await play(1, read)).report).toEqual((await play(1, plan)).report);
    }),
    { seed: fcSeed, numRuns: runs(0.2) },
  );
});

test('fifty seeds give fifty runs', async () => {
  const hashes = new Set<string>();
  for (let seed = 0; seed < 50; seed++) hashes.add((await play(seed)).report.traceHash);
  expect(hashes.size).toBe(50);
});

test('in every process and on every platform: golden hashes', async () => {
  const hashes: string[] = [];
  for (const seed of [1, 2, '2', 'three']) hashes.push((await play(seed)).report.traceHash);
  expect(hashes).toEqual(['1d4104d8d45e21ea', 'd1b8355736855f3c', '8d0e7edd5103e3a8', '4890251e77117750']);
});

test('the hash sees what is in a message, and nothing but what happened', async () => {
  const say = async (message: unknown, lines: number): Promise<string> => {
    const sim = createSim({ seed: 1, traceLines: lines });
    sim.node('a', () => undefined);
    sim.node('b', (env) => env.send('a', message));
    return (await sim.run()).traceHash;
  };
  const base = await say({ x: [1, 'a', new Map([[1, 2n]])] }, 30);
  expect(await say({ x: [1, 'a', new Map([[1, 2n]])] }, 0)).toBe(base);
  for (const other of [
    { x: [1, 'b'] },
    { x: [2, 'a', new Map([[1, 2n]])] },
    { x: [1, 'a', new Map([[1, 3n]])] },
    'x',
    1n,
  ])
    expect(await say(other, 30)).not.toBe(base);
  const loop: { self?: unknown } = {};
  loop.self = loop;
  expect(await say(loop, 30)).not.toBe(base);
});

test('who is first at one instant is chance, but not within one origin, and it does not depend on who else is there', async () => {
  const order = async (seed: number, all: readonly string[]): Promise<string> => {
    const fired: string[] = [];
    const sim = createSim({ seed });
    for (const name of all) {
      sim.node(name, ({ runtime: { clock } }) => {
        for (const n of [1, 2]) clock.setTimer(10, () => fired.push(`${name}${String(n)}`));
      });
    }
    await sim.run();
    return fired.join(' ');
  };
  const orders = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const whole = await order(seed, ['a', 'b', 'c']);
    orders.add(whole);
    expect(whole.replace(/ ?b\d/g, '').trim()).toBe(await order(seed, ['a', 'c']));
    for (const name of names) expect(whole.indexOf(`${name}1`)).toBeLessThan(whole.indexOf(`${name}2`));
  }
  expect(orders.size).toBe(6);
});

test('a further draw of a node, or a further stream, shifts nobody else', async () => {
  const play2 = async (draws: number): Promise<readonly number[]> => {
    const arrivals: number[] = [];
    const sim = createSim({ seed: 5 });
    sim.random('mine')();
    sim.node('a', (env) => env.onMessage(() => arrivals.push(sim.nowMs)));
    sim.node('b', (env) => {
      for (let i = 0; i < draws; i++) env.runtime.random();
      for (let i = 0; i < 20; i++) env.send('a', i);
    });
    if (draws > 0) sim.node('c', (env) => env.send('a', 'more'));
    await sim.run();
    return arrivals;
  };
  const [few, more] = [await play2(0), await play2(7)];
  expect(few.length).toBe(20);
  expect(more.filter((atMs) => few.includes(atMs))).toEqual(few);
});
