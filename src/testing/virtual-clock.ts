import { checkDelay, type Clock, sleepOn, type Timer } from '../core/clock.ts';
import { check, number, readOptions } from '../core/options.ts';
import { settleMicrotasks } from './microtasks.ts';

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /**
   * What `wallNow()` says at the start, in milliseconds since the epoch.
   *
   * @defaultValue 0
   */
  readonly epochMs?: number | undefined;
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * Time that moves only when the test says so, and then as fast as the processor can.
 *
 * Promises: timers fire in the order of their due time, those of one instant in the order of their creation; before the
 * clock moves on, every promise chain that is ready has run, however deep; `now()` in a timer is exactly its due time. A
 * run is a function of its input: same program, same seed, same order. Does not promise to see I/O of the real world.
 *
 * Complexity: O(log n) for setting and firing a timer, the same amortised for cancelling one. A cancelled timer keeps no
 * memory beyond a share of those that are set.
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
  #fired = 0;
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
    const entry: Entry = { dueMs: this.#nowMs + delayMs, order: this.#created++, fn };
    this.#heap.add(entry);
    return {
      cancel: () => {
        this.#heap.delete(entry);
      },
    };
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
    const before = this.#fired;
    try {
      await settleMicrotasks();
      for (let entry = this.#heap.first; entry !== undefined && entry.dueMs <= untilMs; entry = this.#heap.first) {
        check('maxTimers', maxTimers, {
          expected: `more than the ${String(this.#fired - before)} timers that have fired, with ${String(this.#heap.size)} still set`,
          accepts: () => this.#fired - before < maxTimers,
        });
        await this.#fire(entry);
      }
      return this.#fired - before;
    } finally {
      this.#moving = false;
    }
  }

  async #fire(entry: Entry): Promise<void> {
    this.#heap.delete(entry);
    this.#nowMs = entry.dueMs;
    entry.fn();
    this.#fired++;
    await settleMicrotasks();
  }
}

/** A binary heap by (due time, creation). A cancelled entry stays until it comes up, or until most have been cancelled. */
class TimerHeap {
  readonly #live = new Set<Entry>();
  #entries: Entry[] = [];

  get size(): number {
    return this.#live.size;
  }

  get first(): Entry | undefined {
    for (;;) {
      const [top] = this.#entries;
      if (top === undefined || this.#live.has(top)) return top;
      this.#removeTop();
    }
  }

  add(entry: Entry): void {
    this.#live.add(entry);
    this.#siftUp(this.#entries.push(entry) - 1);
  }

  /** Where most were cancelled, as with the hedges and deadlines of calls that succeed, the rest is heaped anew. */
  delete(entry: Entry): void {
    this.#live.delete(entry);
    if (this.#entries.length > 64 && this.#entries.length > 2 * this.#live.size)
      this.#entries = [...this.#live].sort(byDue);
  }

  #removeTop(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.#siftDown(0);
  }

  #siftUp(from: number): void {
    for (let child = from; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLess(child, parent)) return;
      child = parent;
    }
  }

  #siftDown(from: number): void {
    for (let parent = from; ;) {
      const left = 2 * parent + 1;
      const least = this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfLess(least, parent)) return;
      parent = least;
    }
  }

  #swapIfLess(child: number, parent: number): boolean {
    if (!this.#less(child, parent)) return false;
    const entries = this.#entries;
    [entries[child], entries[parent]] = [entries[parent]!, entries[child]!];
    return true;
  }

  #less(a: number, b: number): boolean {
    const [left, right] = [this.#entries[a], this.#entries[b]];
    return left !== undefined && right !== undefined && byDue(left, right) < 0;
  }
}

function byDue(a: Entry, b: Entry): number {
  return a.dueMs - b.dueMs || a.order - b.order;
}
