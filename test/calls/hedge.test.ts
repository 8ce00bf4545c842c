import { type Attempt, type Call, hedge } from 'holdfast/calls';
import { Deadline, isDeadlineExceeded, systemRuntime } from 'holdfast/core';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answer,
  catchWarnings,
  codeOf,
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

/** A hedged call whose attempts follow the script. */
function staged(script: Script, policy: { readonly after: number; readonly extra?: number }) {
  const stage = new Stage();
  const clock = new CountingClock(stage.clock);
  const call = hedge((_request: unknown, attempt) => stage.perform(0, script, attempt), {
    ...policy,
    discard: stage.discard,
    runtime: steady(clock),
  });
  return { stage, clock, call };
}

const causes = ({ attempts }: Stage): readonly string[] =>
  attempts.map(({ cause, startedMs }) => `${cause} at ${String(startedMs)}`);

describe('hedge', () => {
  it('starts one attempt when that one is quick', async () => {
    const { stage, clock, call } = staged([answer(4)], { after: 5 });
    const settled = watch(call(0), stage.clock, clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ value: '0/1', atMs: 4, timers: 0 });
    expect(causes(stage)).toEqual(['original at 0']);
  });

  it('starts another after so much silence, and the first success is the answer', async () => {
    const { stage, call } = staged([answer(100), answer(3)], { after: 5 });
    const settled = watch(call(0), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ value: '0/2', atMs: 8 });
    expect(causes(stage)).toEqual(['original at 0', 'hedge at 5']);
    expect(stage.attempts[0]).toMatchObject({ abortedMs: 8, reason: 'SUPERSEDED' });
    expect(stage.attempts[1]!.abortedMs).toBeUndefined();
  });

  it('takes the slow original when it is still the first', async () => {
    const { stage, call } = staged([answer(6), answer(3)], { after: 5 });
    expect(await finish(stage.clock, call(0))).toBe('0/1');
    expect(stage.attempts[1]).toMatchObject({ abortedMs: 6, reason: 'SUPERSEDED' });
  });

  it('starts another at once when one fails, and counts the silence from there', async () => {
    const { stage, call } = staged([fail(2), hang(), answer(1)], { after: 5, extra: 2 });
    expect(await finish(stage.clock, call(0))).toBe('0/3');
    expect(causes(stage)).toEqual(['original at 0', 'retry at 2', 'hedge at 7']);
  });

  it('makes no attempt beyond 1 + extra, however long the silence', async () => {
    const { stage, clock, call } = staged([hang()], { after: 5, extra: 3 });
    const settled = watch(call(0, { deadline: 1_000 }), stage.clock, clock);
    await stage.clock.runUntilIdle();
    expect(causes(stage)).toEqual(['original at 0', 'hedge at 5', 'hedge at 10', 'hedge at 15']);
    expect(isDeadlineExceeded(settled()!.error)).toBe(true);
    expect(settled()).toMatchObject({ atMs: 1_000, timers: 0 });
    expect(clock.most).toBe(2);
  });

  it('hedges once when `extra` is not given, and never when it is 0', async () => {
    for (const [extra, expected] of [
      [undefined, 2],
      [0, 1],
    ] as const) {
      const { stage, clock, call } = staged([hang()], { after: 5, ...(extra !== undefined && { extra }) });
      const settled = watch(call(0, { deadline: 100 }), stage.clock);
      await stage.clock.runUntilIdle();
      expect(settled()!.atMs).toBe(100);
      expect(stage.attempts).toHaveLength(expected);
      expect(clock.most).toBe(expected);
    }
  });

  it('fails when the last attempt allowed has failed, not before', async () => {
    const { stage, call } = staged([fail(20), fail(3)], { after: 5 });
    const settled = watch(call(0), stage.clock);
    await stage.clock.advance(19);
    expect(settled()).toBeUndefined();
    await stage.clock.advance(1);
    expect(settled()!.error).toBeInstanceOf(AggregateError);
    expect(settled()!.error).toHaveProperty('message', 'all 2 attempts of a hedged call failed');
  });

  it('names the errors of several attempts in the order of the attempts, not of the failures', async () => {
    const { stage, call } = staged([fail(100), fail(50), fail(1)], { after: 5, extra: 2 });
    const error = await rejectionOf(() => finish(stage.clock, call(0)));
    expect(messagesOf(error)).toEqual(['0/1', '0/2', '0/3']);
  });

  it('rejects with the error of an only attempt as it is', async () => {
    const { stage, call } = staged([fail(1)], { after: 5, extra: 0 });
    const error = await rejectionOf(() => finish(stage.clock, call(0)));
    expect(error).not.toBeInstanceOf(AggregateError);
    expect(messagesOf(error)).toEqual(['0/1']);
  });

  it('takes a synchronous throw for a failure', async () => {
    const { stage, call } = staged([toss, give], { after: 5 });
    expect(await finish(stage.clock, call(0))).toBe('0/2');
    expect(causes(stage)).toEqual(['original at 0', 'retry at 0']);
  });

  it('passes the request on, and tells every attempt what it is', async () => {
    const clock = new VirtualClock();
    const seen: [string, number, Attempt['cause']][] = [];
    const call = hedge(
      (request: string, { attempt, cause }) => {
        seen.push([request, attempt, cause]);
        return attempt === 1 ? Promise.reject(new Error('no')) : new Promise<never>(() => undefined);
      },
      { after: 5, extra: 2, runtime: steady(clock) },
    );
    expect(isDeadlineExceeded(await rejectionOf(() => finish(clock, call('q', { deadline: 50 }))))).toBe(true);
    expect(seen).toEqual([
      ['q', 1, 'original'],
      ['q', 2, 'retry'],
      ['q', 3, 'hedge'],
    ]);
  });

  it('keeps two calls of one policy apart', async () => {
    const { stage, call } = staged([answer(3)], { after: 5 });
    const controller = new AbortController();
    const calledOff = watch(call(0, { signal: controller.signal }), stage.clock);
    const other = watch(call(0), stage.clock);
    await stage.clock.advance(1);
    controller.abort('enough');
    await stage.clock.runUntilIdle();
    expect(calledOff()).toMatchObject({ error: 'enough', atMs: 1 });
    expect(other()).toMatchObject({ value: '0/1', atMs: 3 });
    expect(stage.attempts[1]!.abortedMs).toBeUndefined();
  });
});

