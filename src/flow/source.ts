import { check, func, having, number, object, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import { readingOf, sourceRule } from './intake.ts';
import { flowOf } from './port.ts';
import { renewalOf, type Renew } from './renewal.ts';
import { Derived, nothing, quietly, type Settlement, settling } from './transaction.ts';

/** What may be a source of a flow: `node:stream` readables too. */
export type FlowSource<T> = Iterable<T> | AsyncIterable<T>;

/** Options of {@link flow}, for a source of plain values; deliveries have their own. */
export interface FlowOptions<T> {
  /**
   * What is the same for each delivery of the same value.
   *
   * @defaultValue its place in this reading, from 0
   */
  readonly id?: ((value: T, index: number) => string) | undefined;
  /**
   * Which delivery of this value it is, from 1.
   *
   * @defaultValue 1
   */
  readonly attempt?: ((value: T) => number) | undefined;
  /** Tells the source that a value was dealt with; a promise that comes back is the acknowledgement's. */
  readonly ack?: ((value: T) => unknown) | undefined;
  /**
   * Tells the source that a value was not dealt with, and why.
   *
   * @defaultValue nothing: a plain iterable delivers nothing again
   */
  readonly nack?: ((value: T, reason: unknown) => unknown) | undefined;
  /** Keeps the source's lease of each value that is not settled, wherever in the graph it waits. */
  readonly renew?: Renew<T> | undefined;
  /**
   * Time: for `renew`, and for the turns that timers get beside a source that never waits.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

const shape = {
  id: func<(value: unknown, index: number) => string>(),
  attempt: func<(value: unknown) => number>(),
  ack: func<(value: unknown) => unknown>(),
  nack: func<(value: unknown, reason: unknown) => unknown>(),
  renew: object<object>(),
  runtime: runtimeRule,
};

const everyRule = number({ min: 1 });

const deliveryRule = having<Delivery<unknown>>('a delivery', 'ack', 'nack');

function isDelivery(value: unknown): value is Delivery<unknown> {
  return deliveryRule.accepts(value) && 'value' in (value as Delivery<unknown>);
}

interface Stream {
  pipe(): unknown;
  destroy(): unknown;
}

const streamRule = having<Stream>('a stream', 'pipe', 'destroy');

const unasked: Settlement = { ack: () => nothing, nack: () => nothing };

/**
 * Deliveries of a source as a flow, each of which is settled once: the form of {@link flow} for what has acknowledgements already.
 *
 * @param source - an iterable of deliveries, synchronous or not: `WorkQueue.consume()`
 * @param options - the time
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function flow<T>(source: FlowSource<Delivery<T>>, options?: Pick<FlowOptions<T>, 'runtime'>): Flow<T>;
/**
 * Any iterable as a flow: plain values, or deliveries.
 *
 * Promises: each reading of the flow reads the source anew, one value when one is asked for and none before. Each delivery
 * is settled once, whatever its readers do. A reader that leaves ends at once, also while the source is silent; the source is
 * told (`return`), and a `node:stream` is destroyed; a value that comes after that is nacked. With `renew`, the lease of every
 * value that is not settled is kept, wherever in the graph it waits, by one timer.
 *
 * Does not promise that a source delivers again what was nacked: a plain iterable does not, tell yours by `nack`. A value that
 * looks like a delivery (`value`, `ack`, `nack`) is one. Promises in a synchronous iterable are values.
 *
 * Complexity: O(1) a value.
 *
 * @param source - an iterable, synchronous or not: an array, a generator, a `node:stream` readable, `WorkQueue.consume()`
 * @param options - ids, and how to tell the source
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { flow, values } from 'holdfast/flow';
 *
 * const told: string[] = [];
 * const letters = flow(['a', 'b', 'c'], { ack: (v) => told.push(`ack ${v}`), nack: (v) => told.push(`nack ${v}`) });
 * for await (const letter of values(letters)) if (letter === 'b') break;
 * told // => ['ack a', 'nack b']
 * ```
 */
export function flow<T>(source: FlowSource<T>, options?: FlowOptions<T>): Flow<T>;
export function flow(source: FlowSource<unknown>, options?: FlowOptions<never>): Flow<unknown> {
  check('source', source, sourceRule);
  const { id, attempt, ack, nack, renew, runtime } = readOptions('flow', options, shape);
  if (renew !== undefined) {
    const { everyMs, extend } = renew as Renew<unknown>;
    check('everyMs', everyMs, everyRule);
    check('extend', extend, func());
  }
  return flowOf<unknown>((port) => {
    const hold = renew && renewalOf(renew as Renew<unknown>, runtime);
    let read = 0;

    const settlementOf = (value: unknown): Settlement => {
      if ((ack ?? nack ?? hold) === undefined) return unasked;
      const release = hold?.(value);
      const settle = (how: () => unknown): Promise<void> => {
        release?.();
        return settling(how);
      };
      return { ack: () => settle(() => ack?.(value)), nack: (reason) => settle(() => nack?.(value, reason)) };
    };

    const delivered = (value: unknown): Delivery<unknown> => {
      if (isDelivery(value)) return new Derived(value.value, value, value);
      const settlement = settlementOf(value);
      const index = read++;
      try {
        const about = { id: id === undefined ? String(index) : id(value, index), attempt: attempt?.(value) ?? 1 };
        return new Derived(value, about, settlement);
      } catch (error) {
        quietly(() => settlement.nack(error));
        throw error;
      }
    };

    const take = (value: unknown): void => {
      try {
        port.give(delivered(value)); // who has left gives it back
      } catch (error) {
        leave();
        port.end({ error });
      }
      want(); // its reader may have asked for several
    };

    const intake = readingOf(source, runtime, {
      take,
      late: take,
      end(failure) {
        port.end(failure);
      },
    });
    const leave = (): void => {
      intake.close();
      // The iterator of a `node:stream` is a generator, which does not hear that it is left while it waits.
      if (streamRule.accepts(source)) (source as unknown as Stream).destroy();
    };
    const want = (): void => {
      if (port.hungry) intake.pull();
    };
    return { want, leave };
  });
}
