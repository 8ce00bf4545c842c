import type { Timer } from '../core/clock.ts';

/** @internal A timer that is set. */
export class HeapTimer implements Timer {
  readonly dueMs: number;
  /** Timers of one instant fire in this order. */
  readonly order: number;
  readonly fn: () => void;
  readonly #heap: TimerHeap;
  /** Where it stands in the heap; below 0: nowhere. Kept by the heap. */
  place = -1;

  constructor(heap: TimerHeap, dueMs: number, order: number, fn: () => void) {
    this.#heap = heap;
    this.dueMs = dueMs;
    this.order = order;
    this.fn = fn;
  }

  cancel(): void {
    this.#heap.delete(this);
  }
}

/** @internal A binary heap of timers by (due time, order). Each knows its place, so that it can be taken out in O(log n). */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  get first(): HeapTimer | undefined {
    return this.#timers[0];
  }

  add(timer: HeapTimer): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  /** Nothing happens when it is not there. */
  delete(timer: HeapTimer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#timers.pop()!;
    if (last === timer) return;
    // The gap is filled by the last, which may belong higher or lower.
    this.#rise(last, place);
    if (last.place === place) this.#sink(last, place);
  }

  #rise(timer: HeapTimer, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = this.#timers[(at - 1) >> 1]!;
      if (!before(timer, parent)) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    this.#put(timer, at);
  }

  #sink(timer: HeapTimer, from: number): void {
    const timers = this.#timers;
    let at = from;
    for (let child = 2 * at + 1; child < timers.length; child = 2 * at + 1) {
      const right = timers[child + 1];
      if (right !== undefined && before(right, timers[child]!)) child++;
      if (!before(timers[child]!, timer)) break;
      this.#put(timers[child]!, at);
      at = child;
    }
    this.#put(timer, at);
  }

  #put(timer: HeapTimer, at: number): void {
    this.#timers[at] = timer;
    timer.place = at;
  }
}

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
