import type { Clock } from '../core/clock.ts';
import { check, object, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import type { Runtime } from '../core/runtime.ts';
import { turn } from '../core/turns.ts';
import type { Delivery, Flow } from './delivery.ts';
import { type Failure, Port } from './port.ts';
import { giveBack } from './transaction.ts';

/** @internal What comes of a source. None of these may throw. */
export interface Intaking<V> {
  take(value: V): void;
  /** Nothing more comes. Not called after `close`. */
  end(failure?: Failure): void;
  /** What was asked for before `close` and comes after it. */
  late(value: V): void;
}

/** @internal One reading of a source. */
export interface Intake {
  /** Whether it has ended or was closed: also by the very function that was called with a value. */
  readonly over: boolean;
  /** Asks for the next one, unless it has been asked for already. */
  pull(): void;
  /** Tells the source that nobody reads it any more; also one that was not read: a branch may have deliveries waiting. */
  close(): void;
}

/** Of a source that breaks the protocol, as a loop does: nobody hears what is thrown behind it. */
const answer = object<IteratorResult<never>>();

/**
 * @internal A reading of a source: one pull at a time, and one end, of which there are three: the source's own, its error,
 * and `close`, which tells the source (`return`) and waits for nothing.
 *
 * Where it reads what is not an operator's, it lets timers have their turn: every graph reads something of the kind, however
 * little of it comes out.
 */
export function readingOf<V>(
  source: Iterable<V> | AsyncIterable<V>,
  runtime: Runtime | undefined,
  host: Intaking<V>,
): Intake {
  const clock: Pick<Clock, 'turn'> = runtime?.clock ?? { turn };
  let iterator: Iterator<V> | AsyncIterator<V> | undefined;
  /** Whether that is another's than an operator's. */
  let foreign = false;
  let asked = false;
  let over = false;

  const open = (): Iterator<V> | AsyncIterator<V> => {
    if (iterator === undefined) {
      iterator = flowRule.accepts(source)
        ? (source as AsyncIterable<V>)[Symbol.asyncIterator]()
        : (source as Iterable<V>)[Symbol.iterator]();
      foreign = !(iterator instanceof Port);
    }
    return iterator;
  };

  const end = (failure?: Failure): void => {
    if (over) return;
    over = true;
    host.end(failure);
  };

  const ask = async (): Promise<void> => {
    if (over) return; // it was closed before its turn came
    let result: IteratorResult<V>;
    try {
      result = check('what a source answers', await open().next(), answer);
    } catch (error) {
      end({ error });
      return;
    }
    asked = false;
    if (result.done) end();
    else if (intake.over) host.late(result.value);
    else host.take(result.value);
  };

  const tell = async (): Promise<void> => {
    try {
      await open().return?.();
    } catch (error) {
      reportError('a source could not be closed', error);
    }
  };

  const askNow = (): void => void ask();

  const intake: Intake = {
    get over() {
      return over;
    },
    pull() {
      if (asked || over) return;
      asked = true;
      if (foreign && clock.turn !== undefined) clock.turn(askNow);
      else askNow();
    },
    close() {
      if (over) return;
      over = true;
      void tell();
    },
  };
  return intake;
}

/** @internal A reading of a flow: deliveries that come too late are given back. */
export function intakeOf<T>(
  flow: Flow<T>,
  runtime: Runtime | undefined,
  host: Omit<Intaking<Delivery<T>>, 'late'>,
): Intake {
  return readingOf(flow, runtime, { late: giveBack, ...host });
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
