import fc from 'fast-check';
import { Deadline, isInvalidOption } from 'holdfast/core';
import { expect, test } from 'vitest';
import { HandClock } from '../support/hand-clock.ts';
import { runs } from '../support/properties.ts';
import { anyText } from '../support/text.ts';

/** A reading of a clock: whole, as of a virtual one, in tenths, as of a browser's, or with any fraction. */
const tenths = fc.nat(10_000_000).map((n) => n / 10);
const reading = fc.oneof(fc.nat(1_000_000), tenths, fc.double({ min: 0, max: 1e9, noNaN: true }));
const length = fc.oneof(
  fc.integer({ min: -100, max: 10_000 }),
  fc.double({ min: -10, max: 1e7, noNaN: true }),
  fc.double({ noNaN: true }),
);
const passing = fc.array(fc.oneof(fc.nat(100), fc.double({ min: 0, max: 1e6, noNaN: true })), {
  maxLength: 20,
  size: 'max',
});
const whole = fc.nat(1_000_000);

/** What the deadline has left at each of the instants to come; the clock is set back afterwards. */
const seen = (clock: HandClock, deadline: Deadline, steps: readonly number[]): readonly number[] => {
  const { nowMs } = clock;
  const left = [deadline.remaining()];
  for (const step of steps) {
    clock.nowMs += step;
    left.push(deadline.remaining());
  }
  clock.nowMs = nowMs;
  return left;
};

test('what is left is never more than was given, never below 0, never rises, and 0 is what expired means', () => {
  fc.assert(
    fc.property(reading, length, passing, (nowMs, ms, steps) => {
      const clock = new HandClock(nowMs);
      const deadline = Deadline.after(ms, clock);
      let last = Math.max(0, ms);
      for (const step of [0, ...steps]) {
        clock.nowMs += step;
        const left = deadline.remaining();
        expect([left <= last, left >= 0, deadline.expired]).toEqual([true, true, left === 0]);
        last = left;
      }
    }),
    { numRuns: runs(3) },
  );
});

test('what is left after a reserve is never more than was given less what was kept', () => {
  fc.assert(
    fc.property(reading, fc.oneof(length, tenths), tenths, passing, (nowMs, ms, kept, steps) => {
      const clock = new HandClock(nowMs);
      const left = seen(clock, Deadline.after(ms, clock).reserve(kept), steps);
      expect(left.filter((leftMs) => !(leftMs >= 0 && leftMs <= Math.max(0, Math.max(0, ms) - kept)))).toEqual([]);
    }),
    { numRuns: runs(3) },
  );
});

test('a timer set for what is left finds that the deadline has come', () => {
  fc.assert(
    fc.property(reading, tenths, fc.array(tenths, { maxLength: 5 }), tenths, (nowMs, ms, waits, kept) => {
      const clock = new HandClock(nowMs);
      const deadlines = [Deadline.after(ms, clock), Deadline.after(ms, clock).reserve(kept)];
      for (const wait of waits) clock.nowMs += wait / 1_000;
      for (const deadline of deadlines) {
        const { nowMs: setAt } = clock;
        clock.nowMs += deadline.remaining();
        expect(deadline.expired).toBe(true);
        clock.nowMs = setAt;
      }
    }),
    { numRuns: runs(5) },
  );
});

test('on whole milliseconds it is exact', () => {
  fc.assert(
    fc.property(whole, whole, whole, fc.nat(10_000), (nowMs, ms, elapsed, kept) => {
      const clock = new HandClock(nowMs);
      const deadline = Deadline.after(ms, clock);
      const reserved = deadline.reserve(kept);
      clock.nowMs += elapsed;
      expect(deadline.remaining()).toBe(Math.max(0, ms - elapsed));
      expect(reserved.remaining()).toBe(Math.max(0, ms - elapsed - kept));
      expect(deadline.reserve(kept).remaining()).toBe(reserved.remaining());
      expect(deadline.toHeader()).toBe(String(Math.max(0, ms - elapsed)));
    }),
  );
});

