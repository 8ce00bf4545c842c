import fc from 'fast-check';
import { type Call, shadow, type Shadowed } from 'holdfast/calls';
import { isDeadlineExceeded } from 'holdfast/core';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';
import {
  acts,
  bad,
  catchWarnings,
  codeOf,
  expectInvalid,
  finish,
  messagesOf,
  type Script,
  Stage,
  steady,
  thrownBy,
  watch,
} from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const forever = (): Promise<never> => new Promise(() => undefined);

/** What a script does as a call: it is given neither attempt nor avoid. */
function scripted(stage: Stage, leaf: number, script: Script): Call<number, string> {
  return async (_, options) =>
    await stage.perform(leaf, script, {
      signal: options?.signal ?? new AbortController().signal,
      deadline: bad({ remaining: () => 0 }),
      attempt: 1,
      cause: 'original',
      avoid: new Set(),
      visit: () => undefined,
    });
}

it('a call comes to the same, at the same instant, with a shadow as without, whatever the shadow does', async () => {
  const plans = fc.record({ primary: acts, mirror: acts, fraction: fc.constantFrom(0, 0.3, 1) });
  await fc.assert(
    fc.asyncProperty(plans, async ({ primary, mirror, fraction }) => {
      const alone = new Stage();
      const expected = watch(scripted(alone, 0, [primary])(0), alone.clock);
      await alone.clock.runUntilIdle();

      const stage = new Stage();
      await failOnLeaks(
        async ({ runtime }) => {
          const call = shadow(scripted(stage, 0, [primary]), {
            to: scripted(stage, 1, [mirror]),
            fraction,
            timeoutMs: 8,
            compare: () => {
              throw new Error('not the caller’s');
            },
            runtime: { ...runtime, random: () => 0.5 },
          });
          catchWarnings();
          const settled = watch(call(0), stage.clock);
          await stage.clock.runUntilIdle();
          expect(settled()?.value).toBe(expected()?.value);
          expect(codeOf(settled()?.error)).toEqual(codeOf(expected()?.error));
          expect(settled()?.atMs).toBe(expected()?.atMs);
          const { sent, ok, failed, late, inFlight } = call.stats();
          expect(sent).toBe(fraction === 1 ? 1 : 0);
          expect(ok + failed + late).toBe(sent);
          expect(inFlight).toBeLessThanOrEqual(late);
        },
        { clock: stage.clock },
      );
    }),
    { numRuns: runs(3) },
  );
});

