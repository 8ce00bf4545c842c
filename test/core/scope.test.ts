import { getEventListeners } from 'node:events';
import { Deadline, isDeadlineExceeded, systemClock } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { invoke, refusal, runScoped, Scope } from '../../src/core/scope.ts';

const settled = async <T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> =>
  (await Promise.allSettled([promise]))[0];
const never = new Promise<never>(() => undefined);

describe('Scope', () => {
  test('end aborts the signal with the reason and then tells onEnd, synchronously and once', () => {
    const seen: unknown[] = [];
    const scope: Scope = new Scope('x', {}, new VirtualClock(), (reason) => seen.push([reason, scope.signal.aborted]));
    scope.signal.addEventListener('abort', () => seen.push('signal'));
    scope.end('over');
    expect(seen).toEqual(['signal', ['over', true]]);
    expect(scope.signal.reason).toBe('over');
    scope.end('again');
    scope.close();
    expect(seen).toHaveLength(2);
    expect(scope.signal.reason).toBe('over');
  });

  test('the signal is one, also when it is first asked for after the end', () => {
    const scope = new Scope('x', {}, new VirtualClock());
    scope.end(0);
    const { signal } = scope;
    expect([signal.aborted, signal.reason]).toEqual([true, 0]);
    expect(scope.signal).toBe(signal);
  });

  test('no controller is made for a signal that nobody asks for', () => {
    let made = 0;
    const { AbortController } = globalThis;
    vi.stubGlobal(
      'AbortController',
      class extends AbortController {
        constructor() {
          super();
          made++;
        }
      },
    );
    const scopes = ['end', 'close'].map((how) => {
      const scope = new Scope('x', {}, systemClock);
      if (how === 'end') scope.end('over');
      else scope.close();
      return scope;
    });
    expect(made).toBe(0);
    expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(made).toBe(2);
    vi.unstubAllGlobals();
  });

  test('ending or closing again from inside the end changes nothing', () => {
    const seen: unknown[] = [];
    const scope: Scope = new Scope('x', {}, new VirtualClock(), (reason) => {
      seen.push(reason);
      scope.end('from onEnd');
      scope.close();
    });
    scope.signal.addEventListener('abort', () => {
      scope.end('from the signal');
    });
    scope.end('first');
    expect(seen).toEqual(['first']);
    expect(scope.signal.reason).toBe('first');
  });

  test('an abort listener that closes its neighbour keeps the neighbour’s signal from aborting', () => {
    const parent = new AbortController();
    const clock = new VirtualClock();
    const first = new Scope('a', { signal: parent.signal }, clock);
    const second = new Scope('b', { signal: parent.signal }, clock);
    first.signal.addEventListener('abort', () => {
      second.close();
    });
    expect(second.signal.aborted).toBe(false);
    parent.abort();
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
  });

  test('its deadline ends it, with an error that names the work, at the instant and not before', async () => {
    const clock = new VirtualClock();
    const scope = new Scope('the search', { deadline: Deadline.after(100, clock) }, clock);
    await clock.advance(99);
    expect(scope.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(isDeadlineExceeded(scope.signal.reason)).toBe(true);
    expect(scope.signal.reason).toMatchObject({ message: 'the deadline of the search has passed' });
    expect(clock.pending).toBe(0);
  });

  test('the timer of its deadline keeps the process alive, and there is none without a deadline', () => {
    const setTimer = vi.spyOn(systemClock, 'setTimer');
    new Scope('x', { deadline: Deadline.never }, systemClock).close();
    new Scope('x', {}, systemClock).close();
    expect(setTimer).not.toHaveBeenCalled();
    new Scope('x', { deadline: Deadline.after(1e6) }, systemClock).close();
    expect(setTimer).toHaveBeenCalledExactlyOnceWith(expect.any(Number), expect.any(Function), { ref: true });
    setTimer.mockRestore();
  });

  test('under a parent that has aborted after all, it has ended from the beginning', () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    const limits = { signal: AbortSignal.abort('gone'), deadline: Deadline.after(5, clock) };
    const scope = new Scope('x', limits, clock, (reason) => seen.push(reason));
    expect([seen, scope.signal.reason, clock.pending]).toEqual([['gone'], 'gone', 0]);
  });
});

describe('refusal', () => {
  const clock = new VirtualClock();
  const passed = Deadline.after(0, clock);

  test('work may start under limits that still hold', () => {
    expect(refusal('x', {})).toBeUndefined();
    expect(refusal('x', { signal: new AbortController().signal, deadline: Deadline.after(1, clock) })).toBeUndefined();
  });

  test('an aborted parent comes first, with its reason; then a deadline that has passed', () => {
    expect(refusal('x', { signal: AbortSignal.abort(0), deadline: passed })).toEqual({ reason: 0 });
    const refused = refusal('the search', { signal: new AbortController().signal, deadline: passed });
    expect(isDeadlineExceeded(refused?.reason)).toBe(true);
    expect(refused?.reason).toMatchObject({ message: 'the deadline of the search has passed' });
  });
});