test('what is derived is never later than what it came from, now or at any later instant', () => {
  const derivations = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('earliest' as const), ms: length }),
      fc.record({ kind: fc.constant('reserve' as const), ms: fc.double({ min: 0, noNaN: true }) }),
      fc.record({ kind: fc.constant('header' as const), ms: fc.constant(0) }),
    ),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(reading, length, derivations, passing, (nowMs, ms, derived, steps) => {
      const clock = new HandClock(nowMs);
      const origin = Deadline.after(ms, clock);
      const before = seen(clock, origin, steps);
      let deadline = origin;
      for (const { kind, ms: other } of derived) {
        if (kind === 'earliest') deadline = deadline.earliest(Deadline.after(other, clock));
        else if (kind === 'reserve') deadline = deadline.reserve(other);
        else deadline = Deadline.fromHeader(deadline.toHeader(), clock);
      }
      const after = seen(clock, deadline, steps);
      for (const [i, left] of after.entries()) expect(left).toBeLessThanOrEqual(before[i]!);
      // Immutable: the origin has not moved.
      expect(seen(clock, origin, steps)).toEqual(before);
    }),
    { numRuns: runs(5) },
  );
});

test('earliest is the least of what is left, whatever the clocks and the order', () => {
  const one = fc.record({ nowMs: reading, ms: length });
  fc.assert(
    fc.property(fc.array(one, { minLength: 2, maxLength: 5 }), (specs) => {
      const deadlines = specs.map(({ nowMs, ms }) => Deadline.after(ms, new HandClock(nowMs)));
      const least = Math.min(...deadlines.map((deadline) => deadline.remaining()));
      const folds = [deadlines, deadlines.toReversed()].map((list) => list.reduce((a, b) => a.earliest(b)));
      for (const fold of folds) {
        expect(deadlines).toContain(fold);
        expect(fold.remaining()).toBe(least);
      }
    }),
  );
});

test('over the wire the receiver never has more than the sender, and loses less than a millisecond', () => {
  fc.assert(
    fc.property(reading, reading, length, passing, (sentAt, receivedAt, ms, steps) => {
      const [sender, receiver] = [new HandClock(sentAt), new HandClock(receivedAt)];
      const deadline = Deadline.after(ms, sender);
      const header = deadline.toHeader();
      expect(header).toMatch(/^(never|0|[1-9]\d{0,14})$/);
      const received = Deadline.fromHeader(header, receiver);
      expect(received.remaining()).toBeLessThanOrEqual(deadline.remaining());
      if (deadline.remaining() <= 1e7) expect(deadline.remaining() - received.remaining()).toBeLessThan(1 + 1e-6);
      // A header that is read and sent again at once does not shrink.
      if (Number.isInteger(receivedAt)) expect(received.toHeader()).toBe(header);
      const left = seen(receiver, received, steps);
      expect(left).toEqual(left.toSorted((a, b) => b - a));
    }),
    { numRuns: runs(5) },
  );
});

test('a chain of hops ends at the first one’s instant: timeouts do not add up', () => {
  const hop = fc.record({ nowMs: fc.nat(1e6), workMs: fc.nat(50), wireMs: fc.nat(20) });
  fc.assert(
    fc.property(fc.nat(500), fc.array(hop, { maxLength: 8 }), (ms, hops) => {
      let deadline = Deadline.after(ms, new HandClock());
      let elapsed = 0;
      for (const { nowMs, workMs, wireMs } of hops) {
        // The time on the wire is not seen: it counts only where the next hop has its own share of it.
        const header = deadline.toHeader();
        const clock = new HandClock(nowMs);
        deadline = Deadline.fromHeader(header, clock).reserve(wireMs);
        clock.nowMs += workMs;
        elapsed += wireMs + workMs;
        expect(deadline.remaining()).toBe(Math.max(0, ms - elapsed));
      }
    }),
  );
});

test('any text is either refused with INVALID_OPTION or read and written back as it was', () => {
  const textOf = (letters: string): fc.Arbitrary<string> =>
    fc
      .array(fc.nat(letters.length - 1), { maxLength: 18, size: 'max' })
      .map((at) => at.map((i) => letters[i]).join(''));
  const text = fc.oneof(
    anyText(),
    textOf('0123456789+-.,eExn_ \n'),
    textOf('0123456789'),
    fc.nat().map(String),
    fc.constantFrom('never', 'Never', 'never\n', 'nevernever'),
  );
  fc.assert(
    fc.property(text, (value) => {
      let deadline: Deadline;
      try {
        deadline = Deadline.fromHeader(value, new HandClock());
      } catch (error) {
        expect(isInvalidOption(error)).toBe(true);
        expect(/^(never|0|[1-9]\d{0,14})$/.test(value)).toBe(false);
        return;
      }
      expect(deadline.toHeader()).toBe(value);
      expect(deadline.remaining()).toBe(value === 'never' ? Infinity : Number(value));
    }),
    { numRuns: runs(5) },
  );
});
