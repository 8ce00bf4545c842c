import { checkDelay, type Clock, sleepOn, type Timer } from '../core/clock.ts';
import type { HoldfastError } from '../core/errors.ts';
import { check, invalid, number, readOptions } from '../core/options.ts';
import { eachSettled } from './microtasks.ts';
import { HeapTimer, TimerHeap } from './timer-heap.ts';

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /**
   * What `wallNow()` says at the start, in milliseconds since the epoch.
   *
   * @defaultValue 0
   */
  readonly epochMs?: number | undefined;
}

/**
 * Time that moves only when the test says so, and then as fast as the processor can.
 *
 * Promises: timers fire in the order of their due time, those of one instant in the order of their creation; before the
 * clock moves on, every promise chain that is ready has run, however deep; `now()` in a timer is exactly its due time. A
 * run is a function of its input: same program, same seed, same order. Does not promise to see I/O of the real world.
 *
 * Complexity: O(log n) for setting, firing and cancelling a timer; memory for those that are set.
 *
 * @example
 * ```ts
 * import { VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const woken: number[] = [];
 * void clock.sleep(60_000).then(() => woken.push(clock.now()));
 * await clock.advance(59_999);
 * woken // => []
 * await clock.advance(1);
 * woken // => [60000]
 * ```
 */
export class VirtualClock implements Clock {
  readonly #epochMs: number;
  readonly #heap = new TimerHeap();
  #nowMs = 0;
  #created = 0;
  #moving = false;

  /**
   * @param options - where the calendar starts
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options?: VirtualClockOptions) {
    this.#epochMs = readOptions('VirtualClock', options, { epochMs: number() }).epochMs ?? 0;
  }

  /** Virtual milliseconds since the clock was made. */
  now(): number {
    return this.#nowMs;
  }

  /** `epochMs` plus {@link VirtualClock.now}. */
  wallNow(): number {
    return this.#epochMs + this.#nowMs;
  }

  /** How many timers are set and have neither fired nor been cancelled. Those of `Infinity` do not count. */
  get pending(): number {
    return this.#heap.size;
  }

  /** When the next timer is due, on the scale of `now()`; undefined when none is set. */
  get nextDueMs(): number | undefined {
    return this.#heap.first?.dueMs;
  }

  /** See {@link Clock.setTimer}; `ref` means nothing here. */
  setTimer(ms: number, fn: () => void): Timer {
    const delayMs = Math.max(0, checkDelay(ms));
    if (delayMs === Infinity) return { cancel: () => undefined };
    const timer = new HeapTimer(this.#heap, this.#nowMs + delayMs, this.#created++, fn);
    this.#heap.add(timer);
    return timer;
  }

  /** See {@link Clock.sleep}. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /**
   * Moves time on by `ms`, firing what becomes due on the way, also what is set on the way. Ends with `now()` exactly
   * `ms` later and with every ready promise chain run.
   *
   * @param ms - virtual milliseconds, 0 or more
   * @throws {@link HoldfastError} `INVALID_OPTION` for a negative or infinite `ms`, or while the clock is moving already
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + check('ms', ms, number({ min: 0 }));
    await this.#move(untilMs, Infinity);
    this.#nowMs = untilMs;
  }

  /**
   * Moves time on from timer to timer until none is left.
   *
   * @param options - `maxTimers`: how many may fire before the run is given up as endless; 100,000 when absent
   * @returns how many timers fired
   * @throws {@link HoldfastError} `INVALID_OPTION` when more than `maxTimers` fired, or while the clock is moving already
   */
  async runUntilIdle(options?: { readonly maxTimers?: number }): Promise<number> {
    const { maxTimers = 100_000 } = readOptions('runUntilIdle', options, {
      maxTimers: number({ min: 1, integer: true }),
    });
    return await this.#move(Infinity, maxTimers);
  }

  async #move(untilMs: number, maxTimers: number): Promise<number> {
    check('a moving clock', this.#moving, {
      expected: 'left alone until it has arrived',
      accepts: (moving) => moving === false,
    });
    this.#moving = true;
    let fired = 0;
    try {
      await eachSettled(() => {
        const timer = this.#heap.first;
        if (timer === undefined || timer.dueMs > untilMs) return false;
        if (fired === maxTimers) throw endless(maxTimers, this.#heap.size);
        this.#fire(timer);
        fired++;
        return true;
      });
      return fired;
    } finally {
      this.#moving = false;
    }
  }

  #fire(timer: HeapTimer): void {
    this.#heap.delete(timer);
    this.#nowMs = timer.dueMs;
    timer.fn();
  }
}

function endless(maxTimers: number, left: number): HoldfastError {
  const expected = `more than the ${String(maxTimers)} timers that have fired, with ${String(left)} still set`;
  return invalid('maxTimers', expected, maxTimers);
}
