import fc from 'fast-check';
import { Budget, type Call, hedge, retry, stack } from 'holdfast/calls';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { HandClock } from '../support/hand-clock.ts';
import { runs } from '../support/properties.ts';
import { bad, finish, steady } from '../support/serving.ts';

const windowMs = 160;
const sliceMs = windowMs / 16;

interface Happening {
  readonly afterMs: number;
  readonly kind: 'original' | 'extra';
}

/** Bursts and pauses: most happenings share an instant with others, some come windows later. */
const happenings: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.record({
    afterMs: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.double({ min: 0, max: 30, noNaN: true }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(sliceMs, windowMs, windowMs - sliceMs, windowMs + sliceMs, 10 * windowMs),
      },
    ),
    kind: fc.constantFrom('original', 'original', 'original', 'extra', 'extra'),
  }),
  { maxLength: 200, size: 'max' },
);
const hundredths = fc.integer({ min: 1, max: 99 });
const leasts = fc.constantFrom(0, 1, 5, 25);

const within = (times: readonly number[], fromMs: number, toMs: number): number =>
  times.filter((ms) => ms > fromMs && ms <= toMs).length;

it('grants in any window at most its share of the originals and the least, and refuses only what could be too much', () => {
  let granted = 0;
  let refused = 0;
  fc.assert(
    fc.property(happenings, hundredths, leasts, (script, percent, minPerSecond) => {
      const clock = new HandClock(0);
      const budget = new Budget({
        ratio: percent / 100,
        minPerSecond,
        windowMs,
        runtime: { clock, random: () => 0 },
      });
      const least = (minPerSecond * windowMs) / 1_000;
      const originals: number[] = [];
      const extras: number[] = [];
      /** In whole hundredths, so that no rounding of ours hides one of theirs. */
      const allowed = (count: number): number => percent * count + Math.round(100 * least);
      for (const { afterMs, kind } of script) {
        const nowMs = (clock.nowMs += afterMs);
        if (kind === 'original') {
          originals.push(nowMs);
          budget.deposit();
          continue;
        }
        const { balance } = budget;
        if (budget.tryWithdraw()) {
          extras.push(nowMs);
          granted++;
          expect(balance).toBeGreaterThanOrEqual(1);
          expect(100 * within(extras, nowMs - windowMs, nowMs)).toBeLessThanOrEqual(
            allowed(within(originals, nowMs - windowMs, nowMs)),
          );
        } else {
          refused++;
          expect(balance).toBe(0);
          // What it may have forgotten or kept too long is one slice.
          const kept = within(extras, nowMs - windowMs - sliceMs - 1e-9, nowMs);
          const sure = within(originals, nowMs - windowMs + sliceMs + 1e-9, nowMs);
          expect(100 * (kept + 1)).toBeGreaterThan(allowed(sure));
        }
      }
    }),
    { numRuns: runs(10) },
  );
  expect(granted).toBeGreaterThan(1_000);
  expect(refused).toBeGreaterThan(1_000);
});

it('grants exactly the share as it is written: 29 of 100 for 0.29', () => {
  fc.assert(
    fc.property(hundredths, fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 9 }), (percent, n, least) => {
      const budget = new Budget({ ratio: percent / 100, minPerSecond: least, windowMs: 1_000 });
      for (let i = 0; i < n; i++) budget.deposit();
      const exact = Math.floor((percent * n) / 100) + least;
      expect(budget.balance).toBe(exact);
      let extras = 0;
      while (budget.tryWithdraw()) extras++;
      expect(extras).toBe(exact);
      expect(budget.stats()).toEqual({ originals: n, extras, refused: 1, balance: 0 });
    }),
    { numRuns: runs(3) },
  );
});

it('grants the share and the least as they are written, whatever their decimals', () => {
  /** `digits / 10^places`, as a number and exactly. */
  const decimals = (mostDigits: number, mostPlaces: number) =>
    fc
      .record({ digits: fc.integer({ min: 0, max: mostDigits }), places: fc.integer({ min: 0, max: mostPlaces }) })
      .map(({ digits, places }) => ({ value: Number(`${digits}e-${places}`), digits: BigInt(digits), places }));
  const ratios = decimals(1_000, 3).filter(({ value }) => value <= 1);
  // Mostly such that the least is a whole number, or the sum is: there the rounding shows.
  const windows = fc.oneof(fc.constantFrom(1_000, 10_000, 100_000, 33.3), fc.integer({ min: 1, max: 500_000 }));
  const leasts = fc.oneof(decimals(99, 2), decimals(999, 4));
  fc.assert(
    fc.property(ratios, leasts, windows, fc.integer({ min: 0, max: 400 }), (ratio, least, windowMs, n) => {
      const runtime = { clock: new HandClock(0), random: () => 0 };
      const budget = new Budget({ ratio: ratio.value, minPerSecond: least.value, windowMs, runtime });
      for (let i = 0; i < n; i++) budget.deposit();
      // In units of 10^-(3 + 4 + 3 + 1): thousandths of a ratio, ten-thousandths of a least, milliseconds to a tenth.
      const unit = 10n ** 11n;
      const share = ratio.digits * BigInt(n) * 10n ** BigInt(11 - ratio.places);
      const lowest = least.digits * BigInt(Math.round(windowMs * 10)) * 10n ** BigInt(11 - least.places - 4);
      expect(budget.balance).toBe(Number((share + lowest) / unit));
    }),
    { numRuns: runs(20) },
  );
  // A hundredth a second for 100 seconds is one: all hundredths, of which some come to a little less.
  for (let least = 0; least < 1_000; least++)
    expect(new Budget({ ratio: 0, minPerSecond: least / 100, windowMs: 100_000 }).balance).toBe(least);
});

