import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { anything, check, func, readOptions } from '../core/options.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import { type Pace, type PaceOptions, paceOf, paceShape } from './pace.ts';
import { over, Readers } from './readers.ts';
import { Rounds } from './rounds.ts';

/** What is new since a cursor. */
export interface PollBatch<T, C> {
  /** Where the next fetch goes on. */
  readonly cursor: C;
  /** What is new, in order; may be none. */
  readonly items: Iterable<T>;
  /** Whether there is more already: then the next fetch does not wait for `everyMs`. Not believed where there are no items. */
  readonly more?: boolean | undefined;
  /** How many were lost between the cursor and the first item, where the source tells; emitted as `missed`. */
  readonly missed?: number | undefined;
}

/** Asks a source for what is new since a cursor; undefined: there is none yet. */
export type PollFetch<T, C> = (
  cursor: C | undefined,
  signal: AbortSignal,
) => PollBatch<T, C> | PromiseLike<PollBatch<T, C>>;

/** Options of {@link poll}. */
export interface PollOptions<C> extends PaceOptions {
  /**
   * Where to go on: the `cursor` of an earlier run.
   *
   * @defaultValue undefined: from where `fetch` begins without one
   */
  readonly cursor?: C | undefined;
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
}

/** A fetch has failed. */
export interface PollFailure {
  /** What it rejected with; `DEADLINE_EXCEEDED` when its time was over. */
  readonly error: unknown;
  /** How many have failed in a row. */
  readonly failures: number;
  /** Milliseconds until the next is tried, with the same cursor. */
  readonly retryMs: number;
}

/** A fetch has told of a gap. */
export interface PollGap<C> {
  /** How many were lost. */
  readonly missed: number;
  /** The cursor before the gap. */
  readonly from: C | undefined;
  /** The cursor of the batch behind it. */
  readonly to: C;
}

/** Events of a {@link Poll}. */
export interface PollEvents<C> {
  /** A fetch has failed: it is tried again. */
  readonly failed: PollFailure;
  /** A fetch has told of a gap. */
  readonly missed: PollGap<C>;
}

/**
 * A source that can only be asked, as a loop: a slow log, a table with a rising id, an API with pages.
 *
 * Promises: each position of the cursor that `fetch` returns is given once and in its order; the next fetch begins when
 * somebody waits and all of the last has been taken; one is under way at a time. A fetch that fails is tried again with the
 * same cursor, after a pause that grows. Leaving the loop ends it at once, also while a fetch is stuck, whose signal aborts.
 * Nothing happens before the first `next`, and nothing is left afterwards. Keeps the process alive while somebody waits.
 *
 * For a restart without loss: handle an item, save `cursor`, and pass it to the next run. It moves on with the last item of a
 * batch, so what of a batch was handled before a crash is given again: at least once.
 *
 * Does not find gaps by itself: a `fetch` that sees one says so by `missed`. Never throws for a source that is down: `failed`
 * tells.
 *
 * @param fetch - gets the cursor and a signal; returns what is new, and the next cursor
 * @param options - how often, from where
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { poll } from 'holdfast/live';
 *
 * const log = ['a', 'b', 'c'];
 * const lines = poll<string, number>((cursor = 0) => ({ cursor: log.length, items: log.slice(cursor) }), { everyMs: 5 });
 * const seen: string[] = [];
 * for await (const line of lines) {
 *   seen.push(line);
 *   if (line === 'c') log.push('d');
 *   if (line === 'd') break;
 * }
 * seen // => ['a', 'b', 'c', 'd']
 * lines.cursor // => 4
 * ```
 */
export function poll<T, C = unknown>(fetch: PollFetch<T, C>, options?: PollOptions<C>): Poll<T, C> {
  check('fetch', fetch, func<PollFetch<T, C>>());
  const values = readOptions('poll', options, { ...paceShape, cursor: anything<C>(), signal: signalRule });
  return new Poll(fetch, paceOf(values), values.cursor, values.signal);
}

