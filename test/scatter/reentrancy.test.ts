import type { Attempt } from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { catchWarnings, codeOf, CountingClock, finish, rejectionOf, steady, watch } from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const forever = (): Promise<never> => new Promise(() => undefined);

describe('a leaf that aborts the caller’s signal before it returns', () => {
  it.each([undefined, 1, 2, 5])('is the last to be asked, under a concurrency of %s', async (concurrency) => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const asked: number[] = [];
    const promise = scatterGather(
      [1, 2, 3],
      (target, { signal }) => {
        asked.push(target);
        controller.abort('enough');
        expect(signal.reason).toBe('enough');
        return target;
      },
      {
        signal: controller.signal,
        hedge: { after: 0, extra: 3 },
        runtime: steady(clock),
        ...(concurrency !== undefined && { concurrency }),
      },
    );
    expect(await rejectionOf(() => finish(clock, promise))).toBe('enough');
    await clock.advance(3_600_000);
    expect(asked).toEqual([1]);
  });
});

describe('a requirement function', () => {
  it.each([
    [0, 0],
    [1, 3],
    [2, 5],
  ])('that throws at question %d ends the gather with its error', async (question, atMs) => {
    const clock = new VirtualClock();
    const counting = new CountingClock(clock);
    const attempts: Attempt[] = [];
    let asked = 0;
    const promise = scatterGather(
      [3, 5, Infinity],
      (ms, attempt) => {
        attempts.push(attempt);
        return clock.sleep(ms);
      },
      {
        require: () => {
          if (asked++ === question) throw new Error('no judgement');
          return false;
        },
        deadline: 9,
        hedge: { after: 100 },
        runtime: steady(counting),
      },
    );
    const settled = watch(promise, clock, counting);
    await failOnLeaks(() => clock.runUntilIdle());
    expect(settled()).toMatchObject({ error: { message: 'no judgement' }, atMs, timers: 0 });
    expect(attempts).toHaveLength(question === 0 ? 0 : 3);
    for (const { signal } of attempts.slice(question)) expect(codeOf(signal.reason)).toBe('SUPERSEDED');
  });

  it('that throws at the deadline ends the gather with its error, also on entry', async () => {
    for (const deadline of [7, 0]) {
      const clock = new VirtualClock();
      let asked = 0;
      const promise = scatterGather([1], forever, {
        require: () => {
          if (++asked === 2 || deadline === 0) throw new Error('no judgement');
          return false;
        },
        deadline,
        runtime: steady(clock),
      });
      expect(await rejectionOf(() => finish(clock, promise))).toMatchObject({ message: 'no judgement' });
      expect(clock.now()).toBe(deadline);
    }
  });

  it('that aborts the caller’s signal ends the gather, and no straggler wait is left', async () => {
    const clock = new VirtualClock();
    const counting = new CountingClock(clock);
    const controller = new AbortController();
    const promise = scatterGather([1, 2], (ms) => clock.sleep(ms), {
      require: ({ ok }) => {
        if (ok === 1) controller.abort('enough');
        return ok === 1;
      },
      signal: controller.signal,
      straggler: 0.5,
      deadline: 1_000,
      runtime: steady(counting),
    });
    expect(await rejectionOf(() => finish(clock, promise))).toBe('enough');
    expect(counting.pending).toBe(0);
    expect(clock.now()).toBe(2);
  });

  it('that aborts the caller’s signal and then throws ends the gather with the caller’s reason', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const promise = scatterGather([1, 2], (ms) => clock.sleep(ms), {
      require: () => {
        controller.abort('enough');
        throw new Error('no judgement');
      },
      signal: controller.signal,
      runtime: steady(clock),
    });
    expect(await rejectionOf(() => finish(clock, promise))).toBe('enough');
  });

  it('is asked before anybody is, after each answer, and at the deadline', async () => {
    const clock = new VirtualClock();
    const tallies: unknown[] = [];
    const promise = scatterGather([2, -4, Infinity], (ms) => clock.sleep(Math.abs(ms)).then(() => assertPositive(ms)), {
      require: (tally) => tallies.push({ ...tally, atMs: clock.now() }) === 0,
      deadline: 8,
      runtime: steady(clock),
    });
    await rejectionOf(() => finish(clock, promise));
    expect(tallies).toEqual([
      { total: 3, ok: 0, failed: 0, atMs: 0 },
      { total: 3, ok: 1, failed: 0, atMs: 2 },
      { total: 3, ok: 1, failed: 1, atMs: 4 },
      { total: 3, ok: 1, failed: 1, atMs: 8 },
    ]);
  });
});

