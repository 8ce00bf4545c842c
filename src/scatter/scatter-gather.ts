import type { Attempt, CallLimits } from '../calls/call.ts';
import { attemptFields } from '../calls/attempt.ts';
import { type HedgePolicy, readHedge } from '../calls/hedge.ts';
import { deadlineFrom, deadlineRule } from '../core/deadline.ts';
import { anything, check, func, number, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { signalRule } from '../core/signals.ts';
import { Gathering, type Plan } from './gathering.ts';
import type { Gathered } from './outcome.ts';
import { type Requirement, requirementRule } from './requirement.ts';

/** Options of {@link scatterGather}. The {@link Attempt} of an outer call fits, alone or spread. */
export interface ScatterOptions<V> extends CallLimits {
  /**
   * What is needed to succeed; see {@link Requirement}.
   *
   * @defaultValue `'all'`
   */
  readonly require?: Requirement | undefined;
  /**
   * How long to wait for the rest when the requirement is met, as a share of the time that is left then: 0 settles at
   * once, 1 waits until the deadline. Without a deadline any share but 0 waits until every target has answered or failed.
   *
   * @defaultValue 0
   */
  readonly straggler?: number | undefined;
  /**
   * Milliseconds before the deadline at which to stop gathering: time to merge the answers.
   *
   * @defaultValue 0
   */
  readonly reserveMs?: number | undefined;
  /** Starts another attempt for a target that is slow or has failed. Absent: one attempt a target. */
  readonly hedge?: HedgePolicy | undefined;
  /**
   * How many targets to ask at the same time.
   *
   * @defaultValue all
   */
  readonly concurrency?: number | undefined;
  /**
   * Gets answers of attempts that came too late: a body to cancel, a connection to give back. If it throws, or returns a
   * promise that rejects, that is reported as a process warning.
   */
  readonly discard?: ((value: V) => unknown) | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
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
 * when a target has answered its other attempts are called off in the same turn; when the gather has settled everything
 * else is, no attempt starts any more, and no timer, listener or unhandled rejection is left, whatever the leaves do
 * (throw, reject late, ignore their signal, never settle). The result never changes afterwards.
 *
 * Does not promise that a target that was called off stops working: that is the leaf's part, with `attempt.signal`.
 *
 * Complexity: O(targets) in all; one timer, one more during the straggler wait, and one for each target that is hedged.
 *
 * Source: J. Dean, L. A. Barroso, "The Tail at Scale" (2013); coverage as in Vespa.
 *
 * @param targets - whom to ask
 * @param leaf - asks one target; a synchronous throw counts as a failure
 * @param options - deadline, requirement, hedging
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
  options?: ScatterOptions<V>,
): Promise<Gathered<T, V>> {
  const plan = planOf(targets, leaf, options);
  if (plan.signal?.aborted === true) throw plan.signal.reason;
  return await new Promise((resolve, reject) => {
    new Gathering(plan, resolve, reject).start();
  });
}

const oneAttempt = { after: undefined, extra: 0 };

function planOf<T, V>(
  targets: Iterable<T>,
  leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>,
  options: ScatterOptions<V> | undefined,
): Plan<T, V> {
  check('targets', targets, {
    expected: 'an array or another iterable',
    accepts: (value) => typeof (value as Partial<Iterable<T>> | null | undefined)?.[Symbol.iterator] === 'function',
  });
  check('leaf', leaf, func());
  const values = readOptions(
    'scatterGather',
    options,
    {
      signal: signalRule,
      deadline: deadlineRule,
      require: requirementRule,
      straggler: number({ min: 0, max: 1 }),
      reserveMs: number({ min: 0 }),
      hedge: anything<HedgePolicy>(),
      concurrency: number({ min: 1, integer: true }),
      discard: func<(value: V) => unknown>(),
      runtime: runtimeRule,
    },
    attemptFields,
  );
  const { runtime = systemRuntime, hedge, discard } = values;
  return {
    targets: [...targets],
    leaf,
    requirement: values.require ?? 'all',
    straggler: values.straggler ?? 0,
    policy: { ...(hedge === undefined ? oneAttempt : readHedge(hedge)), discard },
    concurrency: values.concurrency,
    signal: values.signal,
    deadline: deadlineFrom(values.deadline, runtime.clock).reserve(values.reserveMs ?? 0),
    runtime,
  };
}
