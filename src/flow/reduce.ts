import { check, having, oneOf, readOptions } from '../core/options.ts';
import type { Delivery, Flow } from './delivery.ts';
import type { Monoid } from './monoids.ts';
import { operator, type OperatorOptions, operatorShape } from './operator.ts';
import { whole } from './rules.ts';
import { Derived, giveBack, Transaction } from './transaction.ts';

/** Options of {@link reduce}. */
export interface ReduceOptions extends OperatorOptions {
  /**
   * How many values a result is of. A source without end needs this: values are held until their result is settled.
   *
   * @defaultValue all
   */
  readonly every?: number | undefined;
  /**
   * A result with so many keys, as the monoid's `size` says, is delivered before `every` values have come.
   *
   * @defaultValue without limit
   */
  readonly maxKeys?: number | undefined;
  /**
   * What becomes of less than `every` values when the flow ends.
   *
   * @defaultValue 'flush'
   */
  readonly atEnd?: 'flush' | 'nack' | undefined;
}

const shape = { every: whole, maxKeys: whole, atEnd: oneOf('flush', 'nack'), ...operatorShape };

/**
 * Results of many values, by a {@link Monoid}.
 *
 * Promises: partial results that, merged in any order, are the result of all values. The values are held until their result is
 * settled, and settled as it is. What the monoid throws on is nacked and told of (`failed`); that `add` must not have changed
 * its first argument then. Of no values there is no result.
 *
 * Does not promise the same groups when values are delivered again: a sink that adds up must know a result by its id, or keep
 * the results of a batch apart (`barrier` first).
 *
 * Complexity: what the monoid costs; memory: `every` deliveries.
 *
 * @param flow - what to read
 * @param monoid - how values become a result: `count`, `sum`, `histogram`, `all`, or your own
 * @param options - when to deliver a result
 * @returns the results; the id is that of the first value, with how many there are
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { all, count, flow, histogram, reduce, values } from 'holdfast/flow';
 *
 * const seen = reduce(flow(['red', 'blue', 'red']), all({ n: count(), colours: histogram((c: string) => c) }));
 * const results: unknown[] = [];
 * for await (const { n, colours } of values(seen)) results.push(n, Object.fromEntries(colours));
 * results // => [3, { red: 2, blue: 1 }]
 * ```
 */
export function reduce<T, A>(flow: Flow<T>, monoid: Monoid<T, A>, options?: ReduceOptions): Flow<A> {
  check('monoid', monoid, having<Monoid<T, A>>('a monoid', 'empty', 'add', 'merge'));
  const given = readOptions('reduce', options, shape);
  const { every = Infinity, maxKeys = Infinity, atEnd = 'flush' } = given;
  return operator<T, A>('reduce', flow, given, (port, { intake }) => {
    let result: { of: A } | undefined;
    let held: Delivery<T>[] = [];

    const flush = (): void => {
      if (result === undefined) return;
      const [first] = held;
      const id = `${first!.id}+${String(held.length)}`;
      port.give(new Derived(result.of, { id, attempt: first!.attempt }, new Transaction(held, 1)));
      result = undefined;
      held = [];
    };

    const leave = (): void => {
      held.splice(0).forEach(giveBack);
    };

    return {
      take(delivery) {
        const of = monoid.add(result === undefined ? monoid.empty() : result.of, delivery.value);
        const keys = monoid.size?.(of) ?? 0;
        held.push(delivery);
        if (intake.over) {
          leave(); // the monoid has left the flow
          return;
        }
        result = { of };
        if (held.length >= every || keys >= maxKeys) flush();
      },
      end(failure) {
        if (failure === undefined && atEnd === 'flush') flush();
        leave();
      },
      leave,
    };
  });
}
