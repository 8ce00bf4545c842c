import { isInvalidOption } from 'holdfast/core';
import { isSimFailure, type Sim, type SimFailure, simulate } from 'holdfast/testing';
import { expect, test } from 'vitest';

const failureOf = async (run: Promise<unknown>): Promise<SimFailure> => {
  const failure: unknown = await run.catch((error: unknown) => error);
  if (!isSimFailure(failure)) throw new Error('no failure of the simulation', { cause: failure });
  return failure;
};

const ping = async (sim: Sim): Promise<void> => {
  const heard = sim.sometimes('heard');
  sim.sometimes('lost', () => sim.report().network.lost > 0);
  sim.node('a', (env) => env.onMessage(heard));
  sim.node('b', (env) => env.send('a', 1));
  await sim.run();
};

test('runs each seed once, some twice, and adds up', async () => {
  const seeds: unknown[] = [];
  const report = await simulate(
    async (sim) => {
      seeds.push(sim.seed);
      await ping(sim);
    },
    { runs: 40, seed: 7, twice: 0.1, link: { loss: 0.5 } },
  );
  expect(report).toMatchObject({ runs: 40, twice: 4 });
  expect(seeds.length).toBe(44);
  expect(new Set(seeds)).toEqual(new Set(Array.from({ length: 40 }, (_, i) => 7 + i)));
  const { heard, lost } = report.sometimes as { heard: number; lost: number };
  expect(heard + lost).toBe(40);
  expect(report.steps).toBe(80 + heard);
});

test('all twice, none twice', async () => {
  expect((await simulate(ping, { runs: 5, twice: 1, link: { loss: 0.5 } })).twice).toBe(5);
  expect((await simulate(ping, { runs: 5, twice: 0, link: { loss: 0.5 } })).twice).toBe(0);
});

test('a place that no seed reaches fails the campaign, but not the replay of one seed', async () => {
  const failure = await failureOf(simulate(ping, { runs: 5 }));
  expect(failure.kind).toBe('sometimes');
  expect(failure.message).toContain('not reached by any of 5 seeds: lost');
  expect((await simulate(ping, { runs: 1 })).sometimes).toEqual({ heard: 1, lost: 0 });
});

test('a run that is not the same again fails, with the line where they part', async () => {
  let outside = 0;
  const failure = await failureOf(
    simulate(async (sim) => {
      sim.node('a', (env) => {
        env.log('the same');
        env.log('counted', outside++);
      });
      await sim.run();
    }),
  );
  expect(failure.kind).toBe('nondeterminism');
  expect(failure.trace.slice(-3)).toEqual([
    '       0.000 a: the same',
    '-        0.000 a: counted 2',
    '+        0.000 a: counted 3',
  ]);
});

test('the failure of a seed is the failure of the campaign', async () => {
  const failure = await failureOf(
    simulate(async (sim) => {
      sim.node('a', () => undefined);
      sim.always('not seed 3', () => sim.seed !== 3);
      await sim.run();
    }),
  );
  expect([failure.kind, failure.seed]).toEqual(['always', 3]);
});

test('what makes no sense is refused', async () => {
  await expect(simulate(() => undefined)).rejects.toSatisfy(isInvalidOption);
  await expect(simulate(ping, { runs: 0 })).rejects.toSatisfy(isInvalidOption);
  await expect(simulate(ping, { sead: 1 } as never)).rejects.toSatisfy(isInvalidOption);
  await expect(simulate('x' as never)).rejects.toSatisfy(isInvalidOption);
});
