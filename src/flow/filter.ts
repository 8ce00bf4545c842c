import { boolean, check, func, readOptions } from '../core/options.ts';
import type { Flow } from './delivery.ts';
import { operator, type OperatorOptions, operatorShape } from './operator.ts';
import { quietly } from './transaction.ts';

/**
 * The filter: only what passes a test. What does not is acknowledged, for it was dealt with.
 *
 * Promises: what the test throws on, or does not answer with true or false, is nacked with the error and told of (`failed`).
 * A test that narrows the type narrows the flow's.
 *
 * @param flow - what to read
 * @param test - whether to pass a value on; synchronous
 * @param options - who hears of failures, and the time
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { filter, flow, values } from 'holdfast/flow';
 *
 * const texts: string[] = [];
 * const isText = (v: unknown): v is string => typeof v === 'string';
 * for await (const text of values(filter(flow(['a', 1, 'b']), isText))) texts.push(text);
 * texts // => ['a', 'b']
 * ```
 */
export function filter<T, U extends T>(
  flow: Flow<T>,
  test: (value: T) => value is U,
  options?: OperatorOptions,
): Flow<U>;
export function filter<T>(flow: Flow<T>, test: (value: T) => boolean, options?: OperatorOptions): Flow<T>;
export function filter<T>(flow: Flow<T>, test: (value: T) => boolean, options?: OperatorOptions): Flow<T> {
  check('test', test, func());
  return operator('filter', flow, readOptions('filter', options, operatorShape), (port) => ({
    take(delivery) {
      if (check('what the test returns', test(delivery.value), boolean)) port.give(delivery);
      else quietly(() => delivery.ack());
    },
  }));
}
