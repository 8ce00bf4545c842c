import { Budget, type Call, hedge, type Percentile, percentile, retry } from 'holdfast/calls';
import { HoldfastError, isDeadlineExceeded, isHoldfastError } from 'holdfast/core';
import { scatterGather } from 'holdfast/scatter';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { afterFailure, backoffMs } from '../../src/calls/next-move.ts';
import { hostileValues } from '../support/hostile.ts';
import {
  answer,
  bad,
  budgetOf,
  catchWarnings,
  CountingClock,
  expectInvalid,
  fail,
  finish,
  hang,
  messagesOf,
  rejectionOf,
  type Script,
  Stage,
  steady,
  thrownBy,
  watch,
} from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const causes = ({ attempts }: Stage): readonly string[] =>
  attempts.map(({ cause, startedMs }) => `${cause} at ${String(startedMs)}`);

const throwing = (): never => {
  throw new Error('a bug of the user');
};

function hedged(script: Script, options: Partial<Parameters<typeof hedge<string, string>>[1]>) {
  const stage = new Stage();
  const runtime = steady(stage.clock);
  const call = hedge((_: string, attempt) => stage.perform(0, script, attempt), {
    after: 5,
    discard: stage.discard,
    runtime,
    ...options,
  });
  return { stage, runtime, call };
}

function retried(script: Script, options: Parameters<typeof retry<string, string>>[1], chance = 0.5) {
  const stage = new Stage();
  const clock = new CountingClock(stage.clock);
  const runtime = steady(clock, chance);
  const call = retry((_: string, attempt) => stage.perform(0, script, attempt), {
    backoff: { baseMs: 20, maxMs: 30 },
    discard: stage.discard,
    runtime,
    ...options,
  });
  return { stage, clock, call };
}

