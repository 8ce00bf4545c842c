import { LoadBalancer } from 'holdfast/balancing';
import { type Clock, Deadline } from 'holdfast/core';
import { isInsufficientCoverage, scatter, scatterGather } from 'holdfast/scatter';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { collected } from '../support/serving.ts';

/** A promise of the platform whose `then` is not. */
function withThen(then: () => void): Promise<number> {
  return Object.defineProperty(Promise.resolve(1), 'then', { value: then });
}
const throwing = (): Promise<number> =>
  withThen(() => {
    throw new Error('then');
  });

describe('a leaf that returns a promise with a `then` of its own', () => {
  it('fails when that throws, and leaves nothing behind', async () => {
    await failOnLeaks(async ({ runtime, signal }) => {
      const options = { runtime, signal, deadline: 60_000, require: 0, straggler: 1 } as const;
      const found = await scatterGather([1], throwing, options);
      expect(found.outcomes).toMatchObject([{ status: 'failed', error: { message: 'then' } }]);
    });
  });

  it('does not keep the member of a balancer busy', async () => {
    const balancer = new LoadBalancer(['a']);
    await expect(balancer.run(throwing)).rejects.toThrow('then');
    expect(balancer.stats().members).toMatchObject([{ id: 'a', pending: 0 }]);
  });
});

/** Leaves each of which keeps the process busy for 30 ms: its clock moves, and the timers have no turn. */
function busyLeaves() {
  const clock = new VirtualClock();
  let stolenMs = 0;
  const busy: Clock = {
    now: () => clock.now() + stolenMs,
    wallNow: () => clock.wallNow(),
    setTimer: (ms, fn) => clock.setTimer(ms, fn),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const asked: number[] = [];
  const leaf = (target: number): number => {
    asked.push(target);
    stolenMs += 30;
    return target;
  };
  return { asked, leaf, clock, runtime: { clock: busy, random: () => 0 } };
}

describe('a process that is too busy to notice the deadline', () => {
  it.each([undefined, 1])('asks nobody after it, with the concurrency %s', async (concurrency) => {
    const { asked, leaf, runtime } = busyLeaves();
    const options = { deadline: 20, runtime, ...(concurrency !== undefined && { concurrency }) };
    const error: unknown = await scatterGather([1, 2, 3], leaf, options).catch((reason: unknown) => reason);
    if (!isInsufficientCoverage(error)) throw error;
    expect(asked).toEqual([1]);
    expect(error.partial.outcomes.map(({ status }) => status).slice(1)).toEqual(['skipped', 'skipped']);
  });

  it('asks nobody after it in a scatter, and discards the answer that came too late', async () => {
    const { asked, leaf, clock, runtime } = busyLeaves();
    const discarded: number[] = [];
    const discard = (value: number): void => void discarded.push(value);
    const outcomes = await collected(scatter([1, 2, 3], leaf, { deadline: 20, discard, runtime }));
    expect(asked).toEqual([1]);
    expect(outcomes.map(({ target, status, ms }) => [target, status, ms])).toEqual([
      [1, 'late', 30],
      [2, 'skipped', 0],
      [3, 'skipped', 0],
    ]);
    expect(discarded).toEqual([1]);
    expect(clock.pending).toBe(0);
  });
});

describe('answers that nobody gets', () => {
  it('go to discard when the caller aborts', async () => {
    const controller = new AbortController();
    const discarded: number[] = [];
    const gathering = scatterGather([1, 2], (n) => (n === 1 ? n : new Promise<number>(() => undefined)), {
      signal: controller.signal,
      discard: (value) => discarded.push(value),
    });
    const error = gathering.catch((reason: unknown) => reason);
    await new VirtualClock().advance(1);
    controller.abort('bye');
    expect(await error).toBe('bye');
    expect(discarded).toEqual([1]);
  });
});

it('a requirement that answers with a promise is refused, not met', async () => {
  const require = (async () => Promise.resolve(false)) as never;
  await expect(scatterGather([1], (n) => n, { require })).rejects.toThrow(
    'what the require function returns must be a boolean, got a Promise',
  );
});

it('a deadline whose timer has fired has come, whatever the rounding of fractions', async () => {
  // now + (due − now) rounds to just below due: the timer set for what is left fires an ulp before.
  const clock = new VirtualClock();
  await clock.advance(35.44404652243094);
  const deadline = Deadline.after(72.47235791092059, clock);
  await clock.advance(0.4343725863308596);
  await clock.advance(deadline.remaining());
  expect(deadline.expired).toBe(true);
});
