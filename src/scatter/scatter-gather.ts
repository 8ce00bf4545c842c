import type { Attempt } from '../calls/call.ts';
import { deadlineFrom } from '../core/deadline.ts';
import { check, readOptions } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import { Gathering, type Plan } from './gathering.ts';
import { type LeafOptions, leafPlanOf, leafShape, letPass, targetsRule } from './leaf.ts';
import type { Gathered } from './outcome.ts';
import { type Requirement, requirementRule } from './requirement.ts';
import { rangeOf, type StragglerRange, stragglerRule } from './straggler.ts';

/** Options of {@link scatterGather}. The {@link Attempt} of an outer call fits, alone or spread. */
export interface ScatterOptions<V, T = unknown> extends LeafOptions<V, T> {
  /**
   * What is needed to succeed; see {@link Requirement}.
   *
   * @defaultValue `'all'`
   */
  readonly require?: Requirement | undefined;
  /**
   * How long to wait for the rest when the requirement is met, as a share of the time that is left then: 0 settles at
   * once, 1 waits until the deadline. `{ min, max }` narrows as answers come, see {@link StragglerRange}. Without a deadline
   * any share but 0 is for ever.
   *
   * @defaultValue 0
   */
  readonly straggler?: number | StragglerRange | undefined;
}

/**
 * Asks every target and gathers the answers, under one deadline, honest about what is missing.
 *
 * | when | then |
 * |---|---|
 * | the requirement is met | resolves at once, or after the straggler wait; the rest is called off |
 * | it can no longer be met | rejects at once with what there is in `error.partial` |
 * | the deadline, less `reserveMs`, comes | resolves if the requirement is met, else rejects, with what there is |
 * | the caller aborts | rejects with the caller's reason |
 * | there is no target | resolves complete, unless the requirement asks for an answer |
 * | the deadline has passed, or the signal has aborted, on entry | no target is asked |
 *
 * Promises: settles exactly once, at the earliest of these; each target has one outcome, in the order of the targets;
 * when a target has answered its other attempts are called off in the same turn; attempts are paid for by the `budget`; when the gather has settled everything
 * else is, no attempt starts any more, and no timer, listener or unhandled rejection is left, whatever the leaves do
 * (throw, reject late, ignore their signal, never settle). The result never changes afterwards.
 *
 * Does not promise that a target that was called off stops working: that is the leaf's part, with `attempt.signal`.
 *
 * Complexity: O(targets) in all; one timer, one more during the straggler wait, and one for each target that is hedged or
 * retried.
 *
 * Source: J. Dean, L. A. Barroso, "The Tail at Scale" (2013); coverage as in Vespa.
 *
 * @param targets - whom to ask
 * @param leaf - asks one target; a synchronous throw counts as a failure
 * @param options - deadline, requirement, hedging, retries
 * @returns the answers and what became of each target
 * @throws {@link InsufficientCoverageError} `INSUFFICIENT_COVERAGE`, {@link HoldfastError} `INVALID_OPTION`, or the caller's
 * abort reason, each as a rejection
 * @example
 * ```ts
 * import { scatterGather } from 'holdfast/scatter';
 *
 * const shards = [['ant', 'bee'], ['cat'], ['dog']];
 * const found = await scatterGather(shards, (shard) => shard.filter((name) => name.includes('a')), { deadline: 100 });
 * found.values.flat() // => ['ant', 'cat']
 * found.coverage // => 1
 * ```
 */
export async function scatterGather<T, V>(
  targets: Iterable<T>,
  leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>,
  options?: ScatterOptions<V, T>,
): Promise<Gathered<T, V>> {
  const plan = planOf(targets, leaf, options);
  if (plan.signal?.aborted === true) throw plan.signal.reason;
  return await new Promise((resolve, reject) => {
    new Gathering(plan, resolve, reject).start();
  });
}

function planOf<T, V>(
  targets: Iterable<T>,
  leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>,
  options: ScatterOptions<V, T> | undefined,
): Plan<T, V> {
  check('targets', targets, targetsRule);
  const shape = { ...leafShape, require: requirementRule, straggler: stragglerRule };
  const values = readOptions('scatterGather', options, shape, letPass);
  const { clock } = values.runtime ?? systemRuntime;
  const plan = leafPlanOf<T, V>(targets, leaf, values, options);
  return {
    ...plan,
    requirement: values.require ?? 'all',
    straggler: rangeOf(values.straggler ?? 0),
    deadline: deadlineFrom(values.deadline, clock).reserve(plan.reserveMs),
  };
}
