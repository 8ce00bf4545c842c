import { readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule } from '../core/runtime.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import type { Delivery, Flow } from './delivery.ts';
import { checkFlow, intakeOf } from './intake.ts';
import { type Failure, Port } from './port.ts';
import { giveBack, reportLost, settling } from './transaction.ts';

/** Options of {@link values}. */
export interface ValuesOptions {
  /** Ends the loop, with its reason, when the value at hand has been dealt with. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/**
 * The values of a flow, for a plain `for await` that is at least once.
 *
 * Promises: a value is acknowledged when the next one is asked for. Leaving the loop, by whatever way, nacks the value at hand
 * and closes the flow. What an acknowledgement rejects with, the loop throws.
 *
 * @param flow - what to read
 * @param options - a signal that ends the loop
 * @throws {@link HoldfastError} `INVALID_OPTION`; the signal's reason from the loop
 * @example
 * ```ts
 * import { flow, values } from 'holdfast/flow';
 *
 * let sum = 0;
 * for await (const n of values(flow([1, 2, 3]))) sum += n;
 * sum // => 6
 * ```
 */
export function values<T>(flow: Flow<T>, options?: ValuesOptions): AsyncIterable<T> {
  checkFlow(flow);
  const { signal, runtime } = readOptions('values', options, { signal: signalRule, runtime: runtimeRule });
  return {
    [Symbol.asyncIterator]: () =>
      new Port<T>((port) => {
        /** What its reader is working on. */
        let current: Delivery<T> | undefined;
        let stop: Failure | undefined;
        let unlink: Unlink | undefined;

        const finish = (failure?: Failure): void => {
          unlink?.();
          intake.close();
          port.end(failure);
        };
        const pull = (): void => {
          if (stop === undefined) intake.pull();
          else finish(stop);
        };
        const intake = intakeOf(flow, runtime, {
          take(delivery) {
            current = delivery;
            port.give(delivery.value);
            if (port.hungry) want();
          },
          end: finish,
        });
        const want = (): void => {
          unlink ??= onAbort(signal, (error) => {
            stop = { error };
            if (current === undefined) pull();
          });
          const done = current;
          current = undefined;
          if (done === undefined) pull();
          else
            settling(() => done.ack()).then(pull, (error: unknown) => {
              if (port.hungry) finish({ error });
              else reportLost(error); // whoever waited for it has gone
            });
        };
        return {
          want,
          leave() {
            finish();
            if (current !== undefined) giveBack(current);
            current = undefined;
          },
        };
      }),
  };
}