describe('the limits of a hedged call', () => {
  it('call nobody when the deadline has passed or the signal has aborted on entry', async () => {
    const { stage, clock, call } = staged([give], { after: 5 });
    const signal = AbortSignal.abort('too late');
    for (const deadline of [0, -5, Deadline.after(0, stage.clock)])
      expect(isDeadlineExceeded(await rejectionOf(() => call(0, { deadline })))).toBe(true);
    expect(await rejectionOf(() => call(0, { signal }))).toBe('too late');
    expect(await rejectionOf(() => call(0, { signal, deadline: 0 }))).toBe('too late');
    expect(stage.attempts).toEqual([]);
    expect(clock.most).toBe(0);
    expect(listenersOf(signal)).toBe(0);
  });

  it('pass the caller’s own reason on, also null', async () => {
    const { stage, call } = staged([hang()], { after: 5 });
    const controller = new AbortController();
    const settled = watch(call(0, { signal: controller.signal }), stage.clock, undefined, controller.signal);
    await stage.clock.advance(7);
    controller.abort(null);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ error: null, atMs: 7, listeners: 0 });
    expect(stage.attempts.map(({ reason }) => reason)).toEqual([null, null]);
  });

  it('give every attempt the deadline of the call, which shrinks by itself', async () => {
    const { stage, call } = staged([hang()], { after: 5, extra: 2 });
    const settled = watch(call(0, { deadline: 20 }), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()!.atMs).toBe(20);
    expect(stage.attempts.map(({ leftMs }) => leftMs)).toEqual([20, 15, 10]);
  });

  it('hold beyond what a platform timer can count', async () => {
    const { stage, call } = staged([answer(2 ** 32), answer(5)], { after: 2 ** 31 });
    const settled = watch(call(0, { deadline: 2 ** 33 }), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ value: '0/2', atMs: 2 ** 31 + 5 });
  });

  it('come through an outer attempt that is handed on as the options of the call', async () => {
    const { stage, call: inner } = staged([hang()], { after: 50, extra: 0 });
    const outer = hedge((request: number, attempt) => (attempt.attempt === 1 ? inner(request, attempt) : 'second'), {
      after: 5,
      runtime: steady(stage.clock),
    });
    expect(await finish(stage.clock, outer(0, { deadline: 40 }))).toBe('second');
    expect(stage.attempts).toMatchObject([{ leftMs: 40, abortedMs: 5, reason: 'SUPERSEDED' }]);
  });
});

