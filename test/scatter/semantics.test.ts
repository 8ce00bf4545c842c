import { Deadline, isDeadlineExceeded, systemRuntime } from 'holdfast/core';
import {
  type Gathered,
  InsufficientCoverageError,
  isInsufficientCoverage,
  scatterGather,
  type ScatterOptions,
  type Tally,
} from 'holdfast/scatter';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answer,
  CountingClock,
  fail,
  finish,
  give,
  hang,
  listenersOf,
  messagesOf,
  rejectionOf,
  type Script,
  Stage,
  steady,
  toss,
  watch,
} from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A gather over scripts, under way. */
function gather(leaves: readonly Script[], options: ScatterOptions<string> = {}) {
  const stage = new Stage();
  const clock = new CountingClock(stage.clock);
  const promise = scatterGather(leaves.keys(), (index, attempt) => stage.perform(index, leaves[index]!, attempt), {
    discard: stage.discard,
    runtime: steady(clock),
    ...options,
  });
  return { stage, clock, promise, settled: watch(promise, stage.clock, clock, options.signal) };
}

const statuses = (result: Gathered<number, string>): readonly string[] => result.outcomes.map(({ status }) => status);

/** What a gather that failed brought back, and why. */
async function failure(promise: Promise<Gathered<number, string>>): Promise<InsufficientCoverageError<number, string>> {
  const error = await rejectionOf(() => promise);
  if (!isInsufficientCoverage<number, string>(error)) throw error;
  return error;
}

describe('when the requirement is met', () => {
  it('a gather resolves at once and calls the rest off', async () => {
    const { stage, promise, settled } = gather([[answer(9)], [answer(2)], [answer(4)]], { require: 2 });
    const result = await finish(stage.clock, promise);
    expect(settled()).toMatchObject({ atMs: 4, timers: 0 });
    expect(result.outcomes).toEqual([
      { target: 0, status: 'cancelled', attempts: 1, ms: 4 },
      { target: 1, status: 'ok', value: '1/1', cause: 'original', attempts: 1, ms: 2 },
      { target: 2, status: 'ok', value: '2/1', cause: 'original', attempts: 1, ms: 4 },
    ]);
    expect(result).toMatchObject({ values: ['1/1', '2/1'], coverage: 2 / 3, complete: false });
    expect(stage.attempts[0]).toMatchObject({ abortedMs: 4, reason: 'SUPERSEDED' });
  });

  it('a gather of all that have answered is complete', async () => {
    const { stage, promise } = gather([[answer(3)], [answer(1)]]);
    expect(await finish(stage.clock, promise)).toMatchObject({
      values: ['0/1', '1/1'],
      coverage: 1,
      complete: true,
    });
  });

  it.each([
    [0.25, 28],
    [0.5, 52],
    [1, 100],
  ])('a straggler wait of %d of the time left settles at %d ms', async (straggler, atMs) => {
    const leaves = [[answer(4)], [answer(20)], [hang()]];
    const { stage, promise, settled } = gather(leaves, { require: 1, deadline: 100, straggler });
    const result = await finish(stage.clock, promise);
    expect(settled()).toMatchObject({ atMs, timers: 0 });
    expect(statuses(result)).toEqual(['ok', 'ok', 'late']);
    expect(stage.attempts[2]).toMatchObject({
      abortedMs: atMs,
      reason: atMs < 100 ? 'SUPERSEDED' : 'DEADLINE_EXCEEDED',
    });
  });

  it('a straggler wait ends when every target has answered or failed', async () => {
    for (const deadline of [100, Infinity]) {
      const { stage, promise, settled } = gather([[answer(4)], [answer(9)], [fail(12)]], {
        require: 1,
        deadline,
        straggler: 1,
      });
      expect(statuses(await finish(stage.clock, promise))).toEqual(['ok', 'ok', 'failed']);
      expect(settled()).toMatchObject({ atMs: 12, timers: 0 });
    }
  });

  it('a straggler wait counts from then, not from each answer that follows', async () => {
    const { stage, promise, settled } = gather([[answer(4)], [answer(10)], [hang()]], {
      require: 1,
      deadline: 24,
      straggler: 0.5,
    });
    await finish(stage.clock, promise);
    expect(settled()!.atMs).toBe(14);
  });

  it('a straggler wait is called off by a requirement that takes its word back, and begins anew with the next yes', async () => {
    // Enough while at most a third has failed: met at 2, no more at 3, met again at 7.
    const enough = ({ ok, failed }: Tally): boolean => ok >= 1 && failed <= ok / 2;
    const { stage, promise, settled } = gather([[answer(2)], [fail(3)], [answer(7)], [hang()]], {
      require: enough,
      deadline: 27,
      straggler: 0.5,
    });
    const result = await finish(stage.clock, promise);
    expect(settled()!.atMs).toBe(17);
    expect(statuses(result)).toEqual(['ok', 'failed', 'ok', 'late']);
  });

  it('on entry, because nothing is required, nobody is asked', async () => {
    for (const require of [0, { coverage: 0 }, () => true]) {
      const { stage, promise } = gather([[give]], { require });
      expect(await finish(stage.clock, promise)).toMatchObject({
        values: [],
        outcomes: [{ target: 0, status: 'skipped', attempts: 0, ms: 0 }],
        coverage: 0,
        complete: false,
      });
      expect(stage.attempts).toEqual([]);
    }
  });
});

