import { check, func, readOptions } from '../core/options.ts';
import type { Flow } from './delivery.ts';
import { type Intake, readingOf, sourceRule } from './intake.ts';
import { operator, type OperatorOptions, operatorShape } from './operator.ts';
import { Derived, giveBack, quietly, refuse, Transaction } from './transaction.ts';

/**
 * Several values for each one, or none.
 *
 * Promises: lazy, one child when one is asked for. The parent is acknowledged when all of its children are and there are no
 * more, at once when there are none; nacked with the first child that is, and when the expansion throws or is left in the
 * middle. Children have the id of the parent with their place: `parent/0`.
 *
 * @param flow - what to read
 * @param fn - what becomes of a value: an iterable, synchronous or not
 * @param options - who hears of failures, and the time
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { expand, flow, values } from 'holdfast/flow';
 *
 * const words: string[] = [];
 * for await (const word of values(expand(flow(['a b', '', 'c']), (line) => line.match(/\w/g) ?? []))) words.push(word);
 * words // => ['a', 'b', 'c']
 * ```
 */
export function expand<T, U>(
  flow: Flow<T>,
  fn: (value: T) => Iterable<U> | AsyncIterable<U>,
  options?: OperatorOptions,
): Flow<U> {
  check('fn', fn, func());
  const { events, runtime } = readOptions('expand', options, operatorShape);
  return operator<T, U>('expand', flow, { events, runtime }, (port, { intake, pull }) => {
    /** The expansion under way: its children, and the parent that it holds until the last one is known. */
    let current: { readonly children: Intake; readonly transaction: Transaction } | undefined;

    const leave = (): void => {
      current?.children.close();
      if (current !== undefined) giveBack(current.transaction);
    };

    return {
      take(delivery) {
        const { id, attempt } = delivery;
        const values = check('what is expanded', fn(delivery.value), sourceRule) as Iterable<U> | AsyncIterable<U>;
        const transaction = new Transaction([delivery], 1);
        let index = 0;
        const children = readingOf<U>(values, runtime, {
          late: () => undefined, // it was given back with its parent
          take(value) {
            transaction.add();
            port.give(new Derived(value, { id: `${id}/${String(index++)}`, attempt }, transaction));
            pull();
          },
          end(failure) {
            current = undefined;
            if (failure === undefined) quietly(() => transaction.ack());
            else refuse(events, 'expand', delivery, failure.error, transaction);
            pull();
          },
        });
        current = { children, transaction };
        if (intake.over) leave(); // `fn` has left the flow
      },
      next: () => current?.children ?? intake,
      leave,
    };
  });
}