describe('the signal of an attempt', () => {
  it('is one object, made when it is asked for, aborted when it was called off before', async () => {
    const clock = new VirtualClock();
    const attempts: Attempt[] = [];
    const call = hedge(
      (_: number, attempt) => {
        attempts.push(attempt);
        return attempt.attempt === 2 ? 'won' : new Promise<never>(() => undefined);
      },
      { after: 5, runtime: steady(clock) },
    );
    expect(await finish(clock, call(0))).toBe('won');
    const [loser, winner] = attempts;
    expect(loser!.signal).toBe(loser!.signal);
    expect(loser!.signal.aborted).toBe(true);
    expect(codeOf(loser!.signal.reason)).toBe('SUPERSEDED');
    expect(winner!.signal.aborted).toBe(false);
  });

  it('fits fetch: a request made with the attempt is called off with it', async () => {
    const clock = new VirtualClock();
    const requests: Request[] = [];
    const call: Call<string, string> = hedge(
      (url: string, attempt) => {
        requests.push(new Request(url, attempt));
        return attempt.attempt === 2 ? 'won' : new Promise<never>(() => undefined);
      },
      { after: 5, runtime: steady(clock) },
    );
    expect(await finish(clock, call('http://localhost/'))).toBe('won');
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    const fits: Call<string, Response> = fetch;
    expect(fits).toBe(fetch);
  });
});

describe('what peers got wrong', () => {
  it('an error does not beat a slow success', async () => {
    const { stage, call } = staged([answer(30), fail(1)], { after: 5 });
    expect(await finish(stage.clock, call(0))).toBe('0/1');
  });

  it('losers are not waited for, not even those that ignore their signal', async () => {
    const { stage, clock, call } = staged([hang('ignore'), answer(1)], { after: 5 });
    const settled = watch(call(0, { deadline: 9_999 }), stage.clock, clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ value: '0/2', atMs: 6, timers: 0 });
  });

  it('each attempt has a controller of its own', async () => {
    const { stage, call } = staged([answer(3), hang()], { after: 1, extra: 2 });
    expect(await finish(stage.clock, call(0))).toBe('0/1');
    expect(stage.attempts.map(({ abortedMs }) => abortedMs)).toEqual([undefined, 3, 3]);
  });

  it('the winner’s body can be read after the call has returned, whatever the caller’s signal does then', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const call = hedge(
      (_: number, { signal }) => ({
        text: async () => {
          await clock.sleep(1_000, signal);
          return 'the body';
        },
      }),
      { after: 5, runtime: steady(clock) },
    );
    const response = await call(0, { signal: controller.signal, deadline: 10 });
    const body = response.text();
    controller.abort();
    expect(await finish(clock, body)).toBe('the body');
  });

  it('one listener serves all calls under a signal, and none is left', async () => {
    const { stage, call } = staged([answer(3)], { after: 1 });
    const { signal } = new AbortController();
    const warnings = catchWarnings();
    const calls = Array.from({ length: 50 }, () => call(0, { signal }));
    expect(listenersOf(signal)).toBe(1);
    await finish(stage.clock, Promise.all(calls));
    expect(listenersOf(signal)).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('a loser that rejects when it is aborted, or an hour later, is no unhandled rejection', async () => {
    const { stage, call } = staged([hang('reject'), hang({ lateMs: 3_600_000, ok: false }), answer(1)], {
      after: 5,
      extra: 2,
    });
    await failOnLeaks(async () => {
      expect(await finish(stage.clock, call(0))).toBe('0/3');
    });
    expect(stage.clock.now()).toBeGreaterThan(3_600_000);
  });

  it('a thenable that settles twice settles the call once', async () => {
    const clock = new VirtualClock();
    const call = hedge(
      () =>
        ({
          then: (resolve: (value: string) => void, reject: (error: unknown) => void) => {
            resolve('first');
            reject(new Error('second'));
            resolve('third');
          },
        }) as PromiseLike<string>,
      { after: 5, runtime: steady(clock) },
    );
    expect(await finish(clock, call(0))).toBe('first');
  });
});