describe('when the requirement can no longer be met', () => {
  it('a gather rejects at once with what there is, long before the deadline', async () => {
    const { stage, promise, settled } = gather([[answer(1)], [fail(3)], [hang()]], { deadline: 1_000 });
    const error = await failure(finish(stage.clock, promise));
    expect(settled()).toMatchObject({ atMs: 3, timers: 0 });
    expect(error).toMatchObject({ name: 'InsufficientCoverageError', code: 'INSUFFICIENT_COVERAGE' });
    expect(error.message).toBe(
      '1 of 3 targets answered, 3 were required; 1 failed, 1 did not answer in time or were not waited for',
    );
    expect(error.cause).toMatchObject({ message: '1/1' });
    expect(statuses(error.partial)).toEqual(['ok', 'failed', 'cancelled']);
    expect(error.partial).toMatchObject({ values: ['0/1'], coverage: 1 / 3, complete: false });
    expect(stage.attempts[2]).toMatchObject({ abortedMs: 3, reason: 'SUPERSEDED' });
  });

  it('on entry, because more is required than there are targets, nobody is asked', async () => {
    const { stage, promise } = gather([[give]], { require: 2 });
    const error = await failure(finish(stage.clock, promise));
    expect(error.cause).toBeUndefined();
    expect(statuses(error.partial)).toEqual(['skipped']);
    expect(stage.attempts).toEqual([]);
  });

  it('the cause is the first failed target’s error, not the first failure', async () => {
    const { stage, promise } = gather([[answer(9)], [fail(5)], [fail(2)]], { require: 2 });
    const error = await failure(finish(stage.clock, promise));
    expect(error.cause).toMatchObject({ message: '1/1' });
  });

  it('of a function, is known when every target has answered or failed', async () => {
    const { stage, promise, settled } = gather([[answer(3)], [fail(8)]], { require: ({ ok }) => ok === 2 });
    const error = await failure(finish(stage.clock, promise));
    expect(settled()!.atMs).toBe(8);
    expect(error.message).toBe(
      '1 of 2 targets answered, more were required; 1 failed, 0 did not answer in time or were not waited for',
    );
  });
});