describe('runScoped', () => {
  const parent = (): AbortController => new AbortController();

  test('settles as the work does, and tells when the work has settled', async () => {
    const clock = new VirtualClock();
    const oks: boolean[] = [];
    const run = async (work: (scope: Scope) => unknown): Promise<PromiseSettledResult<unknown>> =>
      settled(runScoped('x', { deadline: Deadline.after(50, clock) }, clock, work, (ok) => oks.push(ok)));
    expect(await run(() => 5)).toEqual({ status: 'fulfilled', value: 5 });
    expect(await run(async () => Promise.resolve(6))).toEqual({ status: 'fulfilled', value: 6 });
    expect(await run(() => ({ then: (yes: (n: number) => void) => yes(7) }))).toMatchObject({ value: 7 });
    const error = new Error('no');
    expect(await run(async () => Promise.reject(error))).toEqual({ status: 'rejected', reason: error });
    expect(
      await run(() => {
        throw error;
      }),
    ).toEqual({ status: 'rejected', reason: error });
    expect(oks).toEqual([true, true, true, false, false]);
    expect(clock.pending).toBe(0);
  });

  test('a synchronous throw is a rejection, and leaves nothing behind', async () => {
    const { signal } = parent();
    const promise = runScoped('x', { signal }, new VirtualClock(), () => {
      throw new Error('sync');
    });
    expect(await settled(promise)).toMatchObject({ status: 'rejected' });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('rejects at once when called off, whatever the work does later; `settled` hears that too', async () => {
    for (const late of ['resolve', 'reject', 'never'] as const) {
      const clock = new VirtualClock();
      const controller = parent();
      const oks: boolean[] = [];
      const work = { resolve: Promise.resolve, reject: Promise.reject, never: () => never }[late].bind(Promise);
      const promise = runScoped(
        'x',
        { signal: controller.signal, deadline: Deadline.after(1e3, clock) },
        clock,
        async (scope) => {
          await clock.sleep(100);
          expect(scope.signal.reason).toBe('enough');
          return work(new Error('late') as never);
        },
        (ok) => oks.push(ok),
      );
      const outcome = settled(promise);
      controller.abort('enough');
      expect(await outcome).toEqual({ status: 'rejected', reason: 'enough' });
      expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([1, 0]);
      await clock.advance(100);
      expect(oks).toEqual(late === 'never' ? [] : [late === 'resolve']);
    }
  });

  test('the signal of work that has ended never aborts: its result may still be read', async () => {
    const clock = new VirtualClock();
    const controller = parent();
    const limits = { signal: controller.signal, deadline: Deadline.after(10, clock) };
    const signal = await runScoped('x', limits, clock, (scope) => scope.signal);
    controller.abort();
    await clock.advance(1_000);
    expect(signal.aborted).toBe(false);
  });

  test('rejects when the deadline passes beside work that ignores its signal', async () => {
    const clock = new VirtualClock();
    const outcome = settled(runScoped('the call', { deadline: Deadline.after(10, clock) }, clock, () => never));
    await clock.advance(10);
    expect(await outcome).toMatchObject({ reason: { code: 'DEADLINE_EXCEEDED' } });
  });
});

describe('invoke', () => {
  const withThen = (then: PropertyDescriptor): Promise<number> =>
    Object.defineProperty(Promise.resolve(5), 'then', then);
  const odd: readonly (readonly [string, () => PromiseLike<number>, object])[] = [
    [
      'throws',
      () =>
        withThen({
          value: () => {
            throw new Error('then');
          },
        }),
      { status: 'rejected' },
    ],
    [
      'throws when it is read',
      () =>
        withThen({
          get: () => {
            throw new Error('then');
          },
        }),
      { status: 'rejected' },
    ],
    [
      'calls back twice, then throws',
      () =>
        withThen({
          value: (yes: (n: number) => void, no: (e: Error) => void) => {
            yes(6);
            no(new Error('again'));
            throw new Error('then');
          },
        }),
      { status: 'fulfilled', value: 6 },
    ],
    [
      'rejects',
      () =>
        withThen({
          value: (_: unknown, no: (e: Error) => void) => {
            no(new Error('no'));
          },
        }),
      { reason: new Error('no') },
    ],
    ['is that of a subclass', () => class extends Promise<number> {}.resolve(7), { status: 'fulfilled', value: 7 }],
    ['calls back at once', () => ({ then: (yes: (n: number) => void) => yes(8) }) as PromiseLike<number>, { value: 8 }],
  ];
  test.each(odd)('a promise whose `then` %s is adopted, not trusted', async (_, make, outcome) => {
    const promise = invoke(make);
    expect(Object.getPrototypeOf(promise)).toBe(Promise.prototype);
    expect(Object.hasOwn(promise, 'then')).toBe(false);
    expect(await settled(promise)).toMatchObject(outcome);
  });

  test('a promise of the platform is handed on as it is', () => {
    const promise = Promise.resolve(5);
    expect(invoke(() => promise)).toBe(promise);
  });

  test('is the promise of what the function does', async () => {
    expect(await settled(invoke(() => 5))).toEqual({ status: 'fulfilled', value: 5 });
    expect(await settled(invoke(() => Promise.reject(new Error('a'))))).toMatchObject({ status: 'rejected' });
    const thrown: unknown = 'sync';
    expect(
      await settled(
        invoke(() => {
          throw thrown;
        }),
      ),
    ).toEqual({ status: 'rejected', reason: thrown });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});
