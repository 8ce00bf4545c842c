import { check, object, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import type { Delivery, Flow } from './delivery.ts';
import { giveBack } from './transaction.ts';

/** @internal Why a flow has ended, where it was not its end. */
export interface Failure {
  readonly error: unknown;
}

/** @internal What comes of a source. None of these may throw. */
export interface Intaking<V> {
  take(value: V): void;
  /** Nothing more comes. Not called after `close`. */
  end(failure?: Failure): void;
  /** What was asked for before `close` and comes after it. */
  late?(value: V): void;
}

/**
 * @internal One reading of a source: one pull at a time, and one end, of which there are three: the source's own, its error,
 * and `close`, which tells the source (`return`) and waits for nothing.
 */
export class Intake<V> {
  readonly #source: Iterable<V> | AsyncIterable<V>;
  readonly #host: Intaking<V>;
  #iterator: Iterator<V> | AsyncIterator<V> | undefined;
  #asked = false;
  #over = false;

  constructor(source: Iterable<V> | AsyncIterable<V>, host: Intaking<V>) {
    this.#source = source;
    this.#host = host;
  }

  /** Whether it has ended or was closed: also by the very function that was called with a value. */
  get over(): boolean {
    return this.#over;
  }

  /** Asks for the next one, unless it has been asked for already. */
  pull(): void {
    if (!this.#asked && !this.#over) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asked = true;
    let result: IteratorResult<V>;
    try {
      result = check('what a source answers', await (this.#iterator ??= iteratorOf(this.#source)).next(), answer);
    } catch (error) {
      this.#end({ error });
      return;
    }
    this.#asked = false;
    if (result.done) this.#end();
    else if (this.#over) this.#host.late?.(result.value);
    else this.#host.take(result.value);
  }

  #end(failure?: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.end(failure);
  }

  /** Tells the source that nobody reads it any more; also one that was not read: a branch may have deliveries waiting. */
  close(): void {
    if (!this.#over) void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#over = true;
    try {
      await (this.#iterator ??= iteratorOf(this.#source)).return?.();
    } catch (error) {
      reportError('a source could not be closed', error);
    }
  }
}

/** Of a source that breaks the protocol, as a loop does: nobody hears what is thrown behind it. */
const answer = object<IteratorResult<never>>();

function iteratorOf<V>(source: Iterable<V> | AsyncIterable<V>): Iterator<V> | AsyncIterator<V> {
  return flowRule.accepts(source)
    ? (source as AsyncIterable<V>)[Symbol.asyncIterator]()
    : (source as Iterable<V>)[Symbol.iterator]();
}

/** @internal A reading of a flow: deliveries that come too late are given back. */
export function intakeOf<T>(flow: Flow<T>, host: Intaking<Delivery<T>>): Intake<Delivery<T>> {
  return new Intake(flow, { late: giveBack, ...host });
}

/** @internal What can be read: a flow, or any source. */
export const sourceRule: Rule<Iterable<unknown> | AsyncIterable<unknown>> = {
  expected: 'an iterable or an async iterable',
  accepts: (value) => typeof (methodOf(value, Symbol.asyncIterator) ?? methodOf(value, Symbol.iterator)) === 'function',
};

/** @internal */
export const flowRule: Rule<Flow<unknown>> = {
  expected: 'a flow',
  accepts: (value) => typeof methodOf(value, Symbol.asyncIterator) === 'function',
};

/** @internal */
export function checkFlow(flow: unknown): void {
  check('flow', flow, flowRule);
}

function methodOf(value: unknown, name: symbol): unknown {
  return (value as Readonly<Record<symbol, unknown>> | null | undefined)?.[name];
}