describe('when the deadline comes', () => {
  it('a gather resolves with what there is if that suffices', async () => {
    const { stage, promise, settled } = gather([[answer(4)], [hang()], [fail(2)]], {
      require: 1,
      straggler: 1,
      deadline: 10,
    });
    const result = await finish(stage.clock, promise);
    expect(settled()).toMatchObject({ atMs: 10, timers: 0 });
    expect(statuses(result)).toEqual(['ok', 'late', 'failed']);
    expect(result.complete).toBe(false);
    expect(stage.attempts[1]).toMatchObject({ abortedMs: 10, reason: 'DEADLINE_EXCEEDED' });
  });

  it('a gather rejects with what there is if that does not suffice', async () => {
    const { stage, promise, settled } = gather([[answer(4)], [hang()], [answer(11)]], { require: 2, deadline: 10 });
    const error = await failure(finish(stage.clock, promise));
    expect(settled()).toMatchObject({ atMs: 10, timers: 0 });
    expect(isDeadlineExceeded(error.cause)).toBe(true);
    expect(statuses(error.partial)).toEqual(['ok', 'late', 'late']);
    expect(error.partial.outcomes[1]).toEqual({ target: 1, status: 'late', attempts: 1, ms: 10 });
  });

  it('no answer at all rejects, unless none is required', async () => {
    const none = gather([[hang()]], { require: { coverage: 0.001 }, deadline: 10 });
    expect(statuses((await failure(finish(none.stage.clock, none.promise))).partial)).toEqual(['late']);
    const fine = gather([[hang()]], { require: 0, straggler: 1, deadline: 10 });
    expect(statuses(await finish(fine.stage.clock, fine.promise))).toEqual(['late']);
  });

  it('`reserveMs` stops the gather so much earlier, and the leaves are told', async () => {
    const { stage, promise, settled } = gather([[answer(4)], [answer(9)]], {
      require: 1,
      straggler: 1,
      deadline: 12,
      reserveMs: 5,
    });
    expect(statuses(await finish(stage.clock, promise))).toEqual(['ok', 'late']);
    expect(settled()!.atMs).toBe(7);
    expect(stage.attempts.map(({ leftMs }) => leftMs)).toEqual([7, 7]);
  });

  it('a Deadline counts from when it was made, and the leaf’s share shrinks with each attempt', async () => {
    const stage = new Stage();
    const deadline = Deadline.after(10, stage.clock);
    await stage.clock.advance(4);
    const promise = scatterGather([0], (index, attempt) => stage.perform(index, [hang()], attempt), {
      deadline,
      hedge: { after: 2, extra: 1 },
      runtime: steady(stage.clock),
    });
    const settled = watch(promise, stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()!.atMs).toBe(10);
    expect(stage.attempts.map(({ leftMs }) => leftMs)).toEqual([6, 4]);
  });

  it('that never comes sets no timer', async () => {
    const { stage, clock, promise } = gather([[answer(4)]], { deadline: Deadline.never, reserveMs: 50 });
    await finish(stage.clock, promise);
    expect(clock.most).toBe(0);
  });
});

describe('when the caller aborts', () => {
  it('a gather rejects with the caller’s reason in that turn, and nothing new starts', async () => {
    const controller = new AbortController();
    const { stage, promise, settled } = gather([[answer(4)], [hang()], [answer(1)], [give]], {
      signal: controller.signal,
      concurrency: 2,
      hedge: { after: 3 },
      deadline: 100,
    });
    await stage.clock.advance(2);
    expect(listenersOf(controller.signal)).toBe(1);
    const reason = { not: 'an error' };
    controller.abort(reason);
    expect(listenersOf(controller.signal)).toBe(0);
    expect(stage.attempts.map(({ abortedMs }) => abortedMs)).toEqual([2, 2]);
    expect(stage.attempts.map((log) => log.reason)).toEqual([reason, reason]);
    expect(await rejectionOf(() => promise)).toBe(reason);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ atMs: 2, timers: 0 });
    expect(stage.attempts).toHaveLength(2);
  });

  it.each([1, 2, 3])('in the turn of the call, nobody is asked under a concurrency of %d', async (concurrency) => {
    const controller = new AbortController();
    const { stage, promise } = gather([[give], [give]], { signal: controller.signal, concurrency });
    controller.abort('no');
    expect(await rejectionOf(() => finish(stage.clock, promise))).toBe('no');
    expect(stage.attempts).toEqual([]);
  });

  it('after the gather has settled, nothing happens', async () => {
    const controller = new AbortController();
    const { stage, promise } = gather([[answer(1)]], { signal: controller.signal });
    const result = await finish(stage.clock, promise);
    controller.abort();
    await stage.clock.advance(3_600_000);
    expect(stage.attempts[0]!.abortedMs).toBeUndefined();
    expect(await promise).toBe(result);
  });
});

describe('with no target', () => {
  it.each(['all', { coverage: 1 }, { coverage: 0.5 }, 0, () => true] as const)(
    'and %j required, a gather resolves complete',
    async (require) => {
      const { stage, promise } = gather([], { require, deadline: 5 });
      const result = await finish(stage.clock, promise);
      expect(result).toEqual({ values: [], outcomes: [], coverage: 1, complete: true });
    },
  );

  it.each(['any', 1, () => false] as const)('and %j required, a gather rejects', async (require) => {
    const { stage, promise, settled } = gather([], { require, deadline: 5 });
    const error = await failure(finish(stage.clock, promise));
    expect(settled()!.atMs).toBe(0);
    expect(error.partial).toEqual({ values: [], outcomes: [], coverage: 1, complete: true });
  });
});