describe('the delay of a hedge', () => {
  it('may be a function of the request: of a number, of undefined, of a percentile', async () => {
    const asked: string[] = [];
    const fake = { delayMs: 7, answered: () => undefined, silent: () => undefined };
    const { stage, call } = hedged([hang()], {
      after: (request: string) => {
        asked.push(request);
        return request === 'slow' ? 50 : request === 'learnt' ? fake : request === 'never' ? Infinity : undefined;
      },
    });
    for (const [request, expected] of [
      ['slow', 50],
      ['learnt', 7],
      ['never', undefined],
      ['?', undefined],
    ] as const) {
      stage.attempts.length = 0;
      const startMs = stage.clock.now();
      await rejectionOf(() => finish(stage.clock, call(request, { deadline: 100 })));
      expect(stage.attempts[1]?.startedMs).toBe(expected === undefined ? undefined : startMs + expected);
    }
    expect(asked).toEqual(['slow', 'learnt', 'never', '?']);
  });

  it.each([undefined, Infinity])('of %s is none, though a failed attempt is followed all the same', async (delayMs) => {
    const warnings = catchWarnings();
    const clock = new CountingClock(new VirtualClock());
    const { stage, call } = hedged([fail(3), answer(1)], { after: () => delayMs, runtime: steady(clock) });
    expect(await finish(stage.clock, call(''))).toBe('0/2');
    expect(clock.most).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('of a percentile is cut to half of the time that is left', async () => {
    const learnt: Percentile = { delayMs: 80, answered: () => undefined, silent: () => undefined };
    const { stage, call } = hedged([hang()], { after: learnt });
    await rejectionOf(() => finish(stage.clock, call('', { deadline: 100 })));
    expect(causes(stage)).toEqual(['original at 0', 'hedge at 50']);
  });

  it('of a percentile is none before the warm-up, though a failed attempt is followed all the same', async () => {
    const warnings = catchWarnings();
    const learnt = percentile(0.9, { warmUp: 2 });
    const silent = hedged([hang()], { after: learnt });
    await rejectionOf(() => finish(silent.stage.clock, silent.call('', { deadline: 100 })));
    expect(causes(silent.stage)).toEqual(['original at 0']);
    const failing = hedged([fail(3), answer(1)], { after: learnt });
    expect(await finish(failing.stage.clock, failing.call(''))).toBe('0/2');
    expect(warnings).toEqual([]);
  });

  it('learns: an original that won took so long; one that lost, failed or was called off, longer', async () => {
    const log: string[] = [];
    const learnt: Percentile = {
      delayMs: 5,
      answered: (ms) => log.push(`answered ${ms}`),
      silent: (ms) => log.push(`silent ${ms}`),
    };
    const run = async (script: Script, options: object = {}): Promise<void> => {
      const { stage, call } = hedged(script, { after: learnt });
      await finish(stage.clock, call('', options)).catch(() => undefined);
    };
    await run([answer(3)]);
    await run([answer(9), hang()]); // late, but it won
    await run([hang(), answer(4)]); // lost after 5 + 4
    await run([answer(12, 'ignore'), answer(4)]); // its own answer comes too late to count
    await run([fail(2), answer(1)]);
    await run([hang()], { deadline: 20 });
    expect(log).toEqual(['answered 3', 'answered 9', 'silent 9', 'silent 9', 'silent 2', 'silent 20']);
  });
});

describe('a percentile of the user’s own', () => {
  it('is told once of each original, also when it calls the call off', async () => {
    for (const script of [[fail(1)], [hang('reject')]] as Script[]) {
      const caller = new AbortController();
      const told: string[] = [];
      const abort = (what: string) => (): void => {
        told.push(what);
        caller.abort('enough');
      };
      const { stage, call } = hedged(script, {
        after: { delayMs: 50, answered: abort('answered'), silent: abort('silent') },
      });
      stage.clock.setTimer(9, () => caller.abort('enough'));
      expect(await rejectionOf(() => finish(stage.clock, call('', { signal: caller.signal })))).toBe('enough');
      expect(told).toEqual(['silent']);
    }
  });

  const made = (delayMs: () => unknown, told: () => unknown = () => undefined): Percentile =>
    bad({
      get delayMs() {
        return delayMs();
      },
      answered: told,
      silent: told,
    });

  it.each<[string, () => unknown]>([
    ['NaN', () => Number.NaN],
    ['Infinity', () => Infinity],
    ['less than 0', () => -1],
    ['a text', () => '5'],
    ['null', () => null],
    ['a promise', async () => 5],
    ['a throw', throwing],
  ])('whose delay is %s costs the calls their hedge, and is reported once', async (_name, delayMs) => {
    const warnings = catchWarnings();
    for (const after of [made(delayMs), made(delayMs)]) {
      const { stage, call } = hedged([answer(30)], { after });
      for (let i = 0; i < 3; i++) expect(await finish(stage.clock, call('', { deadline: 100 }))).toBe('0/1');
      expect(causes(stage)).toEqual(['original at 0', 'original at 30', 'original at 60']);
    }
    expect(warnings.map(({ message }) => message.split(': ')[1])).toEqual(Array(2).fill('a percentile is of no use'));
  });

  it('that gives what is no delay is told of with what is allowed and what came', async () => {
    const warnings = catchWarnings();
    const { stage, call } = hedged([answer(1)], { after: made(() => -1) });
    await finish(stage.clock, call(''));
    expect(warnings[0]!.message).toBe(
      'holdfast: a percentile is of no use: the delayMs of a percentile must be a finite number >= 0 or undefined, got -1',
    );
  });

  it.each<[string, () => unknown]>([
    ['throws', throwing],
    ['rejects', () => Promise.reject(new Error('a bug of the user'))],
    ['has a `then` that throws', () => ({ then: throwing })],
  ])('that %s when it is told changes nothing of the call, and is reported once', async (_name, told) => {
    const warnings = catchWarnings();
    const after = made(() => 5, told);
    const { stage, call } = hedged([answer(30), answer(1)], { after });
    const failing = hedged([fail(1), fail(1)], { after });
    const quick = hedged([answer(1)], { after });
    await failOnLeaks(async () => {
      expect(await finish(stage.clock, call(''))).toBe('0/2');
      expect(await finish(quick.stage.clock, quick.call(''))).toBe('0/1');
      expect(messagesOf(await rejectionOf(() => finish(failing.stage.clock, failing.call(''))))).toEqual([
        '0/1',
        '0/2',
      ]);
      const calledOff = hedged([hang()], { after });
      expect(
        isDeadlineExceeded(await rejectionOf(() => finish(calledOff.stage.clock, calledOff.call('', { deadline: 9 })))),
      ).toBe(true);
    });
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a percentile is of no use: a bug of the user']);
  });

  it('that says nonsense before it knows anything is told all the same, and heeded when it does', async () => {
    catchWarnings();
    let sum = 0;
    let count = 0;
    const mean: Percentile = {
      get delayMs() {
        return sum / count;
      },
      answered: (ms) => {
        sum += ms;
        count++;
      },
      silent: () => undefined,
    };
    const { stage, call } = hedged([answer(8)], { after: mean });
    await finish(stage.clock, call(''));
    const slow = hedged([hang(), answer(1)], { after: mean });
    expect(await finish(slow.stage.clock, slow.call(''))).toBe('0/2');
    expect(causes(slow.stage)).toEqual(['original at 0', 'hedge at 8']);
  });

  it('that aborts the caller’s signal when it is told does so after the answer', async () => {
    const controller = new AbortController();
    const after = made(
      () => 50,
      () => controller.abort('enough'),
    );
    const { stage, call } = hedged([answer(3)], { after });
    expect(await finish(stage.clock, call('', { signal: controller.signal }))).toBe('0/1');
    expect(stage.discarded).toEqual([]);
  });

  it('in a gather costs a target its hedge, and no more', async () => {
    const warnings = catchWarnings();
    const stage = new Stage();
    const gathering = scatterGather([0, 1], (leaf, attempt) => stage.perform(leaf, [answer(9)], attempt), {
      hedge: { after: made(() => Number.NaN, throwing) },
      deadline: 100,
      runtime: steady(stage.clock),
    });
    expect((await finish(stage.clock, gathering)).values).toEqual(['0/1', '1/1']);
    expect(warnings).toHaveLength(1);
  });
});

describe('a function of a policy that throws', () => {
  it.each<[string, object, string]>([
    ['after', { after: throwing }, 'a bug of the user'],
    ['after, with NaN', { after: () => Number.NaN }, 'what the after function returns must be'],
    ['after, with a promise', { after: async () => 5 }, 'what the after function returns must be'],
    ['when', { when: throwing }, 'a bug of the user'],
    ['when, with a promise', { when: async () => true }, 'what the when function returns must be a boolean'],
  ])('(%s) costs the call its hedge and is reported', async (_name, options, message) => {
    const warnings = catchWarnings();
    const { stage, call } = hedged([answer(30)], options);
    expect(await finish(stage.clock, call(''))).toBe('0/1');
    expect(causes(stage)).toEqual(['original at 0']);
    expect(warnings.map(({ message }) => message.split(': ')[1])).toEqual(['a call goes without a hedge']);
    expect(warnings[0]!.message).toContain(message);
  });

  const noPause = 'what retryAfterMs returns must be a number of milliseconds or undefined, got';
  it.each<[string, object, string]>([
    ['retryable', { retryable: throwing }, 'a bug of the user'],
    [
      'retryable, with a promise',
      { retryable: async () => true },
      'what the retryable function returns must be a boolean, got a Promise',
    ],
    ['retryAfterMs', { retryAfterMs: throwing }, 'a bug of the user'],
    ['retryAfterMs, with NaN', { retryAfterMs: () => Number.NaN }, `${noPause} NaN`],
    ['retryAfterMs, with a text', { retryAfterMs: () => '5' }, `${noPause} "5"`],
  ])('(%s) costs the call its retry, is reported, and the caller gets the error', async (_name, options, message) => {
    const warnings = catchWarnings();
    const { stage, call } = retried([fail(2), answer(1)], options);
    expect(await rejectionOf(() => finish(stage.clock, call('')))).toMatchObject({ message: '0/1' });
    expect(warnings.map((warning) => warning.message)).toEqual([`holdfast: a call is not retried: ${message}`]);
  });

  it('(accept) is the failure of the attempt', async () => {
    const { stage, call } = hedged([answer(2), answer(2)], { accept: throwing });
    expect(messagesOf(await rejectionOf(() => finish(stage.clock, call(''))))).toEqual([
      'a bug of the user',
      'a bug of the user',
    ]);
    expect(stage.discarded.map(({ value }) => value)).toEqual(['0/1', '0/2']);
  });

  it('and one that aborts the caller’s signal ends the call, and nothing starts', async () => {
    const functions = ['when', 'after', 'accept', 'retryable', 'retryAfterMs'] as const;
    for (const name of functions) {
      await failOnLeaks(async ({ runtime, signal, abort }) => {
        const clock = new VirtualClock();
        let calls = 0;
        const aborting = (): never => {
          abort('enough');
          return bad(name === 'after' || name === 'retryAfterMs' ? 1 : true);
        };
        const script: Script = [name === 'accept' ? answer(1) : fail(1), hang()];
        const stage = new Stage();
        const work: Call<number, string> = async (_, attempt) => {
          calls++;
          return await stage.perform(0, script, attempt as never);
        };
        const options = { [name]: aborting, runtime: { ...runtime, clock: stage.clock } };
        const call = name.startsWith('retr') ? retry(work, options) : hedge(work, { after: 9, ...options });
        expect(await rejectionOf(() => finish(stage.clock, call(0, { signal })))).toBe('enough');
        expect(calls).toBe(name === 'when' || name === 'after' ? 0 : 1);
        expect(clock.pending).toBe(0);
      });
    }
  });
});

describe('when', () => {
  it('says which requests may be sent twice: the others get one attempt, also when it fails', async () => {
    const { stage, call } = hedged([fail(9), answer(1)], { when: (request) => request === 'get' });
    expect(await finish(stage.clock, call('get'))).toBe('0/2');
    expect(await rejectionOf(() => finish(stage.clock, call('post')))).toMatchObject({ message: '0/1' });
  });
});

describe('accept', () => {
  it('makes a value that is none a failure: the next starts at once and the first accepted wins', async () => {
    const { stage, call } = hedged([answer(2), answer(3)], { after: 50, accept: (value) => value !== '0/1' });
    expect(await finish(stage.clock, call(''))).toBe('0/2');
    expect(causes(stage)).toEqual(['original at 0', 'retry at 2']);
    expect(stage.discarded).toEqual([{ value: '0/1', atMs: 2 }]);
  });

  it('of nothing is NOT_ACCEPTED', async () => {
    const { stage, call } = hedged([answer(2)], { extra: 0, accept: () => false });
    const error = await rejectionOf(() => finish(stage.clock, call('')));
    expect(isHoldfastError(error, 'NOT_ACCEPTED')).toBe(true);
    expect(error).toHaveProperty('message', 'an answer of a hedged call was not accepted');
  });
});

it('an accept that gives a promise has judged nothing: the attempt fails of it', async () => {
  const { stage, call } = hedged([answer(2)], { extra: 0, accept: bad(async () => true) });
  expectInvalid(
    await rejectionOf(() => finish(stage.clock, call(''))),
    'what the accept function returns must be a boolean, got a Promise',
  );
});

it('a late value goes nowhere, and nothing is reported, where there is no discard', async () => {
  const warnings = catchWarnings();
  const { stage, call } = hedged([answer(9, 'ignore'), answer(1)], { discard: undefined });
  expect(await finish(stage.clock, call(''))).toBe('0/2');
  await stage.clock.advance(10);
  expect(warnings).toEqual([]);
});

describe('an exhausted budget', () => {
  it('starts no hedge, and calls nothing off that is under way', async () => {
    const stage = new Stage();
    const budget = budgetOf(1, steady(stage.clock));
    const call = hedge((_: number, attempt) => stage.perform(attempt.attempt, [answer(30)], attempt), {
      after: 5,
      extra: 5,
      budget,
      runtime: steady(stage.clock),
    });
    const calls = [watch(call(0), stage.clock), watch(call(0), stage.clock)];
    await stage.clock.runUntilIdle();
    expect(calls.map((settled) => settled()!.atMs)).toEqual([30, 30]);
    expect(stage.attempts.map(({ cause }) => cause)).toEqual(['original', 'original', 'hedge']);
    expect(budget.stats()).toMatchObject({ originals: 2, extras: 1, refused: 2, balance: 0 });
  });

  it.each<[string, object, Script, number, number]>([
    // name, policy, attempts, extras in the budget, refused
    ['a hedge for silence', { hedge: { after: 5 } }, [answer(30)], 0, 1],
    ['a hedge for failure', { hedge: { after: 50 } }, [fail(2)], 0, 1],
    ['a hedge for failure beside another attempt', { hedge: { after: 5, extra: 2 } }, [answer(30), fail(9)], 1, 2],
    ['a retry', { retry: {} }, [fail(2)], 0, 1],
    ['a second retry', { retry: {} }, [fail(2)], 1, 1],
    ['a hedge or a retry, one attempt', { hedge: { after: 50 }, retry: {} }, [fail(2)], 0, 1],
    ['nothing where no attempt is left', { retry: { attempts: 1 } }, [fail(2)], 0, 0],
    ['nothing where the pause does not fit', { retry: { retryAfterMs: () => 5_000 } }, [fail(2)], 0, 0],
    ['nothing where the error is final', { retry: { retryable: () => false } }, [fail(2)], 0, 0],
    ['nothing where there is enough', { hedge: { after: 5 }, retry: {} }, [fail(2)], 9, 0],
  ])('counts what was wanted and not granted, once: %s', async (_name, policy, script, extras, refused) => {
    const stage = new Stage();
    const runtime = steady(stage.clock, 0.5);
    const budget = budgetOf(extras, runtime);
    const options = { ...policy, budget, runtime, require: 0, straggler: 1, deadline: 1_000 } as const;
    await finish(
      stage.clock,
      scatterGather([0], (_, attempt) => stage.perform(0, script, attempt), options),
    );
    expect(budget.stats().refused).toBe(refused);
  });

  it('counts a retry that was refused after its pause', async () => {
    const stage = new Stage();
    const runtime = steady(stage.clock, 0.5);
    const budget = budgetOf(1, runtime);
    const call = retry((_: string, attempt) => stage.perform(0, [fail(2)], attempt), { budget, runtime });
    const both = Promise.allSettled([call(''), call('')]);
    await finish(stage.clock, both);
    expect(stage.attempts).toHaveLength(3);
    // One after its pause, for the other has taken the last, and the other's second retry.
    expect(budget.stats()).toMatchObject({ extras: 1, refused: 2 });
  });

  it('ends a retried call at its failure, without a pause in vain', async () => {
    const { stage, call } = retried([fail(2)], { budget: budgetOf(0, steady(new VirtualClock())) });
    const settled = watch(call(''), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ atMs: 2, error: { message: '0/1' } });
  });

  it('is each call’s own by default: 5 % of the calls for hedges, 20 % for retries, and one a second', async () => {
    for (const [make, share] of [
      [(work: Call<number, string>, runtime: object) => hedge(work, { after: 1e6, ...runtime }), 0.05],
      [(work: Call<number, string>, runtime: object) => retry(work, { backoff: { maxMs: 0 }, ...runtime }), 0.2],
    ] as const) {
      const clock = new VirtualClock();
      let sent = 0;
      const call = make(
        () => {
          sent++;
          return Promise.reject(new Error('down'));
        },
        { runtime: steady(clock) },
      );
      await finish(clock, Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => call(i))));
      expect(sent).toBe(1_000 + 1_000 * share + 10);
    }
  });

  it('may be none', async () => {
    const clock = new VirtualClock();
    let sent = 0;
    const work = (): Promise<never> => Promise.reject(new Error(`down ${++sent}`));
    const options = { budget: false as const, runtime: steady(clock) };
    const call = hedge(work, { after: 5, ...options });
    await finish(clock, Promise.allSettled(Array.from({ length: 100 }, () => call(0))));
    expect(sent).toBe(200);
  });
});

