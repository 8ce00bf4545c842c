import { currentOf, type Dyn } from './live.ts';
import { reportError } from './report.ts';

const unreadable = Symbol('unreadable');

/**
 * @internal A {@link Dyn} that is looked at with each use, not followed in the background.
 *
 * - `adopt` gets every new value, checks it before it changes anything, and throws for one that it refuses
 * - a live value that is refused, or whose `current` throws, is reported, once, and what was adopted last stays
 * - a source that is refused when it is given is an error of who gave it, and the one before stays
 */
export class Following<T> {
  readonly #what: string;
  readonly #adopt: (value: T) => void;
  #source: Dyn<T>;
  /** What the source gave last, good or bad. */
  #seen: unknown;

  /** Adopts the first value at once. `what` is it that reports speak of. */
  constructor(what: string, source: Dyn<T>, adopt: (value: T) => void) {
    this.#what = what;
    this.#adopt = adopt;
    this.#source = source;
    this.#seen = currentOf(source);
    adopt(this.#seen as T);
  }

  /** Adopts what the source gives now, if that is another value than last time. Never throws. */
  look(): void {
    const newest = this.#newest();
    if (newest === this.#seen) return;
    this.#seen = newest; // first of all: who is told of the change may look again
    if (newest === unreadable) return;
    try {
      this.#adopt(newest as T);
    } catch (error) {
      reportError(`${this.#what} was refused, the last one stays`, error);
    }
  }

  /** Takes another source. Throws when its value is refused, and then nothing has changed. */
  follow(source: Dyn<T>): void {
    const value = currentOf(source);
    const before = { source: this.#source, seen: this.#seen };
    this.#source = source;
    this.#seen = value;
    try {
      this.#adopt(value);
    } catch (error) {
      this.#source = before.source;
      this.#seen = before.seen;
      throw error;
    }
  }

  #newest(): unknown {
    try {
      return currentOf(this.#source);
    } catch (error) {
      if (this.#seen !== unreadable) reportError(`${this.#what} could not be read, the last one stays`, error);
      return unreadable;
    }
  }
}
