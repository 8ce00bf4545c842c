/** @internal First in, first out, and anybody may leave from the middle. O(1) amortised; each is in it once. */
export class WaitingLine<T extends object> {
  readonly #waiting = new Set<T>();
  /** Who has left stays until the line has moved up to him. */
  readonly #line: T[] = [];
  #head = 0;

  get size(): number {
    return this.#waiting.size;
  }

  add(one: T): void {
    this.#waiting.add(one);
    this.#line.push(one);
  }

  take(): T | undefined {
    while (this.#head < this.#line.length) {
      const one = this.#line[this.#head++]!;
      if (2 * this.#head > this.#line.length) {
        this.#line.splice(0, this.#head);
        this.#head = 0;
      }
      if (this.#waiting.delete(one)) return one;
    }
    return undefined;
  }

  delete(one: T): void {
    this.#waiting.delete(one);
  }
}