describe('retry', () => {
  it('pauses at random up to a bound that doubles and is cut', async () => {
    const { stage, clock, call } = retried([fail(1)], { attempts: 4 });
    const settled = watch(call(''), stage.clock, clock);
    await stage.clock.runUntilIdle();
    expect(causes(stage)).toEqual(['original at 0', 'retry at 11', 'retry at 27', 'retry at 43']);
    expect(settled()).toMatchObject({ atMs: 44, timers: 0 });
    expect(clock.most).toBe(1);
    const error = settled()!.error as AggregateError;
    expect(messagesOf(error)).toEqual(['0/1', '0/2', '0/3', '0/4']);
    expect(error.message).toBe('all 4 attempts of a retried call failed');
    expect(error.cause).toBe(error.errors[3]);
    expect([1, 2, 3, 2_000].map((n) => backoffMs(n, 10, 35, 1))).toEqual([10, 20, 35, 35]);
  });

  it('tells each attempt its number and whom to avoid', async () => {
    const seen: unknown[] = [];
    const call = retry(
      (_: number, { attempt, cause, avoid, visit }) => {
        seen.push([attempt, cause, [...avoid]]);
        visit(`m${attempt}`);
        throw new Error('down');
      },
      { backoff: { baseMs: 0 } },
    );
    await rejectionOf(() => call(0));
    expect(seen).toEqual([
      [1, 'original', []],
      [2, 'retry', ['m1']],
      [3, 'retry', ['m1', 'm2']],
    ]);
  });

  it('waits for as long as the server says instead, by the error or by an option', async () => {
    const pushedBack = retried([{ ...fail(1), note: { pushbackMs: 70 } } as never, answer(1)], {});
    expect(await finish(pushedBack.stage.clock, pushedBack.call(''))).toBe('0/2');
    expect(causes(pushedBack.stage)[1]).toBe('retry at 71');
    const byOption = retried([fail(1), answer(1)], { retryAfterMs: () => 33 });
    await finish(byOption.stage.clock, byOption.call(''));
    expect(causes(byOption.stage)[1]).toBe('retry at 34');
    const atOnce = retried([fail(1), answer(1)], { retryAfterMs: () => 0 });
    await finish(atOnce.stage.clock, atOnce.call(''));
    expect(causes(atOnce.stage)[1]).toBe('retry at 1');
  });

  it.each<[unknown]>([['soon'], [Number.NaN], [null], [{}]])(
    'pauses as if nothing were asked for when an error’s `retryAfterMs` is %s',
    async (retryAfterMs) => {
      const warnings = catchWarnings();
      const clock = new VirtualClock();
      const work = (_: number, { attempt }: { readonly attempt: number }): number => {
        if (attempt === 1) throw Object.assign(new Error('busy'), { retryAfterMs });
        return clock.now();
      };
      const call = retry(work, { backoff: { baseMs: 20 }, runtime: steady(clock, 0.5) });
      expect(await finish(clock, call(0))).toBe(10);
      expect(warnings).toEqual([]);
    },
  );

  it.each([-1, Infinity, -Infinity])('does not come again when the server says %d', async (ms) => {
    const { stage, call } = retried([fail(1), answer(1)], { retryAfterMs: () => ms });
    expect(await rejectionOf(() => finish(stage.clock, call('')))).toMatchObject({ message: '0/1' });
    expect(stage.clock.now()).toBe(1);
  });

  it('does not begin a pause that does not fit: it fails at once, of what it failed of', async () => {
    const { stage, call } = retried([fail(1), answer(1)], {});
    const settled = watch(call('', { deadline: 11 }), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ atMs: 1, error: { message: '0/1' } });
    const fits = retried([fail(1), answer(1)], {});
    expect(await finish(fits.stage.clock, fits.call('', { deadline: 12.5 }))).toBe('0/2');
  });

  it('ends at the deadline while an attempt is under way', async () => {
    const { stage, call } = retried([fail(1), hang()], {});
    const settled = watch(call('', { deadline: 50 }), stage.clock);
    await stage.clock.runUntilIdle();
    expect(settled()!.atMs).toBe(50);
    expect(isDeadlineExceeded(settled()!.error)).toBe(true);
  });

  it('ends at once, and with its own reason, when the caller aborts in the pause', async () => {
    const { stage, clock, call } = retried([fail(1)], {});
    const controller = new AbortController();
    const settled = watch(call('', { signal: controller.signal }), stage.clock, clock, controller.signal);
    await stage.clock.advance(5);
    controller.abort('enough');
    await stage.clock.runUntilIdle();
    expect(settled()).toMatchObject({ error: 'enough', atMs: 5, timers: 0, listeners: 0 });
    expect(stage.attempts).toHaveLength(1);
  });

  it('takes the error that is final for the answer, whatever came before', async () => {
    const script: Script = [fail(1), { ...fail(1), note: 'final' } as never];
    const { stage, call } = retried(script, { attempts: 5, retryable: (error) => !('final' in (error as object)) });
    expect(await rejectionOf(() => finish(stage.clock, call('')))).toMatchObject({ message: '0/2', final: true });
  });

  describe('around a hedge, of whose attempts all have failed,', () => {
    const around = async (errors: readonly unknown[]): Promise<readonly number[]> => {
      const clock = new VirtualClock();
      const runtime = steady(clock);
      const startedMs: number[] = [];
      const ask = hedge<number, never>(
        () => {
          startedMs.push(clock.now());
          throw errors[(startedMs.length - 1) % errors.length];
        },
        { after: 5, extra: errors.length - 1, budget: false, runtime },
      );
      const call = retry(ask, { attempts: 2, backoff: { baseMs: 0 }, budget: false, runtime });
      await rejectionOf(() => finish(clock, call(0)));
      return startedMs;
    };
    const pushback = (retryAfterMs: number): Error => Object.assign(new Error('busy'), { retryAfterMs });

    it('waits for as long as the longest of the pauses that servers have asked for', async () => {
      expect(await around([pushback(30), pushback(300), new Error('down')])).toEqual([0, 0, 0, 300, 300, 300]);
      expect(await around([pushback(0), pushback(30)])).toEqual([0, 0, 30, 30]);
      expect(await around([pushback(30), pushback(-1)])).toEqual([0, 0]);
    });

    it('does not retry when one of them is final', async () => {
      expect(await around([new Error('down'), new HoldfastError('CLOSED', 'gone')])).toEqual([0, 0]);
      expect(await around([new Error('down'), new Error('down')])).toEqual([0, 0, 0, 0]);
    });
  });

  it('asks `retryable` with the request', async () => {
    const { stage, call } = retried([fail(1), answer(1)], { retryable: (_, request) => request === 'get' });
    expect(await finish(stage.clock, call('get'))).toBe('0/2');
    await rejectionOf(() => finish(stage.clock, call('post')));
    expect(stage.attempts).toHaveLength(3);
  });

  it.each<[unknown, boolean]>([
    [new Error('ECONNRESET'), true],
    [new TypeError('fetch failed'), true],
    [new DOMException('timed out', 'TimeoutError'), true],
    [new HoldfastError('DEADLINE_EXCEEDED', 'a time box'), true],
    [new HoldfastError('NO_MEMBERS', 'none yet'), true],
    ['a text', true],
    [undefined, true],
    [null, true],
    [class AbortError {}, true], // no error of that name, but whoever has thrown the class
    [new DOMException('aborted', 'AbortError'), false],
    [Object.assign(new Error('aborted'), { name: 'AbortError' }), false],
    [new HoldfastError('INVALID_OPTION', 'a mistake'), false],
    [new HoldfastError('CLOSED', 'gone'), false],
    [new HoldfastError('UNSUPPORTED', 'never'), false],
  ])('by default, %s is retried: %s', async (error, expected) => {
    let calls = 0;
    const call = retry(
      () => {
        calls++;
        throw error;
      },
      { attempts: 2, backoff: { baseMs: 0 } },
    );
    await rejectionOf(() => call(0));
    expect(calls).toBe(expected ? 2 : 1);
  });

  it.each(hostileValues)('survives a failure by %s', async (_name, value) => {
    const call = retry(
      () => {
        throw value;
      },
      { attempts: 2, backoff: { baseMs: 0 } },
    );
    const error = await rejectionOf(() => call(0));
    expect((error as AggregateError).errors[0]).toBe(value);
  });

  it.each<[unknown, string]>([
    [null, 'retry options must be an object, got null'],
    [{ attempts: 0 }, 'attempts must be an integer from 1 to 100, got 0'],
    [{ attempts: Infinity }, 'attempts must be an integer from 1 to 100, got Infinity'],
    [{ backoff: 5 }, 'backoff must be an object, got 5'],
    [{ backoff: { baseMs: -1 } }, 'baseMs must be a finite number >= 0, got -1'],
    [{ backoff: { maxMs: Number.NaN } }, 'maxMs must be a finite number >= 0, got NaN'],
    [{ backoff: { factor: 3 } }, 'backoff options has no option "factor"; it has baseMs, maxMs'],
    [{ retryable: true }, 'retryable must be a function, got true'],
    [{ budget: true }, 'budget must be a Budget or false, got true'],
    [
      { tries: 2 },
      'retry has no option "tries"; it has attempts, backoff, retryable, retryAfterMs, budget, accept, discard, runtime',
    ],
  ])('refuses %j', (options, message) => {
    expectInvalid(
      thrownBy(() => retry(throwing, bad(options))),
      message.replace('backoff options has', 'backoff has'),
    );
  });
});