describe('on entry', () => {
  it('nobody is asked when the deadline has passed', async () => {
    for (const [deadline, reserveMs] of [
      [0, 0],
      [-1, 0],
      [5, 5],
      [5, 6],
    ] as const) {
      const { stage, clock, promise, settled } = gather([[give], [give]], { deadline, reserveMs });
      const error = await failure(finish(stage.clock, promise));
      expect(isDeadlineExceeded(error.cause)).toBe(true);
      expect(statuses(error.partial)).toEqual(['skipped', 'skipped']);
      expect(settled()!.atMs).toBe(0);
      expect(stage.attempts).toEqual([]);
      expect(clock.most).toBe(0);
    }
  });

  it('nobody is asked when the deadline has passed, also when nothing is required', async () => {
    const { stage, promise } = gather([[give]], { deadline: 0, require: 0 });
    expect(statuses(await finish(stage.clock, promise))).toEqual(['skipped']);
    expect(stage.attempts).toEqual([]);
  });

  it('nobody is asked when the signal has aborted, whose reason comes before the deadline', async () => {
    const signal = AbortSignal.abort('gone');
    const { stage, promise } = gather([[give]], { signal, deadline: 0 });
    expect(await rejectionOf(() => finish(stage.clock, promise))).toBe('gone');
    expect(stage.attempts).toEqual([]);
    expect(listenersOf(signal)).toBe(0);
  });
});

describe('a leaf', () => {
  it('that ignores its signal does not hold the gather up; its late value is discarded, its late error swallowed', async () => {
    const { stage, promise, settled } = gather([[answer(1)], [answer(50, 'ignore')], [fail(60, 'ignore')]], {
      require: 1,
    });
    await failOnLeaks(async () => {
      const result = await finish(stage.clock, promise);
      expect(settled()!.atMs).toBe(1);
      expect(statuses(result)).toEqual(['ok', 'cancelled', 'cancelled']);
    });
    expect(stage.clock.now()).toBe(60);
    expect(stage.discarded).toEqual([{ value: '1/1', atMs: 50 }]);
  });

  it('that throws synchronously has failed, and the others are asked', async () => {
    const { stage, promise } = gather([[toss], [give]], { require: 1, straggler: 1 });
    const result = await finish(stage.clock, promise);
    expect(result.outcomes[0]).toMatchObject({ status: 'failed', attempts: 1, ms: 0 });
    expect(result.outcomes[0]!.error).toMatchObject({ message: '0/1' });
    expect(statuses(result)).toEqual(['failed', 'ok']);
  });

  it('that answers undefined has answered', async () => {
    const result = await scatterGather([1, 2], () => undefined, { runtime: steady(new VirtualClock()) });
    expect(result).toMatchObject({ values: [undefined, undefined], complete: true });
  });

  it('of its own gets the target that was given, be it a target twice', async () => {
    const target = { name: 'twice' };
    const seen: unknown[] = [];
    const result = await scatterGather([target, target, undefined], (each) => seen.push(each), {
      runtime: steady(new VirtualClock()),
    });
    expect(seen).toEqual([target, target, undefined]);
    expect(result.outcomes.map((outcome) => outcome.target)).toEqual([target, target, undefined]);
    expect(result.outcomes[0]!.target).toBe(target);
  });
});

describe('hedging', () => {
  it('settles a leaf with its first success and calls its other attempts off there and then', async () => {
    const { stage, promise } = gather([[answer(40), answer(2)], [answer(90)]], { hedge: { after: 5 } });
    const result = await finish(stage.clock, promise);
    expect(stage.attempts[0]).toMatchObject({ leaf: 0, abortedMs: 7, reason: 'SUPERSEDED' });
    expect(result.outcomes).toMatchObject([
      { value: '0/2', attempts: 2, ms: 7 },
      { attempts: 2, ms: 90 },
    ]);
  });

  it('starts the next attempt of a leaf at once when one fails; all failed are an AggregateError in their order', async () => {
    const { stage, promise } = gather([[fail(30), fail(1), fail(1)]], { hedge: { after: 5, extra: 2 } });
    const error = await failure(finish(stage.clock, promise));
    expect(stage.attempts.map(({ cause, startedMs }) => [cause, startedMs])).toEqual([
      ['original', 0],
      ['hedge', 5],
      ['retry', 6],
    ]);
    expect(error.partial.outcomes[0]).toMatchObject({ status: 'failed', attempts: 3, ms: 30 });
    expect(messagesOf(error.partial.outcomes[0]!.error)).toEqual(['0/1', '0/2', '0/3']);
    expect(error.cause).toBe(error.partial.outcomes[0]!.error);
  });

  it('makes one extra attempt a target when `extra` is not given, and none without `hedge`', async () => {
    const hedged = gather([[hang()]], { deadline: 50, hedge: { after: 5 } });
    await failure(finish(hedged.stage.clock, hedged.promise));
    expect(hedged.stage.attempts).toHaveLength(2);
    const plain = gather([[fail(1)]], { deadline: 50 });
    await failure(finish(plain.stage.clock, plain.promise));
    expect(plain.stage.attempts).toHaveLength(1);
  });

  it('sets one timer for each target that is hedged, beside the deadline’s and the straggler wait’s', async () => {
    const leaves = Array.from({ length: 5 }, () => [hang()]);
    const { stage, clock, promise } = gather(leaves, {
      deadline: 50,
      hedge: { after: 5, extra: 3 },
      require: 0,
      straggler: 0.9,
    });
    await finish(stage.clock, promise);
    expect(clock.most).toBe(5 + 2);
  });
});

