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
 * closed (`return`) and the error is the loop's; one that never answers is told and not waited for.
 *
 * Does not promise to sort: streams that are not sorted come interleaved.
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
  return { [Symbol.asyncIterator]: () => merge(all, compare) };
}

const streamRule: Rule<SortedStream<unknown>> = {
  expected: 'an iterable or an async iterable',
  accepts: (value) => {
    const stream = value as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
    return typeof stream?.[Symbol.asyncIterator] === 'function' || typeof stream?.[Symbol.iterator] === 'function';
  },
};

async function* merge<T>(streams: readonly SortedStream<T>[], compare: (a: T, b: T) => number): AsyncGenerator<T> {
  const sources: Source<T>[] = [];
  try {
    for (const stream of streams) sources.push({ iterator: iteratorOf(stream), head: undefined, state: 'idle' });
    // All at once, for each may be far away.
    await Promise.all(sources.map(advance));
    const order = new Map(sources.map((source, index) => [source, index]));
    const heap = new Heap<Source<T>>(
      sources.filter(({ state }) => state === 'idle'),
      (a, b) => {
        const sign = compare(a.head as T, b.head as T);
        return sign < 0 || (!(sign > 0) && order.get(a)! < order.get(b)!);
      },
    );
    for (let source = heap.top; source !== undefined; source = heap.top) {
      yield source.head as T;
      await advance(source);
      if (source.state === 'idle') heap.sinkTop();
      else heap.removeTop();
    }
  } finally {
    await close(sources);
  }
}

function iteratorOf<T>(stream: SortedStream<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
}

/** Reads the next element of a source; one that throws has ended. */
async function advance<T>(source: Source<T>): Promise<void> {
  source.state = 'asked';
  try {
    const result = await source.iterator.next();
    source.head = result.done === true ? undefined : result.value;
    source.state = result.done === true ? 'ended' : 'idle';
  } catch (error) {
    source.state = 'ended';
    throw error;
  }
}

/** Tells every source that has not ended; one in the middle of an answer may never give it and is not waited for. */
async function close<T>(sources: readonly Source<T>[]): Promise<void> {
  for (const source of sources) if (source.state === 'asked') void tell(source);
  await Promise.all(sources.filter(({ state }) => state === 'idle').map(tell));
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
