import fc from 'fast-check';
import { isInvalidOption } from 'holdfast/core';
import { closedLoop, failOnLeaks, openLoop, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { runs } from '../support/properties.ts';

interface Spec {
  /** What the n-th call does: settles after so long, in this way; `Infinity`: never. */
  readonly tookMs: number;
  readonly ok: boolean;
}
const specs = fc.array(fc.record({ tookMs: fc.oneof(fc.nat(50), fc.constant(Infinity)), ok: fc.boolean() }), {
  minLength: 1,
  maxLength: 60,
});

const perform = (clock: VirtualClock, { tookMs, ok }: Spec): Promise<void> =>
  clock.sleep(tookMs).then(() => {
    if (!ok) throw new Error('failed');
  });

describe('openLoop', () => {
  test('constant: the n-th call starts at n / rate, whatever the answers; the report is that of a list', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.integer({ min: 1, max: 2_000 }), fc.nat(80), async (list, perSecond, windowMs) => {
        const clock = new VirtualClock();
        await clock.advance(7);
        const starts: number[] = [];
        const durationMs = ((list.length - 0.5) / perSecond) * 1_000;
        const load = openLoop(
          (n) => {
            expect(n).toBe(starts.push(clock.now() - 7) - 1);
            return perform(clock, list[n]!);
          },
          { perSecond, durationMs, arrivals: 'constant', runtime: { clock, random: Math.random } },
        );
        await clock.runUntilIdle();
        expect(starts.length).toBe(list.length);
        starts.forEach((ms, n) => expect(ms).toBeCloseTo((n * 1_000) / perSecond, 6));

        for (const window of [undefined, { fromMs: windowMs }, { toMs: windowMs }]) {
          const { fromMs = 0, toMs = Infinity } = { ...window } as { fromMs?: number; toMs?: number };
          const mine = list.filter((_, n) => starts[n]! >= fromMs && starts[n]! < toMs);
          const good = mine.filter(({ ok, tookMs }) => ok && tookMs < Infinity).map(({ tookMs }) => tookMs);
          const report = load.report(window);
          expect(report.sent).toBe(mine.length);
          expect(report.ok).toBe(good.length);
          expect(report.failed).toBe(mine.filter(({ ok, tookMs }) => !ok && tookMs < Infinity).length);
          expect(report.open).toBe(mine.filter(({ tookMs }) => tookMs === Infinity).length);
          if (mine.length > 0) expect(report.successShare).toBe(good.length / mine.length);
          if (good.length > 0) expect(report.meanMs).toBeCloseTo(good.reduce((a, b) => a + b, 0) / good.length, 6);
        }
      }),
    );
  });

  test('poisson: gaps are exponential, and do not depend on the answers', async () => {
    const startsOf = async (tookMs: number): Promise<readonly number[]> => {
      const clock = new VirtualClock();
      const starts: number[] = [];
      const call = (): Promise<void> => {
        starts.push(clock.now());
        return clock.sleep(tookMs);
      };
      openLoop(call, { perSecond: 100, durationMs: 200_000, runtime: { clock, random: seededRandom(3) } });
      await clock.runUntilIdle();
      return starts;
    };
    const starts = await startsOf(0);
    expect(await startsOf(5_000)).toEqual(starts);
    const gaps = starts.map((ms, n) => ms - (starts[n - 1] ?? 0));
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    // 20,000 gaps: 5 standard errors.
    expect(Math.abs(mean - 10)).toBeLessThan(0.36);
    expect(Math.abs(gaps.filter((ms) => ms > 10).length / gaps.length - Math.exp(-1))).toBeLessThan(0.02);
    expect(Math.max(...starts)).toBeLessThan(200_000);
  });
});

