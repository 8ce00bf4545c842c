import type { Clock, Timer } from '../core/clock.ts';
import { Heap } from './backlog/heap.ts';

/** @internal One that was set and may be taken back. */
export interface Alarm {
  readonly dueMs: number;
  /** Undefined when it has rung or was taken back. */
  ring: (() => void) | undefined;
}

/** @internal Any number of alarms on one timer of the clock. Setting O(log n), taking back O(1) amortised. */
export class Alarms {
  readonly #clock: Clock;
  readonly #ref: boolean;
  readonly #heap = new Heap<Alarm>((a, b) => a.dueMs < b.dueMs);
  #timer: Timer | undefined;
  #timerDueMs = Infinity;
  #silenced = 0;

  /** `ref`: whether the process lives until the last of them. */
  constructor(clock: Clock, options: { readonly ref: boolean }) {
    this.#clock = clock;
    this.#ref = options.ref;
  }

  /** Has `ring` called in so many milliseconds. */
  set(ms: number, ring: () => void): Alarm {
    const alarm: Alarm = { dueMs: this.#clock.now() + ms, ring };
    this.#heap.push(alarm);
    if (alarm.dueMs < this.#timerDueMs) this.#arm();
    return alarm;
  }

  /** Nothing happens when it has rung. */
  cancel(alarm: Alarm | undefined): void {
    if (alarm?.ring === undefined) return;
    alarm.ring = undefined;
    const wasFirst = alarm === this.#heap.first;
    if (++this.#silenced > 32 && this.#silenced * 2 > this.#heap.size) this.#sweep();
    if (wasFirst) this.#arm();
  }

  /** None rings any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timerDueMs = -Infinity;
  }

  #sweep(): void {
    this.#heap.keep(({ ring }) => ring !== undefined);
    this.#silenced = 0;
  }

  #arm(): void {
    if (this.#timerDueMs === -Infinity) return; // closed
    while (this.#heap.size > 0 && this.#heap.first!.ring === undefined) {
      this.#heap.pop();
      this.#silenced--;
    }
    const dueMs = this.#heap.first?.dueMs ?? Infinity;
    if (dueMs === this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = dueMs;
    if (dueMs === Infinity) return;
    this.#timer = this.#clock.setTimer(
      dueMs - this.#clock.now(),
      () => {
        this.#onTimer();
      },
      { ref: this.#ref },
    );
  }

  #onTimer(): void {
    this.#timerDueMs = Infinity;
    const nowMs = this.#clock.now();
    for (let first = this.#heap.first; first !== undefined && first.dueMs <= nowMs; first = this.#heap.first) {
      this.#heap.pop();
      const { ring } = first;
      if (ring === undefined) this.#silenced--;
      first.ring = undefined;
      ring?.();
    }
    this.#arm();
  }
}
