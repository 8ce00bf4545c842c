import { HoldfastError } from './errors.ts';
import { check, describe } from './options.ts';
import { onAbort, signalRule } from './signals.ts';
import { turn } from './turns.ts';

/** A timer that was set and may be taken back. */
export interface Timer {
  /** Takes the timer back. Idempotent; nothing happens after the timer has fired. */
  cancel(): void;
}

/**
 * Time as a capability. Every primitive that waits takes one, so that tests and simulations can pass a virtual clock.
 *
 * Two clocks that are never mixed: `now` for durations, `wallNow` for display. No algorithm may compare the wall times
 * of two machines.
 */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin, with a fraction. Never goes back, whatever happens to the date. */
  now(): number;
  /** Milliseconds since the epoch, for people and logs. May jump. */
  wallNow(): number;
  /**
   * Runs `fn` once, as soon as `now()` has advanced by `ms`, never earlier and never synchronously. Negative counts as 0;
   * `Infinity` never fires; any finite length is honoured, also beyond 2^31−1 ms.
   *
   * @param ms - milliseconds from now
   * @param fn - what to run
   * @param options - `ref`: whether the timer keeps the process alive.
   * @throws {@link HoldfastError} `INVALID_OPTION` when `ms` is not a number or is NaN
   */
  setTimer(ms: number, fn: () => void, options?: { readonly ref?: boolean }): Timer;
  /**
   * Resolves when `now()` has advanced by `ms`; rejects with the signal's reason as soon as it aborts. Leaves neither a
   * timer nor a listener behind. Keeps the process alive while it waits, for its promise hangs on nothing else.
   *
   * @param ms - milliseconds from now
   * @param signal - ends the wait early
   * @throws {@link HoldfastError} `INVALID_OPTION` when `ms` is not a number or is NaN, or `signal` is not a signal
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Runs `work`: at once, or, when there was work without a pause for a millisecond, after the platform's timers and I/O have had
   * their turn, which promise chains alone keep from it. What waits for a turn runs in its order, all in the same one.
   *
   * Absent from a clock that stands still as long as work is ready, as a virtual one does: it has nothing to be kept from.
   *
   * @param work - must not throw
   */
  turn?(work: () => void): void;
}

/** The longest delay that the platform's timers honour; a longer one would fire after 1 ms. */
const longestDelayMs = 2 ** 31 - 1;

/** @internal A timer's delay, checked: one message for every clock. */
export function checkDelay(ms: number): number {
  if (typeof ms === 'number' && !Number.isNaN(ms)) return ms;
  throw new HoldfastError('INVALID_OPTION', `ms must be a number of milliseconds, got ${describe(ms)}`);
}

/** @internal `Clock.sleep` in terms of `Clock.setTimer`, shared by every clock. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal !== undefined) check('signal', signal, signalRule);
    if (signal?.aborted === true) {
      checkDelay(ms);
      reject(signal.reason as Error);
      return;
    }
    const timer = clock.setTimer(
      ms,
      () => {
        unlink();
        resolve();
      },
      { ref: true },
    );
    const unlink = onAbort(signal, (reason) => {
      timer.cancel();
      reject(reason);
    });
  });
}

/**
 * The platform's time: `performance.now`, `Date.now` and `setTimeout`, each looked up when it is called, so that fake
 * timers installed later are honoured. They must fake `performance` too, as vitest's do by default: no timer fires before
 * `now()` has come so far.
 *
 * The platform fires a timer up to a millisecond early and cuts off fractions; here a timer that wakes too early is set
 * again for what is left. The same step carries delays beyond 2^31−1 ms, `Infinity` too: it never comes, and a `sleep`
 * for ever still keeps the process alive until its signal ends it.
 *
 * @example
 * ```ts
 * import { systemClock } from 'holdfast/core';
 *
 * const start = systemClock.now();
 * await systemClock.sleep(5);
 * systemClock.now() - start >= 5 // => true
 * ```
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(ms, fn, options) {
    const due = performance.now() + checkDelay(ms);
    let handle: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number): void => {
      handle = setTimeout(wake, Math.min(Math.max(0, Math.ceil(leftMs)), longestDelayMs));
      // A browser's handle is a number: it keeps nothing alive and has nothing to unref.
      if (options?.ref !== true) (handle as { unref?: () => unknown }).unref?.();
    };
    const wake = (): void => {
      const leftMs = due - performance.now();
      if (leftMs > 0) arm(leftMs);
      else fn();
    };
    arm(ms);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
  turn,
};
