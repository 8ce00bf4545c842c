/** Pauses by full jitter, and the budget that pays for retries. */
import fc from 'fast-check';
import { Budget } from 'holdfast/calls';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { Retry, WorkQueue } from '../../src/queue/index.ts';
import { runs, seed } from '../support/properties.ts';

/** The longest pause after so many attempts. */
const capOf = (attempt: number, baseMs: number, maxMs: number): number => Math.min(maxMs, baseMs * 2 ** (attempt - 1));

it('a pause is the share of min(cap, base · 2ⁿ) that chance says, and the next attempt starts when it is over', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 5_000, noNaN: true }),
      fc.double({ min: 0, max: 20_000, noNaN: true }),
      fc.integer({ min: 2, max: 12 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 12, maxLength: 12 }),
      async (baseMs, maxMs, attempts, chances) => {
        const clock = new VirtualClock();
        let [draw, retrying] = [0, false];
        const random = (): number => (retrying ? chances[draw++]! : 0.5);
        const startsMs: number[] = [];
        const queue = new WorkQueue<number, number>(
          () => {
            startsMs.push(clock.now());
            retrying = true;
            throw new Error('no');
          },
          { runtime: { clock, random }, workers: 1, budget: false, retry: { attempts, backoff: { baseMs, maxMs } } },
        );
        const pausesMs: number[] = [];
        queue.on('retry', ({ attempt, delayMs }) => {
          expect(attempt).toBe(pausesMs.push(delayMs));
        });
        await queue.add(1);
        await clock.advance(attempts * maxMs + 1);
        expect(pausesMs).toEqual(
          Array.from({ length: attempts - 1 }, (_, i) => chances[i]! * capOf(i + 1, baseMs, maxMs)),
        );
        expect(startsMs).toHaveLength(attempts);
        pausesMs.forEach((ms, i) => {
          expect(startsMs[i + 1]! - startsMs[i]!).toBeCloseTo(ms, 6);
        });
        void queue.close();
        await clock.advance(20_000);
      },
    ),
    { seed, numRuns: runs(3) },
  );
});

it('pauses of many jobs are spread evenly over the whole span, at each attempt', async () => {
  const clock = new VirtualClock();
  const [baseMs, maxMs, jobs, attempts] = [100, 700, 4_000, 6];
  const queue = new WorkQueue<number, number>(
    () => {
      throw new Error('no');
    },
    {
      runtime: { clock, random: seededRandom(seed).stream('jitter') },
      workers: jobs,
      budget: false,
      retry: { attempts, backoff: { baseMs, maxMs } },
    },
  );
  const pausesMs = Array.from({ length: attempts }, (): number[] => []);
  queue.on('retry', ({ attempt, delayMs }) => pausesMs[attempt]!.push(delayMs));
  for (let i = 0; i < jobs; i++) await queue.add(i);
  await clock.advance(attempts * maxMs);
  for (let attempt = 1; attempt < attempts; attempt++) {
    const cap = capOf(attempt, baseMs, maxMs);
    const shares = pausesMs[attempt]!.map((ms) => ms / cap).sort((a, b) => a - b);
    expect(shares).toHaveLength(jobs);
    // Kolmogorov and Smirnov: the largest distance from an even spread; beyond 1.95 / √n once in a thousand times.
    const distance = Math.max(...shares.map((share, i) => Math.max((i + 1) / jobs - share, share - i / jobs)));
    expect(distance, `attempt ${String(attempt)}`).toBeLessThan(1.95 / Math.sqrt(jobs));
  }
  void queue.close();
  await clock.advance(20_000);
});

it('in no window more retries start than the budget has, however jobs, failures and workers fall; and none is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 0.05, 0.2, 0.5, 1),
      fc.constantFrom(0, 0.5, 1, 5),
      fc.constantFrom(1_000, 10_000),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      fc.nat(),
      async (ratio, minPerSecond, windowMs, workers, failing, draw) => {
        const clock = new VirtualClock();
        const random = seededRandom(draw).stream('world');
        const runtime = { clock, random: seededRandom(draw).stream('own') };
        const [originalsMs, extrasMs]: [number[], number[]] = [[], []];
        let ends = 0;
        const queue = new WorkQueue<number, number>(
          async (n, { attempt }) => {
            (attempt === 1 ? originalsMs : extrasMs).push(clock.now());
            await clock.sleep(random() * 20);
            if (attempt > 3 || random() > failing) return n;
            throw random() < 0.3 ? new Retry(random() * 50) : new Error('no');
          },
          {
            runtime,
            workers,
            budget: new Budget({ ratio, minPerSecond, windowMs, runtime }),
            retry: { backoff: { baseMs: 100, maxMs: 1_000 } },
          },
        );
        for (const event of ['done', 'dead'] as const) queue.on(event, () => ends++);
        // One at least every 50 ms.
        for (let i = 0; i < 300; i++) {
          await queue.add(i);
          await clock.advance(random() * (random() < 0.5 ? 5 : 50));
        }
        // It is told of originals by the slice: a little later than they start.
        const lateMs = 200;
        const least = (minPerSecond * windowMs) / 1_000;
        const during = (timesMs: readonly number[], fromMs: number, toMs: number): number =>
          timesMs.filter((ms) => ms > fromMs && ms <= toMs).length;
        for (const [i, atMs] of extrasMs.entries()) {
          const extras = during(extrasMs.slice(0, i + 1), atMs - windowMs, atMs);
          const originals = during(originalsMs, atMs - windowMs - lateMs, atMs);
          expect(extras).toBeLessThanOrEqual(ratio * originals + least + 1e-9);
        }
        const { accepted, dead, done, waiting, delayed, leased } = queue.stats();
        expect([accepted, done + dead + waiting + delayed + leased]).toEqual([300, 300]);
        if (least < 1) return; // then those that are left wait for ever
        await clock.advance(2_000_000);
        expect(ends).toBe(300);
        void queue.close();
        await clock.advance(20_000);
        expect(clock.pending).toBe(0);
      },
    ),
    { seed, numRuns: runs(1) },
  );
});
