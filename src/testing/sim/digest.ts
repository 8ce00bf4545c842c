const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** What is nested deeper does not count: a value may contain itself. */
const deepest = 8;

/**
 * @internal A running hash, 64 bits in two lanes of FNV-1a over words with different primes. It tells runs apart that
 * differ by accident; it is no defence against an attacker.
 */
export class Digest {
  #a = 0x811c9dc5;
  #b = 0xcbf29ce4;

  add(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193);
    this.#b = Math.imul((this.#b << 13) ^ (this.#b >>> 19) ^ word, 0x5bd1e995);
  }

  number(value: number): void {
    double[0] = value;
    this.add(words[0]!);
    this.add(words[1]!);
  }

  text(value: string): void {
    this.add(value.length);
    for (let i = 0; i < value.length; i++) this.add(value.charCodeAt(i));
  }

  /** Plain data by its content; of anything else the kind. */
  value(value: unknown, depth = 0): void {
    if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') this.text(value);
    else if (typeof value !== 'object' || value === null) this.text(typeof value === 'function' ? '' : String(value));
    else if (depth < deepest) this.#object(value, depth + 1);
  }

  #object(value: object, depth: number): void {
    if (value instanceof Error) {
      this.text(value.message);
      return;
    }
    if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
      for (const item of value as unknown as Iterable<unknown>) this.value(item, depth);
      return;
    }
    const keys = Object.keys(value);
    this.add(keys.length);
    for (const key of keys) {
      this.text(key);
      this.value((value as Record<string, unknown>)[key], depth);
    }
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
