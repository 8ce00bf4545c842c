import fc from 'fast-check';
import { expect, test } from 'vitest';
import { greatestWith, windowMax } from '../../../src/queue/elastic/window-max.ts';
import { runs } from '../../support/properties.ts';

const windowMs = 10;

test('is the greatest value of the window, looked for in all', () => {
  const seen = fc.array(
    fc.record({ afterMs: fc.integer({ min: -2, max: 12 }), value: fc.integer({ min: -5, max: 5 }) }),
  );
  fc.assert(
    fc.property(seen, (script) => {
      const window = windowMax();
      const all: { atMs: number; value: number }[] = [];
      let [nowMs, latestMs] = [0, -Infinity];
      for (const { afterMs, value } of script) {
        nowMs += afterMs;
        latestMs = Math.max(latestMs, nowMs); // time that goes back counts as no time
        all.push({ atMs: latestMs, value });
        const within = all.filter(({ atMs }) => latestMs - atMs < windowMs).map((one) => one.value);
        expect(greatestWith(window, value, nowMs, windowMs)).toBe(Math.max(...within));
      }
    }),
    { numRuns: runs(10) },
  );
});

test('a million values cost what a million values cost, and memory for those that count', () => {
  const window = windowMax();
  for (let t = 0; t < 1_000_000; t++) greatestWith(window, (t * 7_919) % 64, t, 100_000);
  expect(window.entries.length).toBeLessThanOrEqual(64);
});
