/**
 * @internal First in, first out, over one array whose length is a power of two. All O(1), amortised; a slot that is free
 * holds nothing.
 */
export class Ring<T> {
  #slots: (T | undefined)[] = new Array<T | undefined>(4).fill(undefined);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[this.#head];
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#resize(this.#size * 2);
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = item;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    // A quarter, so that growing and shrinking do not take turns.
    if (this.#slots.length > 16 && this.#size * 4 < this.#slots.length) this.#resize(this.#slots.length / 2);
    return item;
  }

  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const at = (this.#head + --this.#size) & (this.#slots.length - 1);
    const item = this.#slots[at];
    this.#slots[at] = undefined;
    return item;
  }

  get last(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[(this.#head + this.#size - 1) & (this.#slots.length - 1)];
  }

  /** Keeps what is still wanted, in order. O(n). */
  keep(wanted: (item: T) => boolean): void {
    for (let left = this.#size; left > 0; left--) {
      const item = this.shift()!;
      if (wanted(item)) this.push(item);
    }
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#size; i++) yield this.#slots[(this.#head + i) & (this.#slots.length - 1)]!;
  }

  #resize(length: number): void {
    const slots = new Array<T | undefined>(length).fill(undefined);
    for (let i = 0; i < this.#size; i++) slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
