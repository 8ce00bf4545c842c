import { Budget, percentile } from 'holdfast/calls';
import { isInsufficientCoverage, scatterGather, type ScatterOptions } from 'holdfast/scatter';
import { describe, expect, it } from 'vitest';
import {
  accept,
  answer,
  budgetOf,
  fail,
  finish,
  hang,
  rejectionOf,
  type Script,
  Stage,
  steady,
  watch,
} from '../support/serving.ts';

function gather(leaves: readonly Script[], options: ScatterOptions<string, number>, stage = new Stage()) {
  const promise = scatterGather(leaves.keys(), (index, attempt) => stage.perform(index, leaves[index]!, attempt), {
    discard: stage.discard,
    runtime: steady(stage.clock, 0.5),
    ...options,
  });
  return { stage, promise, settled: watch(promise, stage.clock) };
}

describe('the policies of a gather', () => {
  it('are asked about the target', async () => {
    const asked: unknown[] = [];
    const { stage, promise } = gather([[hang(), answer(1)], [hang()], [fail(1), answer(1)]], {
      require: 2,
      hedge: {
        after: (target) => (asked.push(['after', target]), 5),
        when: (target) => (asked.push(['when', target]), target === 0),
      },
      retry: {
        backoff: { baseMs: 4 },
        retryable: (error, target) => (asked.push([(error as Error).message, target]), true),
      },
    });
    const { outcomes } = await finish(stage.clock, promise);
    expect(outcomes).toEqual([
      { target: 0, status: 'ok', value: '0/2', cause: 'hedge', attempts: 2, ms: 6 },
      { target: 1, status: 'cancelled', attempts: 1, ms: 6 },
      { target: 2, status: 'ok', value: '2/2', cause: 'retry', attempts: 2, ms: 4 },
    ]);
    expect(asked).toEqual([
      ['when', 0],
      ['after', 0],
      ['when', 1],
      ['when', 2],
      ['2/1', 2],
    ]);
  });

  it('answer silence by a hedge and failure by a retry, which comes when nothing is under way', async () => {
    const { stage, promise } = gather([[fail(9), fail(9), answer(1)]], {
      hedge: { after: 5 },
      retry: { backoff: { baseMs: 10 } },
    });
    await finish(stage.clock, promise);
    // The first fails at 9 and is not followed, for the hedge goes on until 14.
    expect(stage.attempts.map(({ cause, startedMs }) => `${cause} at ${startedMs}`)).toEqual([
      'original at 0',
      'hedge at 5',
      'retry at 19',
    ]);
  });

  it('start nothing beside an attempt under way once an error was final', async () => {
    const script: Script = [answer(30), { ...fail(2), note: 'final' } as never, hang()];
    const { stage, promise } = gather([script], {
      hedge: { after: 5, extra: 3 },
      retry: { retryable: (error) => !('final' in (error as object)) },
    });
    expect((await finish(stage.clock, promise)).values).toEqual(['0/1']);
    expect(stage.attempts.map(({ startedMs }) => startedMs)).toEqual([0, 5]);
  });

  it('start no hedge in the pause that the server asks for', async () => {
    const script: Script = [{ ...fail(1), note: { pushbackMs: 20 } } as never, answer(1)];
    const { stage, promise } = gather([script], { hedge: { after: 5 }, retry: {} });
    await finish(stage.clock, promise);
    expect(stage.attempts.map(({ cause, startedMs }) => `${cause} at ${startedMs}`)).toEqual([
      'original at 0',
      'retry at 21',
    ]);
    expect(stage.clock.now()).toBe(22);
  });

  it('are paid for by one budget: all targets together, and gather after gather', async () => {
    const stage = new Stage();
    const budget = budgetOf(3, steady(stage.clock));
    const leaves = Array.from({ length: 10 }, (): Script => [hang()]);
    for (let i = 0; i < 2; i++) {
      const { promise } = gather(
        leaves,
        { require: 0, straggler: 1, deadline: 20, hedge: { after: 5 }, budget },
        stage,
      );
      await finish(stage.clock, promise);
    }
    const { promise } = gather(leaves, { deadline: 20, hedge: { after: 5 }, retry: {}, budget }, stage);
    await rejectionOf(() => finish(stage.clock, promise));
    expect(stage.attempts.filter(({ cause }) => cause !== 'original')).toHaveLength(3);
    expect(budget.stats()).toMatchObject({ originals: 30, extras: 3 });
  });

  it('know a percentile that outlives the gather', async () => {
    const stage = new Stage();
    const after = percentile(0.5, { warmUp: 4, runtime: steady(stage.clock) });
    const leaves = [[answer(8)], [answer(8)], [answer(8)], [answer(8)]];
    await finish(stage.clock, gather(leaves, { hedge: { after } }, stage).promise);
    expect(after.delayMs).toBeCloseTo(8, 0);
    await finish(stage.clock, gather([[hang(), answer(1)]], { hedge: { after } }, stage).promise);
    expect(stage.attempts.at(-1)).toMatchObject({ cause: 'hedge' });
  });

  it('take a value that is not accepted for a failure', async () => {
    const script: Script = [{ ...answer(2), note: 'refused' } as never];
    const { stage, promise } = gather([script, [answer(1)]], { accept });
    const error = await rejectionOf(() => finish(stage.clock, promise));
    if (!isInsufficientCoverage(error)) throw error;
    expect(error.partial.outcomes[0]).toMatchObject({ status: 'failed', error: { message: '0/1!' } });
    expect(stage.discarded).toEqual([{ value: '0/1!', atMs: 2 }]);
  });

  it('count a target once under the attempt of a call that the same budget counts', async () => {
    const budget = new Budget({ ratio: 0.5, minPerSecond: 0 });
    const { hedge } = await import('holdfast/calls');
    const outer = hedge((_: number, attempt) => scatterGather([1, 2, 3], (n) => n, { ...attempt, budget }), {
      after: 50,
      budget,
    });
    expect((await outer(0)).values).toEqual([1, 2, 3]);
    expect(budget.stats()).toMatchObject({ originals: 1, extras: 0 });
  });
});