type Fetched<T, C> = PollBatch<T, C> & { readonly items: T[] };

/** A {@link poll} at work. One run: who wants another makes another. */
export class Poll<T, C = unknown> extends Emitter<PollEvents<C>> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #pace: Pace;
  readonly #signal: AbortSignal | undefined;
  readonly #readers: Readers<T>;
  readonly #rounds: Rounds<Fetched<T, C>>;
  #cursor: C | undefined;
  #batch: Fetched<T, C> | undefined;
  #taken = 0;
  #failures = 0;
  #dueMs = 0;
  /** Whether a fetch is under way, or will be. */
  #asked = false;
  #left = false;
  #unlink: Unlink | undefined;

  /** @internal */
  constructor(fetch: PollFetch<T, C>, pace: Pace, cursor: C | undefined, signal: AbortSignal | undefined) {
    super();
    const { clock } = pace.runtime;
    this.#pace = pace;
    this.#cursor = cursor;
    this.#signal = signal;
    this.#dueMs = clock.now();
    this.#readers = new Readers(clock, () => this.#take());
    this.#rounds = new Rounds(
      {
        what: 'a fetch',
        timeoutMs: pace.timeoutMs,
        run: async (abort): Promise<Fetched<T, C>> => {
          // By name: the batch may be of a class, with getters.
          const { cursor, items, more, missed } = await fetch(this.#cursor, abort);
          return { cursor, items: [...items], more, missed };
        },
        done: (batch) => {
          this.#receive(batch);
        },
        failed: (error) => {
          const retryMs = pace.pauseMs(++this.#failures);
          this.#rounds.after(retryMs);
          this.emit('failed', { error, failures: this.#failures, retryMs });
        },
      },
      clock,
    );
  }

  /** Where another run goes on when all that was given until now is done. */
  get cursor(): C | undefined {
    return this.#cursor;
  }

  /** The next item, when there is one. Several may be asked for at once. */
  next(): Promise<IteratorResult<T, undefined>> {
    const result = this.#readers.next();
    this.#ask();
    return result;
  }

  /** Ends the loop at once; a fetch under way is called off. Idempotent. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    return Promise.resolve(over);
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** {@link Poll.return}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    return Promise.resolve();
  }

  #take(): IteratorResult<T, undefined> | undefined {
    if (this.#left || this.#signal?.aborted === true) return over;
    if (this.#batch === undefined) return undefined;
    const { items, cursor } = this.#batch;
    const value = items[this.#taken++]!;
    if (this.#taken === items.length) {
      this.#batch = undefined;
      this.#cursor = cursor;
    }
    return { done: false, value };
  }

  /** A fetch when it is time, if somebody waits for it. */
  #ask(): void {
    if (!this.#readers.waiting || this.#asked) return;
    this.#asked = true;
    this.#unlink = onAbort(this.#signal, () => {
      this.#leave();
    });
    // By a timer in any case: a source that always has more must not keep everything else waiting.
    this.#rounds.after(this.#dueMs - this.#pace.runtime.clock.now());
  }

  #receive(batch: Fetched<T, C>): void {
    const { items, more, missed = 0, cursor } = batch;
    const from = this.#cursor;
    this.#failures = 0;
    this.#dueMs = this.#pace.runtime.clock.now() + (more === true && items.length > 0 ? 0 : this.#pace.pauseMs(0));
    this.#taken = 0;
    if (items.length > 0) this.#batch = batch;
    else this.#cursor = cursor;
    this.#rest();
    if (missed > 0) this.emit('missed', { missed, from, to: cursor });
    this.#readers.serve();
    this.#ask();
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#batch = undefined;
    this.#rounds.stop(new HoldfastError('CLOSED', 'a poll was left'));
    this.#rest();
    this.#readers.serve();
  }

  /** No fetch is under way or will be. */
  #rest(): void {
    this.#asked = false;
    this.#unlink?.();
    this.#unlink = undefined;
  }
}
