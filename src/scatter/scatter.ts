import type { Attempt } from '../calls/call.ts';
import { deadlineFrom } from '../core/deadline.ts';
import { check, readOptions } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import { type LeafOptions, leafPlanOf, leafShape, letPass, targetsRule } from './leaf.ts';
import type { Outcome } from './outcome.ts';
import { Scattering } from './scattering.ts';

/**
 * Asks every target and gives what becomes of each, as it becomes known: for answers that are of use one by one.
 *
 * Promises: nothing happens until the first `next`; a number as `deadline` counts from then. Each target has one outcome, in
 * the order of settling. Leaving the loop, by `break`, `return` or a throw, calls the rest off in the same turn. At the
 * deadline what is open is `late`, what was not asked is `skipped`, and the loop ends; when you abort, the loop throws your
 * reason. Answers that nobody has taken then go to `discard`. Nothing is left when the loop has ended, and nothing when it
 * never began: no timer, no listener, no unhandled rejection.
 *
 * Back-pressure: with `concurrency`, so many targets at most have been asked whose outcome you have not taken, so a slow
 * reader slows the asking. Without it all are asked at once and outcomes wait, no more than there are targets.
 *
 * Does not promise to say whether the outcomes suffice: that is {@link scatterGather}'s `require`.
 *
 * Complexity: O(1) for each outcome; one timer, and one for each target that is hedged or retried.
 *
 * @param targets - whom to ask; read at once
 * @param leaf - asks one target; a synchronous throw counts as a failure
 * @param options - deadline, hedging, retries, concurrency
 * @returns the outcomes; each iteration asks anew
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { setTimeout as sleep } from 'node:timers/promises';
 * import { scatter } from 'holdfast/scatter';
 *
 * const seen: number[] = [];
 * const outcomes = scatter([40, 1, 15, 60_000], (ms, { signal }) => sleep(ms, ms, { signal }), { deadline: 5_000 });
 * for await (const outcome of outcomes) {
 *   if (outcome.status === 'ok') seen.push(outcome.value!);
 *   if (seen.length === 3) break; // the fourth is called off
 * }
 * seen // => [1, 15, 40]
 * ```
 */
export function scatter<T, V>(
  targets: Iterable<T>,
  leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>,
  options?: LeafOptions<V, T>,
): AsyncIterable<Outcome<T, V>> {
  check('targets', targets, targetsRule);
  const values = readOptions('scatter', options, leafShape, letPass);
  const { clock } = values.runtime ?? systemRuntime;
  const plan = leafPlanOf<T, V>(targets, leaf, values, options);
  return {
    [Symbol.asyncIterator]: () =>
      new Scattering(plan, () => deadlineFrom(values.deadline, clock).reserve(plan.reserveMs)),
  };
}
