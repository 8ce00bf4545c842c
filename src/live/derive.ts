import { currentOf, type Live } from '../core/live.ts';
import { check, func, readOptions } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { over } from './readers.ts';
import { sameContent } from './same.ts';

/** Options of {@link derive}. */
export interface DeriveOptions<T> {
  /**
   * Whether what was made is what is there already; then nothing changes.
   *
   * @defaultValue equal content of arrays, plain objects, maps, sets, dates and bytes; anything else is itself alone
   */
  readonly same?: ((next: T, current: T) => boolean) | undefined;
}

/**
 * A live value made of another: the members of a ring, the weights of a split and the bounds of a queue, of one configuration.
 *
 * Promises: what is read is made of the source's newest value, at the time of reading, so that several made of one source
 * never disagree; `make` is called once for each version that is read, and its version rises only when what it makes is
 * another. When `make` throws, what was made last stays and the error is reported, once, as a process warning; the first time
 * it is thrown to the reader.
 *
 * Holds nothing: it sets no timer and no listener, and need not be closed. Does not close its source. `make` runs in the
 * reader: let it be quick and free of side effects.
 *
 * @param source - what it is made of
 * @param make - makes it
 * @param options - what is the same
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { HashRing, LoadBalancer } from 'holdfast';
 * import { derive, live } from 'holdfast/live';
 *
 * const config = live(async () => ({ nodes: ['a', 'b'], other: 5 }));
 * await config.ready;
 * const balancer = new LoadBalancer(derive(config, ({ nodes }) => nodes));
 * const ring = derive(config, ({ nodes }) => new HashRing(nodes));
 * balancer.stats().members.length // => 2
 * ring.current.size // => 2
 * config.close();
 * ```
 */
export function derive<S, T>(source: Live<S>, make: (value: S) => T, options?: DeriveOptions<T>): Live<T> {
  check('source', source, liveRule);
  check('make', make, func<typeof make>());
  const { same = sameContent } = readOptions('derive', options, { same: func<(next: T, current: T) => boolean>() });
  return new Derived(source, make, same);
}

const liveRule = {
  expected: 'a live value',
  accepts: (value: unknown) =>
    typeof value === 'object' && value !== null && typeof (value as Partial<Live<unknown>>).changes === 'function',
};

class Derived<S, T> implements Live<T> {
  readonly #source: Live<S>;
  readonly #make: (value: S) => T;
  readonly #same: (next: T, current: T) => boolean;
  /** Ends the loops that wait for the source. */
  readonly #waiting = new Set<() => void>();
  #seen: number | undefined;
  #value: T | undefined;
  #version = 0;
  /** Why there is no value yet. */
  #why: unknown;
  #closed = false;

  constructor(source: Live<S>, make: (value: S) => T, same: (next: T, current: T) => boolean) {
    this.#source = source;
    this.#make = make;
    this.#same = same;
  }

  get current(): T {
    this.#look();
    if (this.#version === 0) throw this.#why;
    return this.#value as T;
  }

  get version(): number {
    try {
      this.#look();
    } catch {
      // Who reads `current` is told.
    }
    return this.#version;
  }

  get ready(): Promise<T> {
    const ready = this.#source.ready.then(() => this.current);
    ready.catch(() => undefined);
    return ready;
  }

  changes(signal?: AbortSignal): AsyncIterableIterator<T> {
    const inner = this.#source.changes(signal)[Symbol.asyncIterator]();
    let seen = this.version;
    let left = false;
    let settle: (result: IteratorResult<S, unknown>) => void = () => undefined;
    // A source's iterator may be a generator, which ends only when what it waits for has come.
    const leave = (): void => {
      left = true;
      inner.return?.().catch(() => undefined);
      settle(over);
    };
    const wait = async (): Promise<IteratorResult<S, unknown>> => {
      this.#waiting.add(leave);
      try {
        return await new Promise((resolve, reject) => {
          settle = resolve;
          inner.next().then(resolve, reject);
        });
      } finally {
        this.#waiting.delete(leave);
      }
    };
    const step = async (): Promise<IteratorResult<T, undefined>> => {
      while (!left && !this.#closed) {
        if ((await wait()).done === true) break;
        if (this.version === seen) continue;
        seen = this.version;
        return { done: false, value: this.current };
      }
      return over;
    };
    let last: Promise<unknown> = Promise.resolve();
    const iterator: AsyncIterableIterator<T> = {
      [Symbol.asyncIterator]: () => iterator,
      // One after the other: several that are asked for at once are answered in their order.
      next: () => {
        const result = last.then(step, step);
        last = result;
        return result;
      },
      return: () => {
        leave();
        return Promise.resolve(over);
      },
    };
    return iterator;
  }

  close(): void {
    this.#closed = true;
    for (const leave of this.#waiting) leave();
  }

  #look(): void {
    const { version } = this.#source;
    if (version === this.#seen || (this.#closed && this.#version > 0)) return;
    const value = currentOf(this.#source);
    try {
      const next = this.#make(value);
      if (this.#version > 0 && this.#same(next, this.#value as T)) return;
      this.#value = next;
      this.#version++;
    } catch (error) {
      if (this.#version === 0) this.#why = error;
      else reportError('a derived value could not be made, the last one stays', error);
    } finally {
      this.#seen = version;
    }
  }
}