it('grants what its balance says, also where that is a whole number only when rounded', () => {
  const budget = new Budget({ ratio: 1 - 2 ** -50, minPerSecond: 0 });
  budget.deposit();
  expect(budget.balance).toBe(1);
  expect([budget.tryWithdraw(), budget.tryWithdraw()]).toEqual([true, false]);
});

it('begins its steps when it is made, whatever the clock says then', () => {
  for (const startMs of [0, 3, 12_345, -1_000_000]) {
    const clock = new HandClock(startMs);
    const budget = new Budget({ ratio: 1, minPerSecond: 0, windowMs, runtime: { clock, random: () => 0 } });
    clock.nowMs = startMs + sliceMs - 1;
    budget.deposit();
    expect(budget.tryWithdraw()).toBe(true);
    const countsAt = (ms: number): readonly number[] => {
      clock.nowMs = startMs + ms;
      const { originals, extras } = budget.stats();
      return [originals, extras];
    };
    expect([windowMs - 1, windowMs, windowMs + sliceMs - 1, windowMs + sliceMs].map(countsAt)).toEqual([
      [1, 1],
      [0, 1],
      [0, 1],
      [0, 0],
    ]);
  }
});

it('survives a clock that stands still, goes back, jumps or says nonsense: at worst the least remains', () => {
  const readings = fc.array(
    fc.oneof(fc.double({ min: -1e6, max: 1e6 }), fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e15)),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(readings, (instants) => {
      const clock = new HandClock(0);
      const budget = new Budget({ ratio: 0.5, minPerSecond: 10, windowMs: 1_000, runtime: { clock, random: () => 0 } });
      for (const instant of instants) {
        clock.nowMs = instant;
        budget.deposit();
        budget.tryWithdraw();
        const { originals, extras, balance } = budget.stats();
        expect(extras).toBeLessThanOrEqual(0.5 * (originals + 17 * instants.length) + 10);
        for (const count of [originals, extras, balance]) expect(count).toBeGreaterThanOrEqual(0);
        expect(originals).toBeLessThanOrEqual(instants.length);
      }
      clock.nowMs = 4e15;
      expect(budget.stats()).toMatchObject({ originals: 0, extras: 0, balance: 10 });
    }),
    { numRuns: runs(3) },
  );
});

it('one budget holds for layers and calls together: whoever asks, an original counts once', async () => {
  const plans = fc.record({
    percent: hundredths,
    layers: fc.shuffledSubarray(['hedge', 'retry', 'hedge again'] as const, { minLength: 1 }),
    calls: fc.integer({ min: 1, max: 60 }),
    seed: fc.integer(),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ percent, layers, calls, seed }) => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const runtime = { clock, random };
      const budget = new Budget({ ratio: percent / 100, minPerSecond: 0, windowMs: 1e6, runtime });
      let sent = 0;
      const server: Call<number, void> = async () => {
        sent++;
        await clock.sleep(random() * 20);
        if (random() < 0.8) throw new Error('overloaded');
      };
      const around = {
        hedge: (next: Call<number, void>) => hedge(next, { after: 5, extra: 3, budget, runtime }),
        retry: (next: Call<number, void>) => retry(next, { attempts: 4, backoff: { baseMs: 5 }, budget, runtime }),
        'hedge again': (next: Call<number, void>) => hedge(next, { after: 2, extra: 2, budget, runtime }),
      };
      let call = server;
      for (const layer of layers) call = stack(call, around[layer]);
      const all = Promise.allSettled(Array.from({ length: calls }, (_, i) => call(i)));
      await clock.runUntilIdle();
      await all;
      expect(sent - calls).toBeLessThanOrEqual(Math.floor((percent * calls) / 100));
      expect(budget.stats()).toMatchObject({ originals: calls, extras: sent - calls });
    }),
    { numRuns: runs(1) },
  );
});

it('each of several budgets counts a call once, however many layers with others lie between', async () => {
  const clock = new VirtualClock();
  const runtime = steady(clock);
  const [one, other] = [new Budget({ runtime }), new Budget({ runtime })];
  const answering: Call<number, string> = () => Promise.resolve('done');
  const under =
    (budget: Budget | false) =>
    (next: Call<number, string>): Call<number, string> =>
      retry(next, { budget, runtime });
  const originals = (): readonly number[] => [one, other].map((budget) => budget.stats().originals);
  await finish(clock, stack(answering, under(other), under(one), under(other), under(one))(0));
  expect(originals()).toEqual([1, 1]);
  await finish(clock, stack(answering, under(other), under(false), under(other), under(false))(0));
  expect(originals()).toEqual([1, 2]);
});

it('an attempt that a layer has stripped of all but its call is of the same call still', async () => {
  const clock = new VirtualClock();
  const runtime = steady(clock);
  const budget = new Budget({ runtime });
  const call = stack(
    () => Promise.resolve('done'),
    (next: Call<number, string>) => hedge(next, { after: 5, budget, runtime }),
    (next) => (request: number, options) => next(request, bad({ ...options, avoid: undefined, visit: undefined })),
    (next) => hedge(next, { after: 5, budget, runtime }),
  );
  expect(await finish(clock, call(0))).toBe('done');
  expect(budget.stats().originals).toBe(1);
});