describe('what is made refuses', () => {
  it.each<[() => unknown, string]>([
    [() => new Budget(bad({ ratio: -0.1 })), 'ratio must be a finite number from 0 to 1, got -0.1'],
    [() => new Budget({ ratio: 1.01 }), 'ratio must be a finite number from 0 to 1, got 1.01'],
    [() => new Budget({ ratio: Number.NaN }), 'ratio must be a finite number from 0 to 1, got NaN'],
    [() => new Budget({ minPerSecond: Infinity }), 'minPerSecond must be a finite number >= 0, got Infinity'],
    [() => new Budget({ windowMs: 0 }), 'windowMs must be a finite number >= 1, got 0'],
    [() => percentile(1), 'p must be a finite number from 0.01 to 0.9999, got 1'],
    [() => percentile(95), 'p must be a finite number from 0.01 to 0.9999, got 95'],
    [() => percentile(0.95, { warmUp: 0 }), 'warmUp must be an integer >= 1, got 0'],
    [() => percentile(0.95, { windowMs: -1 }), 'windowMs must be a finite number >= 1, got -1'],
    [() => hedge(throwing, { after: 5, budget: bad({}) }), 'budget must be a Budget or false, got an object'],
    [
      () => hedge(throwing, { after: bad({ delayMs: 5 }) }),
      'after must be a finite number >= 0, a percentile(p) or a function, got an object',
    ],
  ])('%s', (make, message) => {
    expectInvalid(thrownBy(make), message);
  });
});

describe('the law of failure', () => {
  const standing = { live: 0, spare: 0, retries: 0, retryable: true, pushedBack: false, inTime: true };

  it('starts another only if that may mend the failure and has time', () => {
    for (const hopeless of [{ retryable: false }, { inTime: false }])
      for (const live of [0, 1, 2]) {
        const move = afterFailure({ ...standing, live, spare: 5, retries: 5, ...hopeless });
        expect(move).toBe(live === 0 ? 'fail' : 'await');
      }
  });

  it('takes a hedge at once before it waits for others, and a retry when there are none', () => {
    expect(afterFailure({ ...standing, live: 1, spare: 1, retries: 1 })).toBe('failover');
    expect(afterFailure({ ...standing, live: 1, retries: 1 })).toBe('await');
    expect(afterFailure({ ...standing, retries: 1 })).toBe('retry');
    expect(afterFailure({ ...standing, spare: 1, retries: 1, pushedBack: true })).toBe('retry');
    expect(afterFailure({ ...standing, live: 1, spare: 1, retries: 1, pushedBack: true })).toBe('await');
    expect(afterFailure(standing)).toBe('fail');
  });
});
