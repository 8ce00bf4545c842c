import type { Attempt } from 'holdfast/calls';
import { scatter } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { codeOf, collected, CountingClock, finish, listenersOf, rejectionOf, steady } from '../support/serving.ts';

const silent = (): Promise<never> => new Promise(() => undefined);

describe('a loop over a scatter that is left', () => {
  it('tells what is open so', async () => {
    const reasons: unknown[] = [];
    const outcomes = scatter([1, 2], (target, { signal }) => {
      if (target === 1) return target;
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return silent();
    });
    for await (const { target } of outcomes) if (target === 1) break;
    expect(reasons).toMatchObject([{ code: 'SUPERSEDED', message: 'the loop over a scatter was left' }]);
  });

  it('from inside of an abort listener does not change why the others are called off', async () => {
    const clock = new VirtualClock();
    const reasons: unknown[] = [];
    let left: Promise<unknown> | undefined;
    const leaf = (_: number, { signal }: Attempt): Promise<never> => {
      signal.addEventListener('abort', () => {
        reasons.push(codeOf(signal.reason));
        left ??= iterator.return!();
      });
      return silent();
    };
    const iterator = scatter([1, 2], leaf, { deadline: 20, runtime: steady(clock) })[Symbol.asyncIterator]();
    const next = iterator.next();
    await clock.runUntilIdle();
    expect(reasons).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    expect(await left).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('discards answers that nobody has taken, and nothing of a failure', async () => {
    const controller = new AbortController();
    const discarded: unknown[] = [];
    const iterator = scatter(
      [1, 2, 3, 4],
      (target) => {
        if (target === 2) throw new Error('broken');
        return target === 4 ? silent() : target;
      },
      { signal: controller.signal, discard: (value) => discarded.push(value) },
    )[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { target: 1 } });
    controller.abort('enough');
    expect(discarded).toEqual([3]);
  });
});

describe('a scatter that begins', () => {
  it('after the signal has aborted throws its reason, which comes before the deadline, and asks nobody', async () => {
    for (const deadline of [100, 0]) {
      const clock = new VirtualClock();
      const signal = AbortSignal.abort('gone');
      let asked = 0;
      const outcomes = scatter([1, 2], () => ++asked, { signal, deadline, runtime: steady(clock) });
      const iterator = outcomes[Symbol.asyncIterator]();
      expect(await rejectionOf(() => iterator.next())).toBe('gone');
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(asked).toBe(0);
      expect(listenersOf(signal)).toBe(0);
    }
  });

  it('after the deadline skips everybody and sets no timer', async () => {
    const clock = new VirtualClock();
    const counting = new CountingClock(clock);
    let asked = 0;
    const outcomes = scatter([1, 2], () => ++asked, { deadline: 0, runtime: steady(counting) });
    const seen = await finish(clock, collected(outcomes));
    expect(seen.map(({ target, status }) => [target, status])).toEqual([
      [1, 'skipped'],
      [2, 'skipped'],
    ]);
    expect(asked).toBe(0);
    expect(counting.most).toBe(0);
  });

  it('ends `reserveMs` before the deadline, and its leaves know', async () => {
    const clock = new VirtualClock();
    const told: unknown[] = [];
    const leaf = (_: number, { deadline, signal }: Attempt): Promise<never> => {
      told.push(deadline.remaining());
      signal.addEventListener('abort', () => told.push(signal.reason));
      return silent();
    };
    const options = { deadline: 20, reserveMs: 5, runtime: steady(clock) };
    const seen = await finish(clock, collected(scatter([1], leaf, options)));
    expect(seen).toMatchObject([{ target: 1, status: 'late', ms: 15 }]);
    expect(told).toMatchObject([15, { code: 'DEADLINE_EXCEEDED', message: 'the deadline of a scatter has passed' }]);
  });
});
