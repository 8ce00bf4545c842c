import { scatterGather } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { finish, rejectionOf, steady } from '../support/serving.ts';

describe('a gather that waits', () => {
  it('keeps the process alive until the deadline, and for stragglers', async () => {
    const clock = new VirtualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const silent = new Promise<never>(() => undefined);
    await finish(
      clock,
      scatterGather(['quick', 'silent'], (target) => (target === 'quick' ? target : silent), {
        ...{ deadline: 100, require: 1, straggler: 0.5 },
        runtime: steady(clock),
      }),
    );
    expect(clock.now()).toBe(50);
    for (const ms of [100, 50]) expect(setTimer).toHaveBeenCalledWith(ms, expect.any(Function), { ref: true });
    expect(setTimer).toHaveBeenCalledTimes(2);
  });
});

describe('a requirement that aborts the caller’s signal and throws', () => {
  it('rejects with the caller’s reason, and what was answered is discarded once', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const discarded: number[] = [];
    const gathering = scatterGather([1, 2], (ms) => clock.sleep(ms).then(() => ms), {
      require: ({ ok }) => {
        if (ok === 0) return false;
        controller.abort('enough');
        throw new Error('no verdict');
      },
      signal: controller.signal,
      discard: (value) => discarded.push(value),
      runtime: steady(clock),
    });
    expect(await rejectionOf(() => finish(clock, gathering))).toBe('enough');
    expect(discarded).toEqual([1, 2]); // and the one that was open then
  });
});

describe('the attempts of a leaf', () => {
  it('are told whose other attempt has won', async () => {
    const clock = new VirtualClock();
    let told: unknown;
    const gathering = scatterGather(
      [1],
      (target, { attempt, signal }) => {
        if (attempt > 1) return target;
        signal.addEventListener('abort', () => void (told = signal.reason));
        return new Promise<number>(() => undefined);
      },
      { hedge: { after: 5 }, runtime: steady(clock) },
    );
    await finish(clock, gathering);
    expect(told).toMatchObject({ code: 'SUPERSEDED', message: 'another attempt of a leaf has won' });
  });

  it('that were not accepted, or have all failed, say whose they are', async () => {
    const clock = new VirtualClock();
    const gathering = scatterGather(
      ['refused', 'broken'],
      (target) => {
        if (target === 'broken') throw new Error(target);
        return target;
      },
      {
        accept: () => false,
        ...{ require: 0, straggler: 1 },
        retry: { attempts: 2, retryable: (_, target) => target === 'broken' },
        runtime: steady(clock),
      },
    );
    const { outcomes } = await finish(clock, gathering);
    expect(outcomes).toMatchObject([
      { error: { code: 'NOT_ACCEPTED', message: 'an answer of a leaf was not accepted' } },
      { error: { code: 'ATTEMPTS_FAILED', message: 'all 2 attempts of a leaf failed' } },
    ]);
  });
});
