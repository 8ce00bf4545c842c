import { check, object, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import type { Clock } from '../core/clock.ts';
import { type Runtime, systemRuntime } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import { type Failure, Port } from './port.ts';
import { giveBack } from './transaction.ts';

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
 *
 * Where it reads what is not an operator's, it lets timers have their turn: every graph reads something of the kind, however
 * little of it comes out.
 */
export class Intake<V> {
  readonly #source: Iterable<V> | AsyncIterable<V>;
  readonly #clock: Clock;
  readonly #host: Intaking<V>;
  #iterator: Iterator<V> | AsyncIterator<V> | undefined;
  /** Whether that is another's than an operator's. */
  #foreign = false;
  #asked = false;
  #over = false;

  constructor(source: Iterable<V> | AsyncIterable<V>, runtime: Runtime | undefined, host: Intaking<V>) {
    this.#source = source;
    this.#clock = (runtime ?? systemRuntime).clock;
    this.#host = host;
  }

  /** Whether it has ended or was closed: also by the very function that was called with a value. */
  get over(): boolean {
    return this.#over;
  }

  /** Asks for the next one, unless it has been asked for already. */
  pull(): void {
    if (this.#asked || this.#over) return;
    this.#asked = true;
    if (this.#foreign && this.#clock.turn !== undefined) this.#clock.turn(this.#ask);
    else void this.#ask();
  }

  readonly #ask = async (): Promise<void> => {
    if (this.#over) return; // it was closed before its turn came
    let result: IteratorResult<V>;
    try {
      result = check('what a source answers', await this.#open().next(), answer);
    } catch (error) {
      this.#end({ error });
      return;
    }
    this.#asked = false;
    if (result.done) this.#end();
    else if (this.#over) this.#host.late?.(result.value);
    else this.#host.take(result.value);
  };

  #open(): Iterator<V> | AsyncIterator<V> {
    if (this.#iterator === undefined) {
      this.#iterator = iteratorOf(this.#source);
      this.#foreign = !(this.#iterator instanceof Port);
    }
    return this.#iterator;
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
      await this.#open().return?.();
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
export function intakeOf<T>(
  flow: Flow<T>,
  runtime: Runtime | undefined,
  host: Intaking<Delivery<T>>,
): Intake<Delivery<T>> {
  return new Intake(flow, runtime, { late: giveBack, ...host });
}

/** @internal What can be read: a flow, or any source. */
export const sourceRule: Rule<Iterable<unknown> | AsyncIterable<unknown>> = {
  expected: 'an iterable or an async iterable',
  accepts: (value) => flowRule.accepts(value) || hasMethod(value, Symbol.iterator),
};

/** @internal */
export const flowRule: Rule<Flow<unknown>> = {
  expected: 'a flow',
  accepts: (value) => hasMethod(value, Symbol.asyncIterator),
};

/** @internal */
export function checkFlow(flow: unknown): void {
  check('flow', flow, flowRule);
}

function hasMethod(value: unknown, name: symbol): boolean {
  return typeof (value as Readonly<Record<symbol, unknown>> | null | undefined)?.[name] === 'function';
}
