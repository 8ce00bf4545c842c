import { check, func, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { targetsRule } from './leaf.ts';

/** A sorted source, of this process or of another. */
export type SortedStream<T> = Iterable<T> | AsyncIterable<T>;

interface Source<T> {
  readonly iterator: Iterator<T> | AsyncIterator<T>;
  /** The next element to give, when `state` is `'idle'`. */
  head: T | undefined;
  state: 'idle' | 'asked' | 'ended';
}

/**
 * Several sorted streams as one sorted stream: the merge of a search's answers, read as far as somebody reads it.
 *
 * Promises: everything in each stream, in its own order; when all are sorted by `compare`, so is the result, and equals come
 * in the order of the streams. Lazy: nothing is read before the first `next`, and never more than one element of each
 * stream beyond what was given. When the loop is left, or a stream or `compare` throws, every stream that has not ended is
 * told to close (`return`), once, and the error is the loop's. Nobody waits for a stream to have closed, nor for one that is
 * silent: leaving takes no time. What closing throws or rejects with is reported as a process warning.
 *
 * Does not promise to sort: streams that are not sorted come interleaved. Nor that a stream has let go of what it holds when
 * the loop is over.
 *
 * Complexity: O(log streams) comparisons an element; memory O(streams).
 *
 * @param streams - sorted iterables, synchronous or not
 * @param compare - less than 0 when the first comes first, as for `Array.prototype.sort`
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { mergeSorted } from 'holdfast/scatter';
 *
 * const top: number[] = [];
 * for await (const score of mergeSorted([[9, 4, 1], [7, 6], [8]], (a, b) => b - a)) {
 *   top.push(score);
 *   if (top.length === 4) break;
 * }
 * top // => [9, 8, 7, 6]
 * ```
 */
export function mergeSorted<T>(streams: Iterable<SortedStream<T>>, compare: (a: T, b: T) => number): AsyncIterable<T> {
  check('streams', streams, targetsRule);
  check('compare', compare, func());
  const all = [...streams];
  for (const stream of all) check('a stream', stream, streamRule);
  return {
    [Symbol.asyncIterator]() {
      const merge = new Merge(all, compare);
      const items = merge.items();
      return {
        next: () => items.next(),
        return: () => {
          merge.leave();
          return items.return(undefined);
        },
      };
    },
  };
}

const streamRule: Rule<SortedStream<unknown>> = {
  expected: 'an iterable or an async iterable',
  accepts: (value) => {
    const stream = value as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
    return typeof stream?.[Symbol.asyncIterator] === 'function' || typeof stream?.[Symbol.iterator] === 'function';
  },
};

/** One reading of the streams. */
class Merge<T> {
  readonly #streams: readonly SortedStream<T>[];
  readonly #compare: (a: T, b: T) => number;
  #left = false;
  #stopWaiting: () => void = () => undefined;

  constructor(streams: readonly SortedStream<T>[], compare: (a: T, b: T) => number) {
    this.#streams = streams;
    this.#compare = compare;
  }

  async *items(): AsyncGenerator<T, undefined> {
    const sources: Source<T>[] = [];
    try {
      for (const stream of this.#streams)
        sources.push({ iterator: iteratorOf(stream), head: undefined, state: 'idle' });
      // All at once, for each may be far away.
      if (await this.#leftBefore(Promise.all(sources.map(advance)))) return undefined;
      const order = new Map(sources.map((source, index) => [source, index]));
      const heap = new Heap<Source<T>>(
        sources.filter(({ state }) => state === 'idle'),
        (a, b) => {
          const sign = this.#compare(a.head as T, b.head as T);
          return sign < 0 || (!(sign > 0) && order.get(a)! < order.get(b)!);
        },
      );
      for (let source = heap.top; source !== undefined; source = heap.top) {
        yield source.head as T;
        if (await this.#leftBefore(advance(source))) return undefined;
        if (source.state === 'idle') heap.sinkTop();
        else heap.removeTop();
      }
      return undefined;
    } finally {
      close(sources);
    }
  }

  /** Ends the wait for a stream, which may be silent for ever: a generator alone would end when that has answered. */
  leave(): void {
    this.#left = true;
    this.#stopWaiting();
  }

  #leftBefore(work: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#stopWaiting = () => {
        resolve(true);
      };
      if (this.#left) resolve(true); // from inside of a stream
      work.then(() => {
        resolve(false);
      }, reject);
    });
  }
}

function iteratorOf<T>(stream: SortedStream<T>): Iterator<T> | AsyncIterator<T> {
  return isAsync(stream) ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
}

/** A string is a stream too, and `in` refuses it. */
function isAsync<T>(stream: SortedStream<T>): stream is AsyncIterable<T> {
  return typeof (stream as Partial<AsyncIterable<T>>)[Symbol.asyncIterator] === 'function';
}

/** Reads the next element of a source; one that throws has ended. */
async function advance<T>(source: Source<T>): Promise<void> {
  source.state = 'asked';
  try {
    const result = await source.iterator.next();
    const ended = Boolean(result.done); // as a loop would take it
    source.head = ended ? undefined : (result.value as T);
    source.state = ended ? 'ended' : 'idle';
  } catch (error) {
    source.state = 'ended';
    throw error;
  }
}

/** Tells every source that has not ended. Not waited for: one that is stuck would hold up who leaves because it is. */
function close<T>(sources: readonly Source<T>[]): void {
  for (const source of sources) if (source.state !== 'ended') void tell(source);
}

async function tell<T>({ iterator }: Source<T>): Promise<void> {
  try {
    await iterator.return?.();
  } catch (error) {
    reportError('a merged stream could not be closed', error);
  }
}

/** A binary heap of which only the top ever changes. */
class Heap<T> {
  readonly #items: T[];
  readonly #before: (a: T, b: T) => boolean;

  constructor(items: T[], before: (a: T, b: T) => boolean) {
    this.#items = items;
    this.#before = before;
    for (let parent = (items.length >> 1) - 1; parent >= 0; parent--) this.#sink(parent);
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  sinkTop(): void {
    this.#sink(0);
  }

  removeTop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  #sink(from: number): void {
    const items = this.#items;
    for (let parent = from; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if (child < items.length && this.#before(items[child]!, items[least]!)) least = child;
      if (least === parent) return;
      [items[parent], items[least]] = [items[least]!, items[parent]!];
      parent = least;
    }
  }
}
