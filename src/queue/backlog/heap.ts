/** @internal A heap with four children a node: shallower than a binary one, and what is compared lies side by side. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last, 0);
    return first;
  }

  /** The first has become less urgent. */
  sinkFirst(): void {
    if (this.#items.length > 1) this.#sink(this.#items[0]!, 0);
  }

  /** Keeps what is still wanted. O(n). */
  keep(wanted: (item: T) => boolean): void {
    const kept = this.#items.filter(wanted);
    this.#items.length = 0;
    for (const item of kept) this.push(item);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items[Symbol.iterator]();
  }

  #rise(item: T, from: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!this.#before(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  #sink(item: T, from: number): void {
    const items = this.#items;
    const { length } = items;
    let at = from;
    for (let child = 4 * at + 1; child < length; child = 4 * at + 1) {
      const end = Math.min(child + 4, length);
      let least = child;
      for (let i = child + 1; i < end; i++) if (this.#before(items[i]!, items[least]!)) least = i;
      if (!this.#before(items[least]!, item)) break;
      items[at] = items[least]!;
      at = least;
    }
    items[at] = item;
  }
}
