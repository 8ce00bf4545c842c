import fc from 'fast-check';
import { systemClock, type Timer } from 'holdfast/core';
import { afterEach, expect, test, vi } from 'vitest';
import { Platform } from '../support/platform.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const longest = 2 ** 31 - 1;
const length = fc.oneof(
  fc.integer({ min: -5, max: 50 }),
  fc.double({ min: 0, max: 20, noNaN: true }),
  fc.integer({ min: longest - 2, max: longest + 2 }),
  fc.double({ min: longest, max: 100 * longest, noNaN: true }),
);
/** Early by less than a millisecond, as Node is, or late. */
const jitters = fc.array(fc.double({ min: -0.9, max: 3, noNaN: true }), { minLength: 1, maxLength: 20, size: 'max' });
const start = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e9, noNaN: true }));

test('whatever the platform makes of it, a timer fires once, never early, and no later than its last wake-up', () => {
  fc.assert(
    fc.property(fc.array(length, { minLength: 1, maxLength: 8 }), jitters, start, (lengths, offsets, startMs) => {
      let draw = 0;
      const platform = new Platform(startMs, () => offsets[draw++ % offsets.length]!);
      const firedAt = lengths.map((): number[] => []);
      lengths.forEach((ms, i) => {
        systemClock.setTimer(ms, () => firedAt[i]!.push(platform.nowMs));
      });
      expect(firedAt.flat()).toEqual([]);
      while (platform.step());

      lengths.forEach((ms, i) => {
        expect(firedAt[i]).toHaveLength(1);
        const [at = 0] = firedAt[i]!;
        expect(at).toBeGreaterThanOrEqual(startMs + ms);
        // One step's rounding up, the shortest timer and the greatest lateness.
        expect(at - startMs - Math.max(0, ms)).toBeLessThanOrEqual(1 + 1 + 3);
      });
      // Each delay is one that the platform honours; waking 0.9 ms early each time costs at most 9 steps of 1 ms.
      expect(platform.delays.every((ms) => Number.isInteger(ms) && ms >= 0 && ms <= longest)).toBe(true);
      const steps = lengths.reduce((sum, ms) => sum + Math.ceil(Math.max(0, ms) / longest) + 11, 0);
      expect(platform.delays.length).toBeLessThanOrEqual(steps);
      vi.restoreAllMocks();
    }),
  );
});

test('a timer that is taken back never fires and leaves nothing set, whenever that happens', () => {
  fc.assert(
    fc.property(fc.array(length, { minLength: 1, maxLength: 8 }), fc.nat(20), fc.nat(255), (lengths, steps, mask) => {
      const platform = new Platform(0, () => 0);
      const fired = new Set<number>();
      const timers: Timer[] = lengths.map((ms, i) => systemClock.setTimer(ms, () => fired.add(i)));
      for (let i = 0; i < steps; i++) platform.step();
      const firedBefore = new Set(fired);
      const cancelled = lengths.map((_, i) => i).filter((i) => (mask & (1 << i)) !== 0);
      for (const i of cancelled) timers[i]!.cancel();
      expect(platform.pending).toBe(lengths.filter((_, i) => !fired.has(i) && !cancelled.includes(i)).length);
      while (platform.step());
      for (const i of lengths.keys()) expect(fired.has(i)).toBe(firedBefore.has(i) || !cancelled.includes(i));
      vi.restoreAllMocks();
    }),
  );
});
