import { Deadline } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import { readHedge } from '../../src/calls/hedge-policy.ts';
import { Race } from '../../src/calls/race.ts';
import type { RaceResult } from '../../src/calls/race-entry.ts';
import { readRetry } from '../../src/calls/retry-policy.ts';
import {
  type Act,
  answer,
  CountingClock,
  fail,
  hang,
  retryable,
  type Script,
  Stage,
  steady,
} from '../support/serving.ts';

/** A call that is hedged after 5 ms and retried: what a gather makes for each target. */
function started(script: Script, { extra = 3, deadlineMs = Infinity, attempts = 3, baseMs = 0 } = {}) {
  const stage = new Stage();
  const counting = new CountingClock(stage.clock);
  const results: RaceResult<string>[] = [];
  const deadline = Deadline.after(deadlineMs, stage.clock);
  const race = new Race<string, string>({
    what: 'a race',
    request: '',
    run: (attempt) => stage.perform(0, script, attempt),
    deadline,
    runtime: steady(counting, 1),
    policy: { hedge: readHedge({ after: 5, extra }), retry: readRetry({ attempts, backoff: { baseMs }, retryable }) },
    onResult: (result) => results.push(result),
  });
  race.start();
  const causes = (): readonly string[] =>
    stage.attempts.map(({ cause, startedMs }) => `${cause} at ${String(startedMs)}`);
  return { stage, counting, race, results, causes };
}

const pushedBack = (afterMs: number, pushbackMs: number): Act => ({
  does: 'fail',
  afterMs,
  onAbort: 'ignore',
  note: { pushbackMs },
});

describe('while a server has asked for a pause, and another attempt is under way,', () => {
  it('silence starts none before the pause is over, and then it does at once', async () => {
    const { stage, counting, results, causes } = started([hang(), pushedBack(1, 20), answer(2)]);
    await stage.clock.advance(25);
    expect(causes()).toEqual(['original at 0', 'hedge at 5']);
    expect(counting.pending).toBe(1);
    await stage.clock.runUntilIdle();
    expect(causes()).toEqual(['original at 0', 'hedge at 5', 'hedge at 26']);
    expect(results).toEqual([{ status: 'ok', value: '0/3', cause: 'hedge' }]);
    expect(counting.most).toBe(1);
  });

  it('a failure for which nobody asked a pause starts none either', async () => {
    const { stage, results, causes } = started([fail(8), pushedBack(1, 40), answer(1)]);
    await stage.clock.runUntilIdle();
    // The retry is the only one that is left to wait for: it comes when the pause is over.
    expect(causes()).toEqual(['original at 0', 'hedge at 5', 'retry at 46']);
    expect(results).toEqual([{ status: 'ok', value: '0/3', cause: 'retry' }]);
  });

  it('a shorter pause that another server asks for does not cut it', async () => {
    const { stage, causes } = started([pushedBack(8, 10), pushedBack(1, 40), answer(1)]);
    await stage.clock.runUntilIdle();
    expect(causes()).toEqual(['original at 0', 'hedge at 5', 'retry at 46']);
  });

  it('a longer one that another server asks for prolongs it', async () => {
    const { stage, causes } = started([hang(), pushedBack(8, 10), pushedBack(1, 60), answer(1)]);
    await stage.clock.runUntilIdle();
    // The third starts by silence before any of them has spoken: at 10; it asks at 11 for a pause until 71.
    expect(causes()).toEqual(['original at 0', 'hedge at 5', 'hedge at 10', 'hedge at 71']);
  });

  it.each([
    ['that is without end', Infinity, Infinity],
    ['that is longer than the time left', 60, 50],
    ['that would end with the deadline', 44, 50],
  ])('a pause %s is not waited for: no timer is left that could start nothing', async (_name, pauseMs, deadlineMs) => {
    const { stage, counting, race, results, causes } = started([hang(), pushedBack(1, pauseMs)], { deadlineMs });
    await stage.clock.advance(11);
    expect(counting.pending).toBe(0);
    await stage.clock.runUntilIdle();
    expect(causes()).toEqual(['original at 0', 'hedge at 5']);
    expect(results).toEqual([]);
    race.end('enough');
  });

  it('an answer of that attempt is the answer', async () => {
    const { stage, counting, results } = started([answer(12), pushedBack(1, 20)]);
    await stage.clock.runUntilIdle();
    expect(results).toEqual([{ status: 'ok', value: '0/1', cause: 'original' }]);
    expect(stage.clock.now()).toBe(12);
    expect(counting.pending).toBe(0);
  });
});

it('a server that asks for no pause, 0 ms, is asked again by a retry, at once, and the hedge is spared', async () => {
  const { stage, causes } = started([pushedBack(1, 0), fail(1), answer(1)], { extra: 1, attempts: 2, baseMs: 50 });
  await stage.clock.runUntilIdle();
  expect(causes()).toEqual(['original at 0', 'retry at 1', 'retry at 2']);
});

it('after a failure that is final silence starts none, and who is under way may still answer', async () => {
  const { stage, race, results } = started([{ ...fail(7), note: 'final' } as Act, answer(30)]);
  await stage.clock.runUntilIdle();
  expect(race.attempts).toBe(2);
  expect(results).toEqual([{ status: 'ok', value: '0/2', cause: 'hedge' }]);
});
