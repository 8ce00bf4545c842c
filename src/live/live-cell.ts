import type { Clock, Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import type { Live } from '../core/live.ts';
import { check } from '../core/options.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import { hold, over, Readers } from './readers.ts';

/**
 * What all live values here are: one state, its version and its readers. However many read the changes, and however slowly, a
 * reader is a version number and nothing more.
 */
export abstract class LiveCell<T, Events extends object> extends Emitter<Events> implements Live<T>, AsyncDisposable {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  readonly #ready: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #pending = true;
  #held: Timer | undefined;
  #value: T | undefined;
  #version = 0;
  #closed = false;
  readonly #what: string;
  /** @internal Why there is no value yet. */
  protected why: unknown;

  /** @internal `what` names it in errors. */
  constructor(what: string, clock: Clock) {
    super();
    this.#what = what;
    this.#clock = clock;
    this.#ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not look at it does not want to know.
    this.#ready.catch(() => undefined);
  }

  /**
   * The newest value. Treat it as read-only: everybody gets the same object.
   *
   * @throws {@link HoldfastError} `NOT_READY` before there is one, with what stood in the way as its `cause`
   */
  get current(): T {
    if (this.#version === 0) throw new HoldfastError('NOT_READY', 'there is no value yet', { cause: this.why });
    return this.#value as T;
  }

  /** 0 before the first value; rises by one with each change. */
  get version(): number {
    return this.#version;
  }

  /** Settles with the first value. Keeps the process alive from when it is first looked at. Need not be handled. */
  get ready(): Promise<T> {
    if (this.#pending) this.#held ??= hold(this.#clock);
    return this.#ready;
  }

  /**
   * Values from now on, conflated: a slow reader gets the newest, not each. Ends with `close()`, after what was not read yet.
   * Keeps the process alive while somebody waits for the next.
   *
   * @param signal - ends the iteration
   * @throws {@link HoldfastError} `INVALID_OPTION` when `signal` is no signal
   */
  changes(signal?: AbortSignal): AsyncIterableIterator<T> {
    if (signal !== undefined) check('signal', signal, signalRule);
    let seen = this.#version;
    let left = false;
    let unlink: Unlink | undefined;
    const readers = new Readers<T>(this.#clock, () => {
      if (left || signal?.aborted === true) return over;
      if (this.#version === seen) return this.#closed ? over : undefined;
      seen = this.#version;
      return { done: false, value: this.#value as T };
    });
    const serve = (): void => {
      readers.serve();
      if (readers.waiting) return;
      this.#waiting.delete(serve);
      unlink?.();
      unlink = undefined;
    };
    const iterator: AsyncIterableIterator<T> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        const result = readers.next();
        // Who does not wait is nobody's to remember.
        if (readers.waiting) {
          this.#waiting.add(serve);
          unlink ??= onAbort(signal, serve);
        }
        return result;
      },
      return: () => {
        left = true;
        serve();
        return Promise.resolve(over);
      },
    };
    return iterator;
  }

  /** Nothing further is asked for; what is under way is called off; `current` stays readable. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = new HoldfastError('CLOSED', `${this.#what} was closed`);
    this.refuse(reason);
    this.#wake();
    this.stop(reason);
  }

  /** {@link LiveCell.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @internal It was closed: calls off what is under way. */
  protected abstract stop(reason: unknown): void;

  /** @internal Another value. */
  protected put(value: T): void {
    this.#value = value;
    this.#version++;
    this.#resolve(value);
    this.#settled();
    this.#wake();
  }

  /** @internal The value, or undefined where there is none. */
  protected peek(): T | undefined {
    return this.#value;
  }

  /** @internal Whether it is closed. */
  protected get closed(): boolean {
    return this.#closed;
  }

  /** @internal There is no first value in time. */
  protected refuse(reason: unknown): void {
    this.why = reason;
    this.#reject(reason);
    this.#settled();
  }

  #settled(): void {
    this.#pending = false;
    this.#held?.cancel();
  }

  #wake(): void {
    for (const serve of [...this.#waiting]) serve();
  }
}