describe('a shadow', () => {
  it('has a deadline of its own and neither the signal nor the deadline of the call', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const mirrored: AbortSignal[] = [];
    const compared: [Shadowed<string>, Shadowed<never>, number][] = [];
    const call = shadow<number, string, never>(() => Promise.resolve('answer'), {
      to: (_, options) => {
        mirrored.push(options!.signal!);
        expect(options!.deadline).toHaveProperty('expired', false);
        return forever();
      },
      timeoutMs: 50,
      compare: (a, b, request) => compared.push([a, b, request]),
      runtime: steady(clock),
    });
    expect(await call(7, { signal: controller.signal, deadline: 5 })).toBe('answer');
    controller.abort();
    await clock.advance(49);
    expect(mirrored[0]!.aborted).toBe(false);
    await clock.advance(1);
    expect(isDeadlineExceeded(mirrored[0]!.reason)).toBe(true);
    expect(compared).toMatchObject([
      [{ status: 'ok', value: 'answer', ms: 0 }, { status: 'failed', error: { code: 'DEADLINE_EXCEEDED' }, ms: 50 }, 7],
    ]);
    expect(call.stats()).toEqual({ inFlight: 1, sent: 1, dropped: 0, ok: 0, failed: 0, late: 1 });
  });

  it('tells how long each took, whatever the clock said when they began', async () => {
    const clock = new VirtualClock();
    await clock.advance(1_000);
    const compared: unknown[] = [];
    const after =
      (ms: number, ok: boolean): Call<number, string> =>
      async () => {
        await clock.sleep(ms);
        if (!ok) throw new Error('down');
        return 'answer';
      };
    for (const [call, to] of [
      [after(3, true), after(7, false)],
      [after(5, false), after(2, true)],
      [after(4, true), after(60, true)],
    ] as const) {
      const compare = (ours: Shadowed<string>, theirs: Shadowed<string>): unknown =>
        compared.push([ours, theirs].map(({ status, ms }) => `${status} ${ms}`));
      const shadowed = shadow(call, { to, timeoutMs: 50, compare, runtime: steady(clock) });
      await finish(clock, Promise.allSettled([shadowed(0)]));
    }
    expect(compared).toEqual([
      ['ok 3', 'failed 7'],
      ['failed 5', 'ok 2'],
      ['ok 4', 'failed 50'],
    ]);
  });

  it('is asked in a later turn than the call, also when the call answers after many promises', async () => {
    const order: string[] = [];
    const clock = new VirtualClock();
    const call = shadow<number, number, number>(
      async () => {
        order.push('call');
        for (let i = 0; i < 50; i++) await Promise.resolve();
        return 1;
      },
      {
        to: () => {
          order.push('shadow');
          return Promise.resolve(2);
        },
        runtime: steady(clock),
      },
    );
    const promise = call(0);
    order.push('returned');
    await promise;
    order.push('answered');
    expect(call.stats()).toMatchObject({ inFlight: 1, sent: 1 });
    await clock.advance(0);
    expect(order).toEqual(['call', 'returned', 'answered', 'shadow']);
    expect(call.stats()).toEqual({ inFlight: 0, sent: 1, dropped: 0, ok: 1, failed: 0, late: 0 });
    expect(clock.pending).toBe(0);
  });

  it('of the system’s time comes in a later turn too, and counts from when it is admitted', async () => {
    const order: string[] = [];
    let copied: (value: unknown) => void;
    const copy = new Promise((resolve) => (copied = resolve));
    const call = shadow(() => Promise.resolve(1), {
      to: () => {
        order.push('shadow');
        return Promise.resolve(2);
      },
      maxInFlight: 1,
      compare: () => copied(undefined),
    });
    await Promise.all([call(0), call(0)]);
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(order).toEqual([]);
    expect(call.stats()).toMatchObject({ inFlight: 1, sent: 1, dropped: 1 });
    const awake = setTimeout(() => undefined, 5_000); // for the copy keeps nothing alive
    await copy;
    clearTimeout(awake);
    expect(order).toEqual(['shadow']);
  });

  it('is bounded: what hangs counts until it has settled itself', async () => {
    const clock = new VirtualClock();
    const release: (() => void)[] = [];
    const call = shadow(() => Promise.resolve(1), {
      to: () => new Promise<void>((resolve) => release.push(resolve)),
      maxInFlight: 3,
      timeoutMs: 10,
      runtime: steady(clock),
    });
    for (let i = 0; i < 10; i++) await call(0);
    await clock.advance(100);
    expect(call.stats()).toEqual({ inFlight: 3, sent: 3, dropped: 7, ok: 0, failed: 0, late: 3 });
    release[0]!();
    await clock.advance(1);
    await call(0);
    expect(call.stats()).toMatchObject({ inFlight: 3, sent: 4, dropped: 7 });
  });

  it('takes its share of the calls by chance', async () => {
    let draws = 0;
    const clock = new VirtualClock();
    const runtime = { ...steady(clock), random: () => (draws++ % 10) / 10 };
    const call = shadow(() => Promise.resolve(1), { to: () => Promise.resolve(2), fraction: 0.3, runtime });
    for (let i = 0; i < 100; i++) {
      await call(0);
      await clock.advance(0);
    }
    expect(call.stats()).toMatchObject({ sent: 30, dropped: 0 });
  });

  it('sets no timer that keeps a process alive', async () => {
    const clock = new VirtualClock();
    const timers = vi.spyOn(clock, 'setTimer');
    await finish(clock, shadow(() => Promise.resolve(1), { to: forever, runtime: steady(clock) })(0));
    // The later turn, and the time that it has.
    expect(timers.mock.calls.map(([ms]) => ms)).toEqual([0, 1_000]);
    for (const each of timers.mock.calls as unknown[][]) expect(each[2]).toBeUndefined();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('differs');
      },
    ],
    ['rejects', () => Promise.reject(new Error('differs'))],
  ])('a comparison that %s is reported', async (_how, compare) => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    const call = shadow(() => Promise.reject(new Error('down')), {
      to: () => {
        throw new Error('down too');
      },
      compare,
      runtime: steady(clock),
    });
    await failOnLeaks(async () => {
      expect(messagesOf(await call(0).catch((error: unknown) => error))).toEqual(['down']);
      await clock.runUntilIdle();
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toMatch(/^holdfast: the comparison of a shadow failed/);
  });

  it('without a comparison reports nothing', async () => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    const call = shadow(() => Promise.resolve(1), { to: () => Promise.resolve(2), runtime: steady(clock) });
    await finish(clock, call(0));
    expect(call.stats()).toMatchObject({ ok: 1 });
    expect(warnings).toEqual([]);
  });

  it.each<[unknown, string]>([
    [null, 'shadow options must be an object, got null'],
    [{ too: forever }, 'shadow has no option "too"; it has to, fraction, maxInFlight, timeoutMs, compare, runtime'],
    [{}, 'to must be a function, got undefined'],
    [{ to: forever, fraction: 1.5 }, 'fraction must be a finite number from 0 to 1, got 1.5'],
    [{ to: forever, fraction: Number.NaN }, 'fraction must be a finite number from 0 to 1, got NaN'],
    [{ to: forever, maxInFlight: -1 }, 'maxInFlight must be an integer >= 0, got -1'],
    [{ to: forever, timeoutMs: Infinity }, 'timeoutMs must be a finite number >= 0, got Infinity'],
  ])('is not made of %j', (options, message) => {
    expectInvalid(
      thrownBy(() => shadow(forever, bad(options))),
      message,
    );
  });
});