function assertPositive(ms: number): void {
  if (ms < 0) throw new Error('negative');
}

describe('discard', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('no body');
      },
    ],
    ['rejects', (): unknown => Promise.reject(new Error('no body'))],
  ])('that %s is reported and breaks nothing', async (_how, discard) => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    await failOnLeaks(async () => {
      const promise = scatterGather([1, 5, 9], (ms) => clock.sleep(ms), {
        require: 1,
        discard,
        runtime: steady(clock),
      });
      expect((await finish(clock, promise)).coverage).toBe(1 / 3);
    });
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: discard failed: no body',
      'holdfast: discard failed: no body',
    ]);
  });
});

describe('targets', () => {
  it('of a generator that throws are a rejection with its error, and nobody is asked', async () => {
    let asked = 0;
    function* targets(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    const gathering = (): Promise<unknown> => scatterGather(targets(), () => ++asked);
    expect(await rejectionOf(gathering)).toMatchObject({ message: 'no more' });
    expect(asked).toBe(0);
  });

  it('of a generator that aborts the caller’s signal are not asked', async () => {
    const controller = new AbortController();
    let asked = 0;
    function* targets(): Generator<number> {
      yield 1;
      controller.abort('enough');
    }
    const gathering = (): Promise<unknown> => scatterGather(targets(), () => ++asked, { signal: controller.signal });
    expect(await rejectionOf(gathering)).toBe('enough');
    expect(asked).toBe(0);
  });
});

describe('an abort listener', () => {
  it('in which another leaf settles changes nothing any more', async () => {
    const clock = new VirtualClock();
    let answerB: (value: string) => void = () => undefined;
    let failC: (error: Error) => void = () => undefined;
    const discarded: string[] = [];
    const promise = scatterGather(
      ['a', 'b', 'c', 'd'],
      (target, { signal }) => {
        if (target === 'd') return clock.sleep(5).then(() => 'd');
        if (target === 'b') return new Promise<string>((resolve) => (answerB = resolve));
        if (target === 'c') return new Promise<string>((_, reject) => (failC = reject));
        signal.addEventListener('abort', () => {
          answerB('b');
          failC(new Error('c'));
        });
        return forever();
      },
      { require: 1, discard: (value) => discarded.push(value), runtime: steady(clock) },
    );
    const result = await failOnLeaks(() => finish(clock, promise));
    expect(result.outcomes.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled', 'ok']);
    expect(discarded).toEqual(['b']);
  });

  it('of a loser that aborts the caller’s signal does not undo its leaf’s success', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const promise = scatterGather(
      ['a'],
      (target, { attempt, signal }) => {
        signal.addEventListener('abort', () => controller.abort(new Error('cancel everything')));
        return attempt === 2 ? target : forever();
      },
      { signal: controller.signal, hedge: { after: 5 }, deadline: 100, straggler: 1, runtime: steady(clock) },
    );
    expect((await finish(clock, promise)).values).toEqual(['a']);
    expect(controller.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('that starts another gather does not disturb this one', async () => {
    const clock = new VirtualClock();
    const inner: Promise<unknown>[] = [];
    const promise = scatterGather(
      [1, Infinity],
      (ms, { signal }) => {
        signal.addEventListener('abort', () => {
          inner.push(scatterGather([3], (each) => clock.sleep(each), { runtime: steady(clock) }));
        });
        return clock.sleep(ms);
      },
      { require: 1, runtime: steady(clock) },
    );
    expect((await finish(clock, promise)).coverage).toBe(0.5);
    expect(await Promise.all(inner)).toMatchObject([{ complete: true }]);
  });
});
