import { checkDelay, type Clock, sleepOn, type Timer } from '../../core/clock.ts';
import type { EventQueue } from './event-queue.ts';
import type { LocalTime } from './local-time.ts';

/** @internal Runs what a timer does when its process is able to. */
export type Wake = (fire: () => void) => void;

interface LocalTimer {
  readonly dueMs: number;
  readonly fn: () => void;
  event: Timer;
}

/** @internal The clock of one process: its machine's time, and timers that die with the process. */
export class ProcessClock implements Clock {
  readonly #queue: EventQueue;
  readonly #time: LocalTime;
  readonly #origin: number;
  readonly #wake: Wake;
  readonly #timers = new Set<LocalTimer>();
  #dead = false;

  constructor(queue: EventQueue, time: LocalTime, origin: number, wake: Wake) {
    this.#queue = queue;
    this.#time = time;
    this.#origin = origin;
    this.#wake = wake;
  }

  now(): number {
    return this.#time.now();
  }

  wallNow(): number {
    return this.#time.wallNow();
  }

  setTimer(ms: number, fn: () => void): Timer {
    const delayMs = Math.max(0, checkDelay(ms));
    if (this.#dead || delayMs === Infinity) return { cancel: () => undefined };
    const dueMs = this.#time.now() + delayMs;
    const timer: LocalTimer = { dueMs, fn, event: this.#add(dueMs, () => this.#due(timer)) };
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.event.cancel();
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** The machine's rate has changed: what is set comes sooner or later. */
  reset(): void {
    for (const timer of this.#timers) {
      timer.event.cancel();
      timer.event = this.#add(timer.dueMs, () => this.#due(timer));
    }
  }

  /** No timer fires any more. */
  die(): void {
    this.#dead = true;
    for (const timer of this.#timers) timer.event.cancel();
    this.#timers.clear();
  }

  #add(dueMs: number, fn: () => void): Timer {
    return this.#queue.add(this.#time.trueMs(dueMs), this.#origin, fn);
  }

  #due(timer: LocalTimer): void {
    this.#wake(() => {
      // Taken back, or dead, while the process was paused.
      if (!this.#timers.delete(timer)) return;
      this.#time.reach(timer.dueMs);
      timer.fn();
    });
  }
}
