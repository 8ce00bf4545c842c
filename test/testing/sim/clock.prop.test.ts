import fc from 'fast-check';
import { createSim } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';

const rate = fc.double({ min: 0.5, max: 2, noNaN: true });
const ms = fc.nat(40_000).map((eighths) => eighths / 8);

test("timers fire when the node's own clock says so: to the last bit there, and at the true time that its rates give", async () => {
  await fc.assert(
    fc.asyncProperty(
      rate,
      fc.array(fc.record({ atMs: ms, rate }), { maxLength: 5 }),
      fc.array(ms, { minLength: 1, maxLength: 10 }),
      async (first, changes, delays) => {
        const sim = createSim({ seed: 1 });
        const fired: { readonly ms: number; readonly localMs: number; readonly trueMs: number }[] = [];
        sim.node(
          'a',
          ({ runtime: { clock } }) => {
            for (const delay of delays) {
              clock.setTimer(delay, () => fired.push({ ms: delay, localMs: clock.now(), trueMs: sim.nowMs }));
            }
          },
          { rate: first, offsetMs: 1_000 },
        );
        const sorted = changes.toSorted((a, b) => a.atMs - b.atMs);
        for (const change of sorted) sim.at(change.atMs, () => sim.skew('a', { rate: change.rate }));
        await sim.run();
        /** The model: local time is the sum of the stretches of true time, each by its rate. */
        const trueMsOf = (localMs: number): number => {
          let [now, local, current] = [0, 0, first];
          for (const change of sorted) {
            const stretch = (change.atMs - now) * current;
            if (local + stretch >= localMs) break;
            [now, local, current] = [change.atMs, local + stretch, change.rate];
          }
          return now + (localMs - local) / current;
        };
        expect(fired.length).toBe(delays.length);
        for (const one of fired) {
          expect(one.localMs).toBeGreaterThanOrEqual(1_000 + one.ms);
          expect(one.localMs).toBeLessThan(1_000 + one.ms + 1e-6);
          expect(Math.abs(one.trueMs - trueMsOf(one.ms))).toBeLessThan(1e-6);
        }
        expect(fired.map((one) => one.ms)).toEqual(delays.toSorted((a, b) => a - b));
      },
    ),
    { seed: fcSeed, numRuns: runs(2) },
  );
});

test('the monotonic clock never goes back, whatever the date does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ atMs: ms, rate, wallJumpMs: fc.integer({ min: -1e7, max: 1e7 }) }), { maxLength: 8 }),
      async (skews) => {
        const sim = createSim({ seed: 1, epochMs: 1e12 });
        const read: number[] = [];
        const wall: number[] = [];
        sim.node('a', ({ runtime: { clock } }) => {
          const look = (): void => {
            read.push(clock.now());
            wall.push(clock.wallNow() - clock.now());
            if (sim.nowMs < 5_000) clock.setTimer(100, look);
          };
          look();
        });
        for (const { atMs, ...skew } of skews) sim.at(atMs, () => sim.skew('a', skew));
        await sim.run();
        for (let i = 1; i < read.length; i++) expect(read[i]! - read[i - 1]!).toBeGreaterThan(99.999);
        const jumps = skews.reduce((sum, { atMs, wallJumpMs }) => sum + (atMs < 4_900 ? wallJumpMs : 0), 0);
        if (skews.every(({ atMs }) => atMs < 4_900)) expect(wall.at(-1)).toBeCloseTo(1e12 + jumps, 3);
      },
    ),
    { seed: fcSeed, numRuns: runs(1) },
  );
});

test('clocks spread as they were told to, and each node keeps its own over a restart', async () => {
  const rates: number[] = [];
  const offsets: number[] = [];
  for (let seed = 0; seed < 200; seed++) {
    const sim = createSim({ seed, clocks: { maxDrift: 0.01, maxOffsetMs: 1_000 } });
    let before = 0;
    sim.node('a', ({ incarnation, runtime: { clock } }) => {
      if (incarnation === 1) {
        offsets.push(clock.now());
        before = clock.now();
      } else rates.push((clock.now() - before) / 10_000);
    });
    sim.at(10_000, () => sim.restart('a'));
    await sim.run();
  }
  expect(rates.length).toBe(200);
  expect(Math.min(...rates)).toBeGreaterThan(0.99);
  expect(Math.max(...rates)).toBeLessThan(1.01);
  expect(Math.max(...rates) - Math.min(...rates)).toBeGreaterThan(0.018);
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...offsets) - Math.min(...offsets)).toBeGreaterThan(900);
});
