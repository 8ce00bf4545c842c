import { Deadline, isDeadlineExceeded, isInvalidOption, systemClock } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { deadlineExceeded, deadlineFrom } from '../../src/core/deadline.ts';
import { HandClock } from '../support/hand-clock.ts';

const thrownBy = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (error) {
    return error;
  }
};
const invalid = (message: string): unknown => expect.objectContaining({ code: 'INVALID_OPTION', message });

describe('after', () => {
  test('shrinks with its clock and expires at its instant, not before', async () => {
    const clock = new VirtualClock();
    await clock.advance(7);
    const deadline = Deadline.after(250, clock);
    expect([deadline.remaining(), deadline.expired]).toEqual([250, false]);
    await clock.advance(249);
    expect([deadline.remaining(), deadline.expired]).toEqual([1, false]);
    await clock.advance(1);
    expect([deadline.remaining(), deadline.expired]).toEqual([0, true]);
    await clock.advance(1);
    expect([deadline.remaining(), deadline.expired]).toEqual([0, true]);
  });

  test.each([0, -0, -1, -1e9, -Infinity])('%d ms from now has come already', (ms) => {
    const deadline = Deadline.after(ms, new HandClock(1_000));
    expect([deadline.remaining(), deadline.expired, deadline.toHeader()]).toEqual([0, true, '0']);
  });

  test('less than a microsecond is nothing', () => {
    const clock = new HandClock();
    const lengths = [0.000_9, 0.001, 0.001_1].map((ms) => Deadline.after(ms, clock));
    expect(lengths.map((deadline) => deadline.remaining())).toEqual([0, 0.001, 0.001_1]);
    expect(lengths.map((deadline) => deadline.expired)).toEqual([true, false, false]);
  });

  test('Infinity never comes', () => {
    const clock = new HandClock();
    const deadline = Deadline.after(Infinity, clock);
    clock.nowMs = Number.MAX_VALUE;
    expect([deadline.remaining(), deadline.expired, deadline.toHeader()]).toEqual([Infinity, false, 'never']);
  });

  test.each([
    [Number.NaN, 'NaN'],
    ['250', '"250"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [250n, '250n'],
  ])('refuses %s', (ms, received) => {
    expect(thrownBy(() => Deadline.after(ms as number))).toEqual(
      invalid(`ms must be a number of milliseconds, got ${received}`),
    );
  });

  test('is on the system clock unless it is told another', () => {
    const now = vi.spyOn(systemClock, 'now').mockReturnValue(1_000);
    const deadlines = [Deadline.after(50), Deadline.fromHeader('50'), deadlineFrom(50, systemClock)];
    now.mockReturnValue(1_020);
    expect(deadlines.map((deadline) => deadline.remaining())).toEqual([30, 30, 30]);
    now.mockRestore();
  });
});

describe('never', () => {
  test('never comes, whatever is taken from it', () => {
    for (const deadline of [Deadline.never, Deadline.never.reserve(1e9), Deadline.never.reserve(Infinity)]) {
      expect([deadline.remaining(), deadline.expired]).toEqual([Infinity, false]);
    }
    expect(Deadline.fromHeader(Deadline.never.toHeader())).toBe(Deadline.never);
  });
});

describe('earliest', () => {
  const clock = new HandClock();
  const [soon, late] = [Deadline.after(10, clock), Deadline.after(20, clock)];

  test('is the one that comes first, and the first of equals', () => {
    expect(soon.earliest(late)).toBe(soon);
    expect(late.earliest(soon)).toBe(soon);
    expect(soon.earliest(Deadline.never)).toBe(soon);
    expect(Deadline.never.earliest(soon)).toBe(soon);
    expect(soon.earliest(Deadline.after(10, clock))).toBe(soon);
    expect(Deadline.never.earliest(Deadline.after(Infinity))).toBe(Deadline.never);
  });

  test('of two clocks: what each has left now decides, not when it is due', () => {
    const [young, old] = [new HandClock(0), new HandClock(1e9)];
    const dueEarlier = Deadline.after(20, young);
    const leftLess = Deadline.after(10, old);
    expect(dueEarlier.earliest(leftLess)).toBe(leftLess);
    young.nowMs += 15;
    expect(leftLess.earliest(dueEarlier)).toBe(dueEarlier);
  });
});

describe('reserve', () => {
  test('comes earlier by what is kept, and has come when more is kept than is left', () => {
    const clock = new HandClock(5);
    const deadline = Deadline.after(100, clock);
    expect(deadline.reserve(30).remaining()).toBe(70);
    expect(deadline.reserve(100).expired).toBe(true);
    expect(deadline.reserve(1_000).remaining()).toBe(0);
    expect(deadline.reserve(Infinity).remaining()).toBe(0);
    expect(deadline.reserve(0).remaining()).toBe(100);
    expect(deadline.remaining()).toBe(100);
    clock.nowMs += 50;
    expect(deadline.reserve(30).remaining()).toBe(20);
  });

  test.each([
    [-1, '-1'],
    [Number.NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    ['5', '"5"'],
    [undefined, 'undefined'],
  ])('refuses %s, for it would come later', (ms, received) => {
    const expected = invalid(`reserveMs must be a number of milliseconds >= 0, got ${received}`);
    expect(thrownBy(() => Deadline.after(5).reserve(ms as number))).toEqual(expected);
    expect(thrownBy(() => Deadline.never.reserve(ms as number))).toEqual(expected);
  });
});

describe('the header', () => {
  test('is the time left, in whole milliseconds rounded down', () => {
    const clock = new HandClock();
    const deadline = Deadline.after(250, clock);
    expect(deadline.toHeader()).toBe('250');
    clock.nowMs = 0.001;
    expect(deadline.toHeader()).toBe('249');
    clock.nowMs = 249.5;
    expect(deadline.toHeader()).toBe('0');
    clock.nowMs = 1e6;
    expect(deadline.toHeader()).toBe('0');
  });

  test('is read on the receiver’s own clock', () => {
    const receiver = new HandClock(1e6);
    const deadline = Deadline.fromHeader('250', receiver);
    receiver.nowMs += 100;
    expect(deadline.remaining()).toBe(150);
  });

  test('what is too long for it is sent as the longest that the receiver takes', () => {
    for (const ms of [1e15, 1e20, 1e21, 1e300, Number.MAX_VALUE]) {
      const header = Deadline.after(ms, new HandClock()).toHeader();
      expect(header).toBe('999999999999999');
      expect(Deadline.fromHeader(header, new HandClock()).remaining()).toBe(999_999_999_999_999);
    }
  });

  test.each([
    ...['', ' ', '-1', '-0', '+5', '1.5', '1e3', '0x10', '007', '00', ' 5', '5 ', '5\n', '5ms', '５', '5,5', 'NaN'],
    ...['Infinity', 'Never', 'never ', '__proto__', '1000000000000000', '9'.repeat(10_000)],
  ])('refuses %j', (value) => {
    expect(isInvalidOption(thrownBy(() => Deadline.fromHeader(value)))).toBe(true);
  });

  test.each([undefined, null, 5, 5n, ['5'], { toString: () => '5' }])('refuses %o, which is no text', (value) => {
    expect(isInvalidOption(thrownBy(() => Deadline.fromHeader(value as string)))).toBe(true);
  });

  test('the refusal says what is allowed and what came, at a length that fits a log', () => {
    expect(thrownBy(() => Deadline.fromHeader('soon'))).toEqual(
      invalid('a deadline header must be a whole number of milliseconds or "never", got "soon"'),
    );
    expect((thrownBy(() => Deadline.fromHeader('9'.repeat(1e5))) as Error).message.length).toBeLessThan(200);
  });
});

describe('time is monotonic', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('a jump of the date changes nothing', () => {
    vi.useFakeTimers({ now: 1e12 });
    const deadline = Deadline.after(1_000);
    for (const wall of [0, 2e12, 1e12]) {
      vi.setSystemTime(wall);
      expect([deadline.remaining(), deadline.expired]).toEqual([1_000, false]);
    }
    vi.advanceTimersByTime(1_000);
    expect(deadline.expired).toBe(true);
  });
});

describe('a `deadline` option', () => {
  const clock = new HandClock(50);

  test('is a Deadline, milliseconds from now, or absent', () => {
    const deadline = Deadline.after(5, clock);
    expect(deadlineFrom(deadline, clock)).toBe(deadline);
    expect(deadlineFrom(undefined, clock)).toBe(Deadline.never);
    expect(deadlineFrom(20, clock).remaining()).toBe(20);
    expect(deadlineFrom(-5, clock).expired).toBe(true);
    expect(deadlineFrom(Infinity, clock).remaining()).toBe(Infinity);
  });

  test('is recognised by its methods, for there may be two copies of the package', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/deadline.ts');
    expect(copy.Deadline).not.toBe(Deadline);
    const theirs = copy.Deadline.after(5, clock);
    expect(deadlineFrom(theirs, clock)).toBe(theirs);
    expect(Deadline.after(10, clock).earliest(theirs)).toBe(theirs);
    expect(theirs.earliest(Deadline.after(1, clock)).remaining()).toBe(1);
  });

  test.each([
    [Number.NaN, 'NaN'],
    ['20', '"20"'],
    [null, 'null'],
    [new Date(0), 'a Date'],
    [{ remaining: 5 }, 'an object'],
  ])('is not %s', (value, received) => {
    expect(thrownBy(() => deadlineFrom(value as number, clock))).toEqual(
      invalid(`deadline must be a Deadline or a number of milliseconds from now, got ${received}`),
    );
  });

  test('that has passed is an error with a code and the name of the work', () => {
    const error = deadlineExceeded('the search');
    expect(error.message).toBe('the deadline of the search has passed');
    expect(isDeadlineExceeded(error)).toBe(true);
    expect('cause' in error).toBe(false);
    const cause = new Error('in that moment');
    expect(deadlineExceeded('the search', cause).cause).toBe(cause);
  });
});