describe('closedLoop', () => {
  test('as many calls at a time as there are clients, and all of them are made', async () => {
    const counts = fc.record({
      clients: fc.integer({ min: 1, max: 8 }),
      calls: fc.integer({ min: 1, max: 60 }),
      thinkMs: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(counts, fc.integer(), async ({ clients, calls, thinkMs }, seed) => {
        const clock = new VirtualClock();
        const random = seededRandom(seed);
        let [open, most, count] = [0, 0, 0];
        const load = closedLoop(
          async (n) => {
            expect(n).toBe(count++);
            most = Math.max(most, ++open);
            await clock.sleep(Math.floor(random() * 20));
            open--;
            if (n % 3 === 0) throw new Error('failed');
          },
          { clients, calls, thinkMs, runtime: { clock, random } },
        );
        await clock.runUntilIdle();
        expect(count).toBe(calls);
        expect(most).toBe(Math.min(clients, calls));
        expect(load.report()).toMatchObject({ sent: calls, failed: Math.ceil(calls / 3), open: 0 });
      }),
    );
  });

  test('thinks between an answer and the next call; wallMs is the end of the last call', async () => {
    const clock = new VirtualClock();
    await clock.advance(100);
    const load = closedLoop(() => clock.sleep(10), {
      clients: 1,
      calls: 3,
      thinkMs: 5,
      runtime: { clock, random: Math.random },
    });
    await clock.runUntilIdle();
    expect(load.report().wallMs).toBe(40);
    expect(load.report({ fromMs: 15 }).wallMs).toBe(25);
    expect(load.report({ fromMs: 1_000 })).toMatchObject({ sent: 0, wallMs: 0 });
  });

  test('a call that throws has failed, and the loops go on', async () => {
    const clock = new VirtualClock();
    const runtime = { clock, random: Math.random };
    const call = (): never => {
      throw new Error('at once');
    };
    const loads = [
      closedLoop(call, { clients: 2, calls: 10, runtime }),
      openLoop(call, { perSecond: 10, durationMs: 1_000, arrivals: 'constant', runtime }),
    ];
    await clock.runUntilIdle();
    for (const load of loads)
      expect(load.report()).toMatchObject({ sent: 10, ok: 0, failed: 10, successShare: 0, meanMs: NaN });
    await failOnLeaks(async (watched) => {
      closedLoop(call, { clients: 1, calls: 3, runtime: watched.runtime });
    });
  });
});

describe('the report', () => {
  test('percentiles by nearest rank and shares within a bound are those of a sorted list', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), async (list, p, bound) => {
        const clock = new VirtualClock();
        const load = closedLoop((n) => perform(clock, list[n]!), {
          clients: list.length,
          calls: list.length,
          runtime: { clock, random: Math.random },
        });
        await clock.runUntilIdle();
        const good = list
          .filter(({ ok, tookMs }) => ok && tookMs < Infinity)
          .map(({ tookMs }) => tookMs)
          .sort((a, b) => a - b);
        const report = load.report();
        expect(report.within(bound)).toBe(good.filter((took) => took <= bound).length / list.length);
        const atMost = (value: number): number => good.filter((took) => took <= value).length / good.length;
        const expected = good.find((value) => atMost(value) >= p) ?? NaN;
        expect(report.percentileMs(p)).toBe(expected);
        expect([report.percentileMs(0), report.percentileMs(1)]).toEqual([good[0] ?? NaN, good.at(-1) ?? NaN]);
      }),
      { numRuns: runs(3) },
    );
  });

  test('of an empty load there is nothing to say', () => {
    const load = openLoop(() => undefined, {
      perSecond: 1,
      durationMs: 0,
      runtime: { clock: new VirtualClock(), random: Math.random },
    });
    const report = load.report();
    expect([report.sent, report.meanMs, report.successShare, report.within(5), report.percentileMs(0.5)]).toEqual([
      0,
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });
});

const clock = new VirtualClock();
const runtime = { clock, random: Math.random };
const idle = (): void => undefined;
const load = openLoop(idle, { perSecond: 1, durationMs: 1, runtime });
test.each<readonly [string, () => unknown]>([
  ['call must be a function, got undefined', () => openLoop(undefined as never, { perSecond: 1, durationMs: 1 })],
  ['perSecond must be a finite number >= 1e-9, got 0', () => openLoop(idle, { perSecond: 0, durationMs: 1 })],
  ['perSecond must be a finite number >= 1e-9, got undefined', () => openLoop(idle, {} as never)],
  [
    'durationMs must be a finite number >= 0, got Infinity',
    () => openLoop(idle, { perSecond: 1, durationMs: Infinity }),
  ],
  [
    'arrivals must be "poisson" or "constant", got "even"',
    () => openLoop(idle, { perSecond: 1, durationMs: 1, arrivals: 'even' as never }),
  ],
  ['call must be a function, got 5', () => closedLoop(5 as never, { clients: 1, calls: 1 })],
  ['clients must be an integer >= 1, got 0', () => closedLoop(idle, { clients: 0, calls: 1 })],
  ['calls must be an integer >= 1, got undefined', () => closedLoop(idle, { clients: 1 } as never)],
  ['thinkMs must be a finite number >= 0, got -1', () => closedLoop(idle, { clients: 1, calls: 1, thinkMs: -1 })],
  ['fromMs must be a number of milliseconds, got NaN', () => load.report({ fromMs: NaN })],
  ['p must be a finite number from 0 to 1, got 99', () => load.report().percentileMs(99)],
  ['ms must be a finite number >= 0, got -1', () => load.report().within(-1)],
])('%s', (message, act) => {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(isInvalidOption(error)).toBe(true);
  expect((error as Error).message).toContain(message);
});
