import { type Attempt, hedge } from 'holdfast/calls';
import { Deadline, isDeadlineExceeded, isHoldfastError } from 'holdfast/core';
import { isInsufficientCoverage, scatter, scatterGather } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { expect, describe, it } from 'vitest';
import { collected, finish, steady } from '../support/serving.ts';

/** Fails at the instant of the deadline, and is heard before our own timer: its timer is the older one. */
function failsAt(clock: VirtualClock, ms: number): Promise<never> {
  return clock.sleep(ms).then(() => Promise.reject(new Error('their deadline')));
}

describe('a leaf that watches the same deadline and hears of it first', () => {
  it('is late, not failed, and no attempt starts that has no time left', async () => {
    const clock = new VirtualClock();
    const first = failsAt(clock, 100);
    const attempts: number[] = [];
    const gathering = scatterGather(
      ['slow', 'quick'],
      (target, { attempt }) => {
        attempts.push(attempt);
        return target === 'slow' ? first : target;
      },
      { deadline: 100, hedge: { after: 500 }, runtime: steady(clock) },
    );
    const error = gathering.catch((reason: unknown) => reason);
    await clock.advance(200);
    const rejection = await error;
    if (!isInsufficientCoverage(rejection)) throw rejection;
    expect(rejection.partial.outcomes.map(({ status }) => status)).toEqual(['late', 'ok']);
    expect(isDeadlineExceeded(rejection.cause)).toBe(true);
    expect(attempts).toEqual([1, 1]);
    expect(clock.pending).toBe(0);
  });

  it('does not fail a gather whose requirement is met', async () => {
    const clock = new VirtualClock();
    const first = failsAt(clock, 100);
    const gathering = scatterGather(['slow', 'quick'], (target) => (target === 'slow' ? first : target), {
      deadline: 100,
      require: 'any',
      straggler: 1,
      runtime: steady(clock),
    });
    await clock.advance(200);
    expect((await gathering).outcomes.map(({ status }) => status)).toEqual(['late', 'ok']);
  });

  it('is late in a scatter too, whatever another has answered', async () => {
    const clock = new VirtualClock();
    const first = failsAt(clock, 100);
    const broken = clock.sleep(50).then(() => Promise.reject(new Error('broken')));
    const outcomes = scatter(
      ['slow', 'broken', 'quick'],
      (target) => (target === 'slow' ? first : target === 'broken' ? broken : target),
      { deadline: 100, runtime: steady(clock) },
    );
    const seen = await finish(clock, collected(outcomes));
    expect(seen.map(({ target, status, ms }) => [target, status, ms])).toEqual([
      ['quick', 'ok', 0],
      ['broken', 'failed', 50],
      ['slow', 'late', 100],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('makes a hedged call reject with the deadline, and the failure as its cause', async () => {
    const clock = new VirtualClock();
    const first = failsAt(clock, 100);
    let attempts = 0;
    const call = hedge(
      () => {
        attempts++;
        return first;
      },
      { after: 500, runtime: steady(clock) },
    );
    const error = call(0, { deadline: 100 }).catch((reason: unknown) => reason);
    await clock.advance(200);
    expect(await error).toMatchObject({ code: 'DEADLINE_EXCEEDED', cause: { message: 'their deadline' } });
    expect(attempts).toBe(1);
  });
});

describe('an answer at the instant of the deadline that is heard first', () => {
  it('is an answer, and what is open is told that the gather has settled', async () => {
    const clock = new VirtualClock();
    const first = clock.sleep(100);
    let told: unknown;
    const gathering = scatterGather(
      ['slow', 'silent'],
      (target, { signal }) => {
        if (target === 'slow') return first.then(() => target);
        return new Promise<string>(() => {
          signal.addEventListener('abort', () => void (told = signal.reason));
        });
      },
      { deadline: 100, require: 'any', runtime: steady(clock) },
    );
    const { outcomes } = await finish(clock, gathering);
    expect(outcomes.map(({ status }) => status)).toEqual(['ok', 'cancelled']);
    expect(told).toMatchObject({ code: 'SUPERSEDED', message: 'the gather has settled' });
  });

  it('is an answer in a scatter too', async () => {
    const clock = new VirtualClock();
    const first = clock.sleep(100);
    const outcomes = scatter(['slow'], (target) => first.then(() => target), { deadline: 100, runtime: steady(clock) });
    const seen = await finish(clock, collected(outcomes));
    expect(seen).toMatchObject([{ target: 'slow', status: 'ok', value: 'slow', ms: 100 }]);
  });
});

describe('the attempt of an outer call', () => {
  it('serves as the options of a gather, as it is and spread', async () => {
    const outer: Attempt[] = [];
    const found = await scatterGather([1], async (_, attempt) => {
      outer.push(attempt);
      const plain = await scatterGather([1, 2], (n) => n, attempt);
      const spread = await scatterGather([1, 2], (n, { deadline }) => [n, deadline.remaining()], {
        ...attempt,
        require: 'any',
      });
      return [plain.values.length, spread.values.length];
    });
    expect(found.values).toEqual([[2, 1]]);
    expect(outer).toHaveLength(1);
  });

  it('keeps signal, avoid and visit when it is spread', async () => {
    const controller = new AbortController();
    const call = hedge(
      (_: number, attempt) => {
        const shorter: Attempt = { ...attempt, deadline: Deadline.after(5) };
        const { signal, avoid, visit } = shorter;
        visit('a');
        expect([...avoid]).toEqual(['a']);
        return new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
      },
      { after: 500 },
    );
    const error = call(0, { signal: controller.signal }).catch((reason: unknown) => reason);
    controller.abort('enough');
    expect(await error).toBe('enough');
  });
});

it('several failed attempts come as one error with a code, the first attempt’s error first', async () => {
  const call = hedge((_: number, { attempt }) => Promise.reject(new Error(`attempt ${String(attempt)}`)), {
    after: 50,
  });
  const error: unknown = await call(0).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AggregateError);
  expect(isHoldfastError(error, 'ATTEMPTS_FAILED')).toBe(true);
  expect((error as AggregateError).errors.map(String)).toEqual(['Error: attempt 1', 'Error: attempt 2']);
});
