import type { Attempt, Percentile } from 'holdfast/calls';
import { Deadline } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { readHedge } from '../../src/calls/hedge-policy.ts';
import { Race } from '../../src/calls/race.ts';
import type { RaceResult } from '../../src/calls/race-entry.ts';
import { readRetry } from '../../src/calls/retry-policy.ts';
import { budgetOf, codeOf, CountingClock, steady } from '../support/serving.ts';

interface Setting {
  readonly after?: number | Percentile;
  readonly extra?: number;
  readonly extras?: number;
  readonly retryable?: (error: unknown) => boolean;
  readonly run: (attempt: Attempt) => string | PromiseLike<string>;
  readonly onResult?: (result: RaceResult<string>, race: Race<number, string>) => void;
}

function make({ after, extra = 1, extras, retryable, run, onResult }: Setting) {
  const clock = new VirtualClock();
  const counting = new CountingClock(clock);
  const attempts: Attempt[] = [];
  const results: RaceResult<string>[] = [];
  const race = new Race<number, string>({
    what: 'a race',
    run: (attempt) => {
      attempts.push(attempt);
      return run(attempt);
    },
    deadline: Deadline.never,
    request: 7,
    runtime: steady(counting),
    policy: {
      ...(after === undefined
        ? { retry: readRetry({ attempts: 1 + extra, retryable }) }
        : { hedge: readHedge({ after, extra }) }),
      budget: extras === undefined ? undefined : budgetOf(extras, steady(clock)),
    },
    onResult: (result) => {
      results.push(result);
      onResult?.(result, race);
    },
  });
  return { clock, counting, race, attempts, results };
}

const forever = (): Promise<never> => new Promise(() => undefined);

describe('a race', () => {
  it('of no delay follows a failure only, and sets no timer', async () => {
    const { clock, counting, race, results, attempts } = make({
      extra: 2,
      run: ({ attempt }) => (attempt === 3 ? clock.sleep(99).then(() => 'third') : Promise.reject(new Error('down'))),
    });
    race.start();
    await clock.runUntilIdle();
    expect(results).toEqual([{ status: 'ok', value: 'third', cause: 'retry' }]);
    expect(attempts.map(({ cause }) => cause)).toEqual(['original', 'retry', 'retry']);
    expect(counting.most).toBe(0);
  });

  it('never gives its result from inside `start`', async () => {
    const { clock, race, results } = make({ run: () => 'at once' });
    race.start();
    expect(results).toEqual([]);
    await clock.advance(0);
    expect(results).toEqual([{ status: 'ok', value: 'at once', cause: 'original' }]);
  });

  it('aborts the losers before anything else can run, and after the result was given', async () => {
    const seen: unknown[] = [];
    const { clock, race, attempts } = make({
      after: 5,
      run: ({ attempt }) => (attempt === 2 ? 'won' : forever()),
      onResult: () => {
        seen.push(attempts[0]!.signal.aborted);
        queueMicrotask(() => seen.push(attempts[0]!.signal.aborted));
      },
    });
    race.start();
    await clock.runUntilIdle();
    expect(seen).toEqual([false, true]);
    expect(attempts[0]!.signal.reason).toMatchObject({ message: 'another attempt of a race has won' });
  });

  it('that is called off when it is over stays as it was', async () => {
    const { clock, race, results, attempts } = make({
      after: 5,
      run: ({ attempt }) => (attempt === 2 ? 'won' : forever()),
      onResult: (_, self) => self.end('too late'),
    });
    race.start();
    await clock.runUntilIdle();
    race.end('much too late');
    expect(codeOf(attempts[0]!.signal.reason)).toBe('SUPERSEDED');
    expect(attempts[1]!.signal.aborted).toBe(false);
    expect(results).toHaveLength(1);
    expect(race.attempts).toBe(2);
  });

  it('that is called off starts nothing and gives no result, whatever its attempts come to', async () => {
    const { clock, counting, race, results, attempts } = make({
      after: 50,
      extra: 5,
      run: ({ attempt }) => clock.sleep(10).then(() => (attempt === 1 ? Promise.reject(new Error('down')) : 'late')),
    });
    race.start();
    await clock.advance(15);
    race.end('enough');
    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    expect(counting.pending).toBe(0);
    await clock.runUntilIdle();
    expect(results).toEqual([]);
    expect(race.attempts).toBe(2);
  });

  it('that is called off asks the policy nothing about what its attempts come to', async () => {
    const asked: unknown[] = [];
    const { clock, race } = make({
      retryable: (error) => asked.push(error) > 0,
      run: () => clock.sleep(10).then(() => Promise.reject(new Error('late'))),
    });
    race.start();
    race.end('enough');
    await clock.runUntilIdle();
    expect(asked).toEqual([]);
  });

  it('that has failed says so, with the error of an only attempt as it is', async () => {
    const error = new Error('down');
    const { clock, race, results } = make({ extra: 0, run: () => Promise.reject(error) });
    race.start();
    await clock.runUntilIdle();
    expect(results).toEqual([{ status: 'failed', error }]);
  });

  it('does not fail while an attempt is under way, whatever the others have come to and who does not pay', async () => {
    const { clock, race, results } = make({
      after: 5,
      extra: 2,
      extras: 1,
      run: ({ attempt }) =>
        attempt === 1
          ? clock.sleep(30).then(() => 'slow')
          : clock.sleep(4).then(() => Promise.reject(new Error('down'))),
    });
    race.start();
    await clock.runUntilIdle();
    expect(results).toEqual([{ status: 'ok', value: 'slow', cause: 'original' }]);
    expect(race.attempts).toBe(2);
  });

  it('tells a percentile of its original alone, whatever the others come to before it', async () => {
    const told: string[] = [];
    const { clock, race } = make({
      after: { delayMs: 5, answered: (ms) => told.push(`answered ${ms}`), silent: (ms) => told.push(`silent ${ms}`) },
      run: ({ attempt }) =>
        attempt === 1
          ? clock.sleep(9).then(() => 'slow')
          : clock.sleep(1).then(() => Promise.reject(new Error('down'))),
    });
    await clock.advance(1_000);
    race.start();
    await clock.runUntilIdle();
    expect(told).toEqual(['answered 9']);
  });
});
