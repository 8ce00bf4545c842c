import { EventEmitter } from 'eventemitter3';
import { check, func } from './options.ts';
import { reportError } from './report.ts';

/** A listener of one event. What it returns is ignored, but a promise that it returns is watched for rejection. */
export type Listener<T> = (event: T) => unknown;

/** Takes a listener off again. Idempotent. */
export type Unsubscribe = () => void;

/**
 * Typed events: the base of every primitive that has some. `Events` maps each event's name to what its listeners get.
 *
 * Promises: listeners run synchronously, in the order of subscription, after the primitive has changed its state. Every
 * listener gets the events in the order in which they happened: one that a listener causes is delivered when all have had
 * the one before. A listener that throws or rejects breaks neither the primitive nor the listeners behind it and is reported
 * as a process warning (`console.error` where there is none). One that is added while an event is delivered does not get
 * that event; one that is taken off is not called any more.
 *
 * @example
 * ```ts
 * import { Emitter } from 'holdfast/core';
 *
 * class Door extends Emitter<{ open: { by: string } }> {
 *   open(by: string): void {
 *     this.emit('open', { by });
 *   }
 * }
 * const door = new Door();
 * const seen: string[] = [];
 * const off = door.on('open', ({ by }) => seen.push(by));
 * door.open('ann');
 * off();
 * door.open('bob');
 * seen // => ['ann']
 * ```
 */
export class Emitter<Events extends object> {
  readonly #emitter = new EventEmitter<string>();
  /** How many listen to an event: asked for each event that is not made because nobody does. */
  readonly #listeners = new Map<string, number>();
  /** Events to deliver; the head is being delivered. */
  readonly #queue: { readonly event: string; readonly value: unknown }[] = [];

  /**
   * Subscribes to an event.
   *
   * @param event - its name
   * @param listener - called with each event
   * @returns what takes the listener off again
   * @throws {@link HoldfastError} `INVALID_OPTION` when `listener` is not a function
   */
  on<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): Unsubscribe {
    check('listener', listener, func());
    // eventemitter3 goes on with the list as it was when the event was emitted.
    let subscribed = true;
    const guarded = (value: Events[K]): void => {
      if (subscribed) deliver(event, listener, value);
    };
    this.#emitter.on(event, guarded);
    this.#listeners.set(event, (this.#listeners.get(event) ?? 0) + 1);
    return () => {
      if (subscribed) this.#listeners.set(event, this.#listeners.get(event)! - 1);
      subscribed = false;
      this.#emitter.off(event, guarded);
    };
  }

  /**
   * Subscribes to the next event of a name only.
   *
   * @param event - its name
   * @param listener - called once
   * @returns what takes the listener off again
   * @throws {@link HoldfastError} `INVALID_OPTION` when `listener` is not a function
   */
  once<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): Unsubscribe {
    check('listener', listener, func());
    const off = this.on(event, (value) => {
      off();
      return listener(value);
    });
    return off;
  }

  /**
   * Whether anybody listens to an event: for one that costs something to make.
   *
   * @param event - its name
   */
  protected listens(event: keyof Events & string): boolean {
    return this.#listeners.size > 0 && (this.#listeners.get(event) ?? 0) > 0;
  }

  /**
   * Tells the listeners of an event.
   *
   * @param event - its name
   * @param value - what the listeners get
   */
  protected emit<K extends keyof Events & string>(event: K, value: Events[K]): void {
    this.#queue.push({ event, value });
    if (this.#queue.length > 1) return; // a listener of the event at its head has caused this one
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      this.#emitter.emit(next.event, next.value);
      this.#queue.shift();
    }
  }
}

function deliver<T>(event: string, listener: Listener<T>, value: T): void {
  const report = (error: unknown): void => {
    reportError(`a listener of "${event}" failed`, error);
  };
  try {
    const result = listener(value);
    if (isThenable(result)) result.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
