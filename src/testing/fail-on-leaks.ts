import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, describe, func, having, readOptions } from '../core/options.ts';
import type { Runtime } from '../core/runtime.ts';
import { systemRandom } from '../core/random.ts';
import { settleMicrotasks } from './microtasks.ts';
import { hearRejections } from './unhandled.ts';

/** What {@link failOnLeaks} hands to the body and watches. */
export interface Watched {
  /** A runtime whose clock counts its timers. */
  readonly runtime: Runtime;
  /** A signal that counts its abort listeners. */
  readonly signal: AbortSignal;
  /** Aborts `signal`. */
  abort(reason?: unknown): void;
}

/** Options of {@link failOnLeaks}. */
export interface LeakOptions {
  /**
   * The clock to count timers on, for example a `VirtualClock`.
   *
   * @defaultValue the system's
   */
  readonly clock?: Clock | undefined;
}

/**
 * Runs a test's body and rejects with `LEAK` when the body leaves something behind: a timer set through
 * `watched.runtime.clock`, an `abort` listener on `watched.signal`, or a promise that was rejected and never handled.
 * Each is named with the stack of where it was made.
 *
 * While the body runs, this function alone hears the process' unhandled rejections: run one body at a time. An error of
 * the body itself comes first. Does not see timers that bypass the clock.
 *
 * @param body - the test; given what is watched
 * @param options - which clock to count on
 * @returns what the body returned
 * @throws {@link HoldfastError} `LEAK`
 * @example
 * ```ts
 * import { failOnLeaks } from 'holdfast/testing';
 *
 * await failOnLeaks(async ({ runtime, signal }) => {
 *   await runtime.clock.sleep(1, signal);
 * });
 * ```
 */
export async function failOnLeaks<T>(
  body: (watched: Watched) => T | PromiseLike<T>,
  options?: LeakOptions,
): Promise<T> {
  check('body', body, func());
  const { clock = systemClock } = readOptions('failOnLeaks', options, {
    clock: having<Clock>('a Clock', 'now', 'setTimer', 'sleep'),
  });
  const leaks = new Set<Leak>();
  const controller = new AbortController();
  watchListeners(controller.signal, leaks);
  const stopHearing = hearRejections((reason) => {
    leaks.add({ what: 'an unhandled rejection', where: traceOf(reason) });
  });
  let result: T;
  try {
    result = await body({
      runtime: { clock: countTimers(clock, leaks), random: systemRandom },
      signal: controller.signal,
      abort: (reason) => {
        controller.abort(reason);
      },
    });
  } finally {
    // The platform reports a rejection at the end of the turn in which nobody handled it.
    await settleMicrotasks();
    stopHearing();
  }
  if (leaks.size > 0) throw leaked([...leaks]);
  return result;
}

interface Leak {
  readonly what: string;
  readonly where: string | undefined;
}

function leaked(leaks: readonly Leak[]): HoldfastError {
  const lines = leaks.map(({ what, where }) => `- ${what}\n${where ?? ''}`);
  return new HoldfastError('LEAK', `${String(leaks.length)} left behind:\n${lines.join('\n')}`);
}

function stackHere(): string | undefined {
  return new Error('here').stack?.split('\n').slice(3, 9).join('\n');
}

function countTimers(clock: Clock, leaks: Set<Leak>): Clock {
  const counted: Clock = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    setTimer(ms, fn, options): Timer {
      const leak = { what: `a timer of ${String(ms)} ms`, where: stackHere() };
      const timer = clock.setTimer(
        ms,
        () => {
          leaks.delete(leak);
          fn();
        },
        options,
      );
      leaks.add(leak);
      return {
        cancel: () => {
          leaks.delete(leak);
          timer.cancel();
        },
      };
    },
    async sleep(ms, signal) {
      const leak = { what: `a sleep of ${String(ms)} ms`, where: stackHere() };
      leaks.add(leak);
      try {
        await clock.sleep(ms, signal);
      } finally {
        leaks.delete(leak);
      }
    },
    turn: (work) => {
      if (clock.turn === undefined) work();
      else clock.turn(work);
    },
  };
  return counted;
}

/** Shadows the two methods on this one signal: neither the prototype nor any other signal is touched. */
function watchListeners(signal: AbortSignal, leaks: Set<Leak>): void {
  const held = new Map<unknown, Leak>();
  const reallyAdd = signal.addEventListener.bind(signal);
  const reallyRemove = signal.removeEventListener.bind(signal);
  const forget = (listener: unknown): void => {
    const leak = held.get(listener);
    if (leak !== undefined) leaks.delete(leak);
    held.delete(listener);
  };
  const add = (...args: Parameters<typeof reallyAdd>): void => {
    const [type, listener, options] = args;
    const { once = false, signal: until } = typeof options === 'object' ? options : {};
    if (type === 'abort' && !held.has(listener) && until?.aborted !== true) {
      const leak = { what: 'an abort listener', where: stackHere() };
      held.set(listener, leak);
      leaks.add(leak);
      // The platform takes these off by itself, without asking removeEventListener.
      if (once) reallyAdd('abort', forget.bind(undefined, listener), { once });
      until?.addEventListener('abort', forget.bind(undefined, listener), { once: true });
    }
    reallyAdd(...args);
  };
  const remove = (...args: Parameters<typeof reallyRemove>): void => {
    if (args[0] === 'abort') forget(args[1]);
    reallyRemove(...args);
  };
  Object.defineProperties(signal, { addEventListener: { value: add }, removeEventListener: { value: remove } });
}

/** Called where a throw would end the process, with whatever a promise was rejected with. */
function traceOf(reason: unknown): string {
  try {
    if (reason instanceof Error && typeof reason.stack === 'string') return reason.stack;
  } catch {
    // A proxy or a getter that throws when touched.
  }
  return describe(reason);
}
