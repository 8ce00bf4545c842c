import { ownCopy } from './key-text.ts';

/** @internal One monitored key. Its true count is from `count - error` to `count`. */
export interface Counter {
  key: string;
  count: number;
  error: number;
  /** Its place in the heap. */
  index: number;
}

/**
 * @internal The Space-Saving sketch: the heaviest keys of a stream in fixed memory. A key that is not monitored takes the
 * place and the count of the least one.
 *
 * With `capacity` counters and N counted in all: a monitored key's count is never below the truth and at most N / capacity
 * above it; every key with more than N / capacity is monitored. A key that is monitored already costs one look-up and
 * O(log capacity) moves and allocates nothing.
 *
 * Source: A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of frequent and top-k elements in data streams"
 * (2005); weights by a heap in place of the bucket list.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #byKey = new Map<string, Counter>();
  /** A heap, the least count first. */
  readonly #heap: Counter[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(key: string, weight: number): void {
    let counter = this.#byKey.get(key);
    if (counter === undefined) {
      counter = this.#heap.length < this.#capacity ? this.#open() : this.#evict();
      counter.key = ownCopy(key);
      this.#byKey.set(counter.key, counter);
    }
    counter.count += weight;
    this.#siftDown(counter);
  }

  get(key: string): Counter | undefined {
    return this.#byKey.get(key);
  }

  /** What a key that is not monitored may count at most. */
  get unseen(): number {
    return this.#heap.length < this.#capacity ? 0 : this.#heap[0]!.count;
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  clear(): void {
    this.#byKey.clear();
    this.#heap.length = 0;
  }

  #open(): Counter {
    const counter: Counter = { key: '', count: 0, error: 0, index: this.#heap.length };
    this.#heap.push(counter);
    this.#siftUp(counter);
    return counter;
  }

  #evict(): Counter {
    const least = this.#heap[0]!;
    this.#byKey.delete(least.key);
    least.error = least.count;
    return least;
  }

  #siftUp(counter: Counter): void {
    while (counter.index > 0) {
      const parent = this.#heap[(counter.index - 1) >> 1]!;
      if (parent.count <= counter.count) return;
      this.#swap(parent, counter);
    }
  }

  #siftDown(counter: Counter): void {
    for (;;) {
      const left = this.#heap[2 * counter.index + 1];
      const right = this.#heap[2 * counter.index + 2];
      const least = right !== undefined && right.count < left!.count ? right : left;
      if (least === undefined || least.count >= counter.count) return;
      this.#swap(counter, least);
    }
  }

  #swap(upper: Counter, lower: Counter): void {
    const { index } = upper;
    upper.index = lower.index;
    lower.index = index;
    this.#heap[upper.index] = upper;
    this.#heap[lower.index] = lower;
  }
}