describe('discard', () => {
  it('gets every late value once and never the winner’s', async () => {
    const late = { lateMs: 10, ok: true };
    const { stage, call } = staged([hang(late), answer(8, 'ignore'), answer(1)], { after: 5, extra: 2 });
    expect(await finish(stage.clock, call(0))).toBe('0/3');
    await stage.clock.advance(3_600_000);
    expect(stage.discarded).toEqual([
      { value: '0/2', atMs: 13 },
      { value: '0/1', atMs: 21 },
    ]);
  });

  it('gets what came after the deadline and after the caller had gone', async () => {
    const { stage, call } = staged([answer(30, 'ignore')], { after: 5, extra: 0 });
    const controller = new AbortController();
    const late = watch(call(0, { deadline: 10 }), stage.clock);
    const gone = watch(call(0, { signal: controller.signal }), stage.clock);
    await stage.clock.advance(20);
    controller.abort();
    await stage.clock.runUntilIdle();
    expect([late()!.atMs, gone()!.atMs]).toEqual([10, 20]);
    expect(stage.discarded).toEqual([
      { value: '0/1', atMs: 30 },
      { value: '0/1', atMs: 30 },
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no body');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no body'))],
  ])('that %s is reported and breaks nothing', async (_how, discard) => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    const call = hedge((_request: number, { attempt }) => clock.sleep(attempt === 1 ? 9 : 1), {
      after: 5,
      discard,
      runtime: steady(clock),
    });
    await failOnLeaks(async () => {
      await finish(clock, call(0));
    });
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: discard failed: no body']);
    expect(warnings[0]!.cause).toMatchObject({ message: 'no body' });
  });
});

describe('re-entrancy', () => {
  it('an attempt that aborts the caller’s signal before it returns ends the call', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    let calls = 0;
    const call = hedge(
      (_: number, { signal }) => {
        calls++;
        controller.abort('enough');
        expect(signal.reason).toBe('enough');
        return 'an answer';
      },
      { after: 0, extra: 5, runtime: steady(clock) },
    );
    expect(await rejectionOf(() => finish(clock, call(0, { signal: controller.signal })))).toBe('enough');
    expect(calls).toBe(1);
  });

  it('a loser that aborts the caller’s signal when it is called off does not undo the success', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const call = hedge(
      (_: number, { attempt, signal }) => {
        signal.addEventListener('abort', () => controller.abort(new Error('cancel everything')));
        return attempt === 2 ? 'an answer' : new Promise<never>(() => undefined);
      },
      { after: 5, runtime: steady(clock) },
    );
    expect(await finish(clock, call(0, { signal: controller.signal }))).toBe('an answer');
    expect(controller.signal.aborted).toBe(true);
  });

  it('a call may call itself', async () => {
    const clock = new VirtualClock();
    const call: Call<number, number> = hedge(
      async (depth: number, attempt) => (depth === 0 ? clock.now() : await call(depth - 1, attempt)),
      { after: 5, runtime: steady(clock) },
    );
    expect(await finish(clock, call(20))).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

it('a hedged call runs on the platform’s time when no runtime is given', async () => {
  const fake = vi.spyOn(systemRuntime.clock, 'setTimer');
  const call = hedge(() => 'an answer', { after: 60_000 });
  expect(await call(0, { deadline: Infinity })).toBe('an answer');
  expect(fake).toHaveBeenCalledTimes(1);
  expect(fake).toHaveBeenCalledWith(60_000, expect.any(Function), { ref: true });
});