describe('a straggler wait from min to max', () => {
  const run = async (leaves: readonly Script[], min: number, max: number, deadline = 104) => {
    const { stage, promise, settled } = gather(leaves, { require: 1, straggler: { min, max }, deadline });
    const result = await finish(stage.clock, promise);
    return { atMs: settled()!.atMs, statuses: result.outcomes.map(({ status }) => status) };
  };

  it('is max of the time left while all the rest is open', async () => {
    expect(await run([[answer(4)], [hang()], [hang()], [hang()]], 0.1, 0.5)).toEqual({
      atMs: 54,
      statuses: ['ok', 'late', 'late', 'late'],
    });
  });

  it('is min when one is', async () => {
    expect((await run([[answer(4)], [hang()]], 0.1, 0.5)).atMs).toBe(14);
  });

  it('narrows on a line, counted from the answer that narrows it', async () => {
    // Met at 4 with three open: 50 of 100. At 10, two open: 30 from then. At 20, one open: 10 from then.
    expect((await run([[answer(4)], [answer(10)], [hang()], [hang()]], 0.1, 0.5)).atMs).toBe(40);
    expect((await run([[answer(4)], [answer(10)], [fail(20)], [hang()]], 0.1, 0.5)).atMs).toBe(30);
  });

  it('never exceeds what was said before', async () => {
    expect((await run([[answer(4)], [answer(53)], [hang()], [hang()]], 0.4, 0.5)).atMs).toBe(54);
  });

  it('of {s, s} is the wait of s', async () => {
    for (const leaves of [
      [[answer(4)], [answer(10)], [hang()], [hang()]],
      [[answer(4)], [hang()]],
    ] as Script[][])
      expect((await run(leaves, 0.25, 0.25)).atMs).toBe(29);
  });

  it('of 0 for the last settles when one is open, also without a deadline', async () => {
    expect(await run([[answer(4)], [answer(30)], [hang()]], 0, 1, Infinity)).toEqual({
      atMs: 30,
      statuses: ['ok', 'ok', 'cancelled'],
    });
  });

  it.each([
    { min: 0.5, max: 0.2 },
    { min: -0.1, max: 1 },
    { min: 0, max: 1.1 },
    { min: 0 },
    { min: 0, max: Number.NaN },
  ])('cannot be %j', async (straggler) => {
    await expect(scatterGather([1], (n) => n, { straggler: straggler as never })).rejects.toThrow(
      'straggler must be a finite number from 0 to 1 or { min, max } of such, min <= max, got an object',
    );
  });
});
