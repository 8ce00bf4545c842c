/** A bug that everybody has had: a lock with a time to live, held by whoever was told so, for as long as he thinks. */
import fc from 'fast-check';
import {
  createSim,
  drawFaults,
  type Fault,
  faults,
  isSimFailure,
  type Sim,
  type SimFailure,
  simulate,
} from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';

const ttlMs = 3_000;
const names = ['a', 'b', 'c'];
const horizonMs = 60_000;

type HolderOf = 'timer' | 'clock';

/** `'timer'`: a holder hears from a timer that his time is up; a pause holds the timer up too. `'clock'`: he asks, each time. */
const lock = (sim: Sim, holderOf: HolderOf): void => {
  const store = sim.node('store', ({ runtime: { clock } }) => {
    let [holder, untilMs] = ['', -Infinity];
    return {
      take: async (name: string): Promise<boolean> => {
        if (holder !== name && clock.now() < untilMs) return false;
        [holder, untilMs] = [name, clock.now() + ttlMs];
        return true;
      },
    };
  });
  const clients = names.map((name) =>
    sim.node(name, (env) => {
      const { clock, random } = env.runtime;
      const { take } = env.remote(store);
      let [untilMs, told] = [-Infinity, false];
      void (async () => {
        for (;;) {
          const sentMs = clock.now();
          void take(name).then((held) => {
            if (!held || clock.now() >= sentMs + ttlMs) return;
            untilMs = Math.max(untilMs, sentMs + ttlMs);
            told = true;
            const [until] = [untilMs];
            clock.setTimer(until - clock.now(), () => {
              if (untilMs === until) told = false;
            });
          });
          await clock.sleep(1_000 + 200 * random());
        }
      })();
      return { holds: () => (holderOf === 'timer' ? told : clock.now() < untilMs) };
    }),
  );
  sim.sometimes('a second one holds', () => clients[1]!.value?.holds() === true);
  sim.always('one holder at most', () => clients.filter(({ value }) => value?.holds() === true).length <= 1);
  sim.eventually('somebody holds', () => clients.some(({ value }) => value?.holds() === true), 2 * ttlMs);
};

const scenario =
  (holderOf: HolderOf) =>
  async (sim: Sim): Promise<void> => {
    lock(sim, holderOf);
    sim.schedule(drawFaults(sim.random('faults'), { nodes: names, services: ['store'], horizonMs }));
    await sim.run({ untilMs: horizonMs + 3 * ttlMs });
  };

const failureOf = async (run: () => Promise<unknown>): Promise<SimFailure> => {
  const failure: unknown = await run().catch((error: unknown) => error);
  if (!isSimFailure(failure)) throw new Error('the bug was not found');
  return failure;
};

describe('a lock that trusts its timer', () => {
  test('is seen to have two holders within 30 seeds, and the command of the message repeats it to the letter', async () => {
    const replay = (seed: unknown): string => `SIM_SEED=${String(seed)} npx vitest run planted-bug`;
    const failure = await failureOf(() => simulate(scenario('timer'), { runs: 30, replay }));
    expect(failure.kind).toBe('always');
    expect(failure.message).toContain('does not always hold: one holder at most');
    const seed = Number(/SIM_SEED=(\d+)/.exec(failure.message)![1]);
    expect(seed).toBe(failure.seed);
    const again = await failureOf(() => simulate(scenario('timer'), { runs: 1, seed, replay }));
    expect(again.message).toBe(failure.message);
    expect(again.steps).toBe(failure.steps);
  });

  test('is shrunk to the one pause that it takes', async () => {
    const plans: fc.Arbitrary<Fault[]> = faults(fc, { nodes: names, services: ['store'], horizonMs });
    const details = await fc.check(
      fc.asyncProperty(fc.noShrink(fc.nat(1_000)), plans, async (seed, plan) => {
        const sim = createSim({ seed });
        lock(sim, 'timer');
        sim.schedule(plan);
        await sim.run({ untilMs: horizonMs + 3 * ttlMs });
      }),
      { seed: fcSeed, numRuns: 100 },
    );
    expect(details.failed).toBe(true);
    const plan = details.counterexample![1];
    expect(plan).toMatchObject([{ type: 'pause' }]);
    const [pause] = plan as [Extract<Fault, { type: 'pause' }>];
    expect(pause.forMs).toBeLessThan(2 * ttlMs);
    expect((details.errorInstance as Error).message).toContain(JSON.stringify(plan));
  });
});

test('a lock that asks the clock is not seen to have two holders: the search finds bugs, not noise', async () => {
  const report = await simulate(scenario('clock'), { runs: runs(1) });
  expect(report.sometimes['a second one holds']).toBeGreaterThan(0);
  expect(report.virtualMs).toBe(report.runs * (horizonMs + 3 * ttlMs));
});

test('the same lock falls once clocks drift: what the search covers is what it is given', async () => {
  const failure = await failureOf(() => simulate(scenario('clock'), { runs: 60, clocks: { maxDrift: 0.1 } }));
  expect(failure.kind).toBe('always');
});