describe('concurrency', () => {
  it('bounds how many targets are asked at the same time, in the order of the targets', async () => {
    const leaves = [[answer(5)], [answer(2)], [fail(1)], [answer(4)], [answer(1)]];
    const { stage, promise } = gather(leaves, { require: 4, straggler: 1, concurrency: 2 });
    await finish(stage.clock, promise);
    expect(stage.attempts.map(({ leaf, startedMs }) => [leaf, startedMs])).toEqual([
      [0, 0],
      [1, 0],
      [2, 2],
      [3, 3],
      [4, 5],
    ]);
  });

  it('skips the targets whose turn had not come when the gather settled', async () => {
    const { stage, promise } = gather([[answer(5)], [answer(2)], [give]], { require: 1, concurrency: 1 });
    const result = await finish(stage.clock, promise);
    expect(statuses(result)).toEqual(['ok', 'skipped', 'skipped']);
    expect(result.outcomes[2]).toEqual({ target: 2, status: 'skipped', attempts: 0, ms: 0 });
    await stage.clock.advance(3_600_000);
    expect(stage.attempts).toHaveLength(1);
  });

  it('counts a hedged target once, and its time from its own first attempt', async () => {
    const { stage, promise } = gather([[answer(9), answer(9)], [answer(3)]], {
      hedge: { after: 1 },
      concurrency: 1,
    });
    const result = await finish(stage.clock, promise);
    expect(result.outcomes.map(({ ms }) => ms)).toEqual([9, 3]);
    expect(stage.attempts.map(({ leaf, startedMs }) => [leaf, startedMs])).toEqual([
      [0, 0],
      [0, 1],
      [1, 9],
      [1, 10],
    ]);
  });
});

describe('the result', () => {
  it('is frozen through and through, also that of a rejection', async () => {
    const { stage, promise } = gather([[give], [toss]]);
    const { partial } = await failure(finish(stage.clock, promise));
    for (const part of [partial, partial.values, partial.outcomes, ...partial.outcomes])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('does not change when the caller’s array of targets does', async () => {
    const targets = ['a', 'b'];
    const clock = new VirtualClock();
    const promise = scatterGather(targets, (target) => clock.sleep(5).then(() => target), { runtime: steady(clock) });
    targets.push('c');
    targets[0] = 'x';
    expect((await finish(clock, promise)).values).toEqual(['a', 'b']);
  });

  it('needs no deadline, no option, and the platform’s time', async () => {
    const timers = vi.spyOn(systemRuntime.clock, 'setTimer');
    expect((await scatterGather(new Set([1, 2]), (n) => n * 2)).values).toEqual([2, 4]);
    expect(timers).not.toHaveBeenCalled();
  });
});

describe('isInsufficientCoverage', () => {
  it('knows the error by its code, and nothing else', () => {
    const partial = { values: [], outcomes: [], coverage: 0, complete: false };
    const error = new InsufficientCoverageError('too few', partial, { cause: 'none' });
    expect(error).toMatchObject({ name: 'InsufficientCoverageError', message: 'too few', cause: 'none', partial });
    expect(isInsufficientCoverage(error)).toBe(true);
    for (const other of [new Error('INSUFFICIENT_COVERAGE'), { code: 'INSUFFICIENT_COVERAGE' }, undefined])
      expect(isInsufficientCoverage(other)).toBe(false);
  });
});
