/** The simulated server against the formulas of queueing theory: means within 5 standard errors, estimated from 20 batches. */
import fc from 'fast-check';
import {
  type Latency,
  latency,
  openLoop,
  seededRandom,
  type Served,
  SimulatedServer,
  VirtualClock,
} from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';

const calls = 50_000;
const batches = 20;

interface Observed {
  readonly waits: readonly number[];
  readonly refused: number;
  readonly sent: number;
}

/** Work of 1 ms on average, a Poisson stream of `rho · workers` requests per millisecond. */
async function observe(
  setup: { readonly rho: number; readonly seed: number; readonly work: Latency; readonly workers: number },
  maxQueued = Infinity,
): Promise<Observed> {
  const { rho, seed, work, workers } = setup;
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const server = new SimulatedServer({
    latency: work,
    workers,
    maxQueued,
    runtime: { clock, random: random.stream('server') },
  });
  const waits: number[] = [];
  const perSecond = rho * workers * 1_000;
  const load = openLoop(
    async () => {
      const served: Served = await server.call();
      waits.push(served.waitedMs);
    },
    { perSecond, durationMs: (calls / perSecond) * 1_000, runtime: { clock, random: random.stream('load') } },
  );
  await clock.runUntilIdle({ maxTimers: 10 * calls });
  const { sent, failed } = load.report();
  return { waits, refused: failed, sent };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function expectMean(values: readonly number[], expected: number): void {
  const size = Math.floor(values.length / batches);
  const means = Array.from({ length: batches }, (_, i) => mean(values.slice(i * size, (i + 1) * size)));
  const centre = mean(means);
  const error = Math.sqrt(mean(means.map((value) => (value - centre) ** 2)) / (batches - 1));
  expect(Math.abs(centre - expected)).toBeLessThanOrEqual(5 * error);
  // Else anything would pass.
  expect(error).toBeLessThan(0.15 * expected);
}

const seed = fc.integer();
const rho = fc.double({ min: 0.4, max: 0.8, noNaN: true });

/** Erlang's C: the probability that a request waits, with c workers. */
function erlangC(c: number, rate: number): number {
  let blocking = 1;
  for (let k = 1; k <= c; k++) blocking = (rate * blocking) / (k + rate * blocking);
  return blocking / (1 - (rate / c) * (1 - blocking));
}

test('M/M/c: the mean wait is that of Erlang', async () => {
  await fc.assert(
    fc.asyncProperty(rho, fc.integer({ min: 1, max: 4 }), seed, async (load, workers, chance) => {
      const { waits } = await observe({ rho: load, seed: chance, work: latency.exponential(1), workers });
      expectMean(waits, erlangC(workers, load * workers) / (workers * (1 - load)));
    }),
    { numRuns: runs(0.06) },
  );
});

test('M/G/1: the mean wait is that of Pollaczek and Khinchine, whatever the distribution', async () => {
  const s = 0.5;
  const works = fc.constantFrom(
    { work: latency.constant(1), square: 1 },
    { work: latency.uniform(0, 2), square: 4 / 3 },
    { work: latency.exponential(1), square: 2 },
    { work: latency.normal(1, 0.1), square: 1.01 },
    { work: latency.logNormal(Math.exp(-(s ** 2) / 2), s), square: Math.exp(s ** 2) },
    { work: latency.bimodal(latency.constant(0.5), latency.constant(5.5), 0.1), square: 0.9 * 0.25 + 0.1 * 30.25 },
  );
  await fc.assert(
    fc.asyncProperty(rho, works, seed, async (load, { work, square }, chance) => {
      const { waits } = await observe({ rho: load, seed: chance, work, workers: 1 });
      expectMean(waits, (load * square) / (2 * (1 - load)));
    }),
    { numRuns: runs(0.12) },
  );
});

test('M/M/1/K: the share that is refused is that of the formula', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.5, max: 1.5, noNaN: true }),
      fc.nat(5),
      seed,
      async (load, maxQueued, chance) => {
        const { refused, sent } = await observe(
          { rho: load, seed: chance, work: latency.exponential(1), workers: 1 },
          maxQueued,
        );
        const places = maxQueued + 1;
        const powers = Array.from({ length: places + 1 }, (_, k) => load ** k);
        const share = powers.at(-1)! / powers.reduce((sum, power) => sum + power, 0);
        // Refusals come in clusters, so their variance is some times the binomial one.
        expect(Math.abs(refused / sent - share)).toBeLessThan(5 * Math.sqrt((share / sent) * 2 * places));
      },
    ),
    { numRuns: runs(0.06) },
  );
});
