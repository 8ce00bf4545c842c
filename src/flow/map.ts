import pLimit from 'p-limit';
import { boolean, check, func, readOptions } from '../core/options.ts';
import { contextOf, type FlowContext } from './context.ts';
import type { Delivery, Flow } from './delivery.ts';
import { checkFlow, intakeOf } from './intake.ts';
import { type OperatorOptions, operatorShape } from './operator.ts';
import { type Failure, flowOf } from './port.ts';
import { whole } from './rules.ts';
import { Derived, giveBack, left, refuse } from './transaction.ts';

/** Options of {@link map}. */
export interface MapOptions extends OperatorOptions {
  /**
   * How many values are worked on, or wait for their reader, at a time.
   *
   * @defaultValue 1
   */
  readonly concurrency?: number | undefined;
  /**
   * `false`: results come as they are done.
   *
   * @defaultValue true
   */
  readonly ordered?: boolean | undefined;
}

const shape = { concurrency: whole, ordered: boolean, ...operatorShape };

interface Slot<U> {
  readonly delivery: Delivery<unknown>;
  done: boolean;
  result?: Delivery<U> | undefined;
}

/**
 * Another value for each one, by a function that may take its time.
 *
 * Promises: works on `concurrency` values at a time at most, those included whose result waits for the reader; in order,
 * unless told otherwise. The settlement of a result is its value's. What the function throws on is nacked with the error, told
 * of (`failed`) and left out; the flow goes on. When the flow is left, the function's signal aborts and what is under way is
 * nacked at once.
 *
 * Does not promise to stop a function that ignores its signal, nor to overtake one that never returns: an error of the flow
 * comes in its place, after what is under way, so such a function holds it back as it does the values behind it. Limit its time
 * (`timebox` of `holdfast/calls`).
 *
 * @param flow - what to read
 * @param fn - makes the value, or a promise of it
 * @param options - how many at a time, and in which order
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { flow, map, values } from 'holdfast/flow';
 *
 * const doubled: number[] = [];
 * for await (const n of values(map(flow([1, 2, 3]), async (n) => 2 * n, { concurrency: 2 }))) doubled.push(n);
 * doubled // => [2, 4, 6]
 * ```
 */
export function map<T, U>(
  flow: Flow<T>,
  fn: (value: T, context: FlowContext) => U | PromiseLike<U>,
  options?: MapOptions,
): Flow<U> {
  checkFlow(flow);
  check('fn', fn, func());
  const { concurrency = 1, ordered = true, events, runtime } = readOptions('map', options, shape);
  return flowOf<U>((port) => {
    const limit = pLimit(concurrency);
    const work = new AbortController();
    const slots = new Set<Slot<U>>();
    let end: { readonly failure: Failure | undefined } | undefined;

    const pull = (): void => {
      if (slots.size + port.size < concurrency) intake.pull();
    };

    const settle = (slot: Slot<U>, result?: Delivery<U>): void => {
      slot.done = true;
      slot.result = result;
      for (const next of ordered ? slots : [slot]) {
        if (!next.done) break;
        slots.delete(next);
        if (next.result !== undefined) port.give(next.result);
      }
      if (end !== undefined && slots.size === 0) port.end(end.failure);
      else if (port.hungry) pull();
    };

    const intake = intakeOf(flow, runtime, {
      take(delivery) {
        const slot: Slot<U> = { delivery, done: false };
        slots.add(slot);
        limit(async () => await fn(delivery.value, contextOf(delivery, work))).then(
          (value) => {
            if (slots.has(slot)) settle(slot, new Derived(value, delivery, delivery));
          },
          (error: unknown) => {
            if (!slots.has(slot)) return;
            refuse(events, 'map', delivery, error);
            settle(slot);
          },
        );
        pull();
      },
      end(failure) {
        end = { failure };
        if (slots.size === 0) port.end(failure);
      },
    });
    return {
      want: pull,
      leave() {
        intake.close();
        work.abort(left());
        for (const { delivery, done, result } of slots) if (!done || result !== undefined) giveBack(result ?? delivery);
        slots.clear();
      },
    };
  });
}
