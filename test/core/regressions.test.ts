/** Bugs that others had, each named after their issue: ours must not have them. */
import { getEventListeners } from 'node:events';
import { Deadline, Emitter, systemClock } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { refusal, runScoped, Scope } from '../../src/core/scope.ts';
import { HandClock } from '../support/hand-clock.ts';
import { Platform } from '../support/platform.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

const day = 24 * 60 * 60 * 1_000;
const never = new Promise<never>(() => undefined);
const warnings = recordWarnings();

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('timers', () => {
  test('nodejs/node#4541, grpc/grpc-node#1167: a delay beyond 2^31−1 ms fires after 1 ms, with a TimeoutOverflowWarning', async () => {
    let fired = 0;
    const timers = [2 ** 31, 1e10, Number.MAX_VALUE].map((ms) => systemClock.setTimer(ms, () => fired++));
    const scope = new Scope('x', { deadline: Deadline.after(50 * day) }, systemClock);
    await systemClock.sleep(5);
    expect([fired, scope.signal.aborted, warnings]).toEqual([0, false, []]);
    for (const timer of timers) timer.cancel();
    scope.close();
  });

  test('nodejs/node#26578: a timer set at a fraction of a millisecond fires up to a millisecond early', () => {
    const platform = new Platform(100.7, () => -0.7);
    let firedAt = 0;
    systemClock.setTimer(50, () => (firedAt = platform.nowMs));
    while (platform.step());
    expect(firedAt).toBeGreaterThanOrEqual(150.7);
  });

  test('vitest-dev/vitest#3088: fake timers do not move AbortSignal.timeout', async () => {
    vi.useFakeTimers();
    const scope = new Scope('x', { deadline: Deadline.after(60_000) }, systemClock);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scope.signal.aborted).toBe(true);
  });
});

describe('deadlines', () => {
  test('grpc/grpc#22955: on the wall clock, a call hangs for as long as the date was set back', async () => {
    vi.useFakeTimers({ now: 1e12 });
    const scopes = [0, 2e12].map((wall) => {
      const scope = new Scope('x', { deadline: Deadline.after(1_000) }, systemClock);
      vi.setSystemTime(wall);
      return scope;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(scopes.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  test('grpc/grpc-node#1636: calls escape although the deadline has passed, for its timer has not run yet', () => {
    const clock = new HandClock();
    const deadline = Deadline.after(10, clock);
    clock.nowMs = 10;
    for (const limits of [{ deadline }, { deadline: deadline.earliest(Deadline.never) }]) {
      expect(refusal('x', limits)).toMatchObject({ reason: { code: 'DEADLINE_EXCEEDED' } });
    }
  });

  test('grpc/grpc-dotnet#751: a deadline of 50 days fails silently', async () => {
    const clock = new VirtualClock();
    const scope = new Scope('x', { deadline: Deadline.after(50 * day, clock) }, clock);
    await clock.advance(50 * day - 1);
    expect(scope.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(scope.signal.aborted).toBe(true);
  });

  test('envoyproxy/envoy#13196: the deadline in the header does not shrink from attempt to attempt', () => {
    const clock = new HandClock();
    const deadline = Deadline.after(100, clock);
    const headers = [0, 30, 60, 99].map((nowMs) => {
      clock.nowMs = nowMs;
      return deadline.toHeader();
    });
    expect(headers).toEqual(['100', '70', '40', '1']);
  });
});

describe('signals', () => {
  test('connor4312/cockatiel#81, sindresorhus/p-timeout#42, p-retry#71: each call leaves a listener on the caller’s signal', async () => {
    const { signal } = new AbortController();
    const clock = new VirtualClock();
    const run = async (work: () => unknown): Promise<unknown> => {
      const outcome = runScoped('x', { signal, deadline: Deadline.after(5, clock) }, clock, work).catch(() => 'failed');
      await clock.advance(5);
      return outcome;
    };
    for (let i = 0; i < 15; i++) {
      await run(() => 'value');
      await run(() => Promise.reject(new Error('fail')));
      await run(() => never);
    }
    await warningsSettled();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect([clock.pending, warnings]).toEqual([0, []]);
  });

  test('connor4312/cockatiel#72: the signal aborts when the call has returned, and the body can no longer be read', async () => {
    const controller = new AbortController();
    const serve = (signal: AbortSignal): Response =>
      new Response(
        new ReadableStream({
          async pull(stream) {
            await Promise.resolve();
            signal.throwIfAborted();
            stream.enqueue(new TextEncoder().encode('body'));
            stream.close();
          },
        }),
      );
    const limits = { signal: controller.signal };
    const response = await runScoped('x', limits, systemClock, ({ signal }) => serve(signal));
    controller.abort();
    expect(await response.text()).toBe('body');
  });

  test('nodeshift/opossum#780: one controller for all, so that the timeout of one call aborts its siblings', async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const [short, long] = [5, 50].map(
      (ms) => new Scope('x', { signal, deadline: Deadline.after(ms, clock) }, clock).signal,
    );
    await clock.advance(5);
    expect([short!.aborted, long!.aborted, signal.aborted]).toEqual([true, false, false]);
    await clock.advance(45);
  });

  test('libp2p/js-libp2p#1587: work that fails after it was called off is an unhandled rejection', async () => {
    const heard: unknown[] = [];
    const hear = (reason: unknown): unknown => heard.push(reason);
    process.on('unhandledRejection', hear);
    const clock = new VirtualClock();
    const outcome = runScoped('x', { deadline: Deadline.after(5, clock) }, clock, async () => {
      await clock.sleep(10);
      throw new Error('late');
    }).catch(() => 'called off');
    await clock.advance(20);
    await warningsSettled();
    expect([await outcome, heard]).toEqual(['called off', []]);
    process.off('unhandledRejection', hear);
  });
});

describe('events', () => {
  test('browserify/events#26, EventEmitter2#11: behind a listener that throws nobody is told, and the throw goes to who emits', async () => {
    class Source extends Emitter<{ change: number }> {
      state = 0;
      change(): void {
        this.state++;
        this.emit('change', this.state);
        this.state++;
      }
    }
    const source = new Source();
    const seen: number[] = [];
    source.on('change', () => {
      throw new Error('boom');
    });
    source.on('change', (n) => seen.push(n));
    source.change();
    expect([seen, source.state]).toEqual([[1], 2]);
    await warningsSettled();
    expect(warnings).toHaveLength(1);
  });
});
