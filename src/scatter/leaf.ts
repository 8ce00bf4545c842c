import { attemptFields, type Outer, outerOf } from '../calls/attempt.ts';
import { type Budget, budgetRule } from '../calls/budget.ts';
import type { Attempt, CallLimits } from '../calls/call.ts';
import { type HedgePolicy, readHedge } from '../calls/hedge-policy.ts';
import { Race } from '../calls/race.ts';
import type { RacePolicy, RaceResult } from '../calls/race-entry.ts';
import { readRetry, type RetryPolicy } from '../calls/retry-policy.ts';
import { type Deadline, deadlineRule } from '../core/deadline.ts';
import { anything, check, func, number, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { signalRule } from '../core/signals.ts';
import type { LeafStatus, Outcome } from './outcome.ts';

/** How targets are asked. The {@link Attempt} of an outer call fits, alone or spread. */
export interface LeafOptions<V, T = unknown> extends CallLimits {
  /**
   * Milliseconds before the deadline at which to stop: time to merge the answers.
   *
   * @defaultValue 0
   */
  readonly reserveMs?: number | undefined;
  /**
   * Starts another attempt for a target that is slow or has failed; its functions get the target. Absent: no hedge. Make
   * a `percentile` once and pass it to every gather, or it never learns.
   */
  readonly hedge?: HedgePolicy<T> | undefined;
  /** Tries a target again, after a pause, when it has failed; its functions get the target. Absent: no retry. */
  readonly retry?: RetryPolicy<T> | undefined;
  /**
   * Pays for every attempt but the first of each target; when it is exhausted, none starts. Make one and pass it to every
   * gather that asks the same service. Absent: no limit but the policies' own.
   */
  readonly budget?: Budget | undefined;
  /**
   * Whether a value is an answer. False makes the attempt a failed one (`NOT_ACCEPTED`); so does a throw, and its error is
   * the failure. The value goes to `discard`.
   *
   * @defaultValue every value is
   */
  readonly accept?: ((value: V) => boolean) | undefined;
  /**
   * How many targets to ask at the same time.
   *
   * @defaultValue all
   */
  readonly concurrency?: number | undefined;
  /**
   * Gets values that are nobody's answer, because they came too late or were not accepted: a body to cancel, a connection
   * to give back. If it throws, or returns a promise that rejects, that is reported as a process warning.
   */
  readonly discard?: ((value: V) => unknown) | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options of {@link LeafOptions}. */
export const leafShape: {
  readonly signal: Rule<AbortSignal>;
  readonly deadline: Rule<Deadline | number>;
  readonly reserveMs: Rule<number>;
  readonly hedge: Rule<HedgePolicy<never>>;
  readonly retry: Rule<RetryPolicy<never>>;
  readonly budget: Rule<Budget>;
  readonly accept: Rule<(value: never) => boolean>;
  readonly concurrency: Rule<number>;
  readonly discard: Rule<(value: never) => unknown>;
  readonly runtime: Rule<Runtime>;
} = {
  signal: signalRule,
  deadline: deadlineRule,
  reserveMs: number({ min: 0 }),
  hedge: anything<HedgePolicy<never>>(),
  retry: anything<RetryPolicy<never>>(),
  budget: budgetRule,
  accept: func<(value: never) => boolean>(),
  concurrency: number({ min: 1, integer: true }),
  discard: func<(value: never) => unknown>(),
  runtime: runtimeRule,
};

/** @internal Names that an outer attempt has and these options have not. */
export const letPass: readonly string[] = attemptFields;

/** @internal What asking needs, checked. */
export interface LeafPlan<T, V> {
  readonly targets: readonly T[];
  readonly leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>;
  readonly policy: RacePolicy<T, V>;
  readonly outer: Outer | undefined;
  readonly concurrency: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly reserveMs: number;
  readonly runtime: Runtime;
}

/**
 * @internal The plan that targets, leaf and checked options make; a policy is checked here.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function leafPlanOf<T, V>(
  targets: Iterable<T>,
  leaf: (target: T, attempt: Attempt) => V | PromiseLike<V>,
  options: LeafOptions<never, never>,
  outer: object | undefined,
): LeafPlan<T, V> {
  check('leaf', leaf, func());
  const { hedge, retry, budget, accept, discard, runtime = systemRuntime } = options;
  return {
    targets: [...targets],
    leaf,
    policy: {
      hedge: hedge === undefined ? undefined : readHedge<T>(hedge),
      retry: retry === undefined ? undefined : readRetry<T>(retry),
      budget,
      accept,
      discard,
    } as RacePolicy<T, V>,
    outer: outer && outerOf(outer),
    concurrency: options.concurrency,
    signal: options.signal,
    reserveMs: options.reserveMs ?? 0,
    runtime,
  };
}

/** @internal Targets, before they are read. */
export const targetsRule: Rule<Iterable<unknown>> = {
  expected: 'an array or another iterable',
  accepts: (value) => typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === 'function',
};

/** @internal What is known of one target. */
export interface Leaf<T, V> {
  readonly target: T;
  race?: Race<T, V>;
  startedMs: number;
  settledMs: number;
  result?: RaceResult<V>;
}

/** @internal A target of which nothing is known. */
export function unasked<T, V>(target: T): Leaf<T, V> {
  return { target, startedMs: 0, settledMs: 0 };
}

/** @internal Asks a target; `onResult` is never called before this returns. */
export function ask<T, V>(
  leaf: Leaf<T, V>,
  deadline: Deadline,
  plan: LeafPlan<T, V>,
  onResult: (result: RaceResult<V>) => void,
): void {
  const { leaf: run, policy, runtime, outer } = plan;
  const { target } = leaf;
  leaf.startedMs = runtime.clock.now();
  const race = new Race<T, V>({
    what: 'a leaf',
    request: target,
    run: (attempt) => run(target, attempt),
    deadline,
    runtime,
    policy,
    outer,
    onResult,
  });
  leaf.race = race;
  race.start();
}

/** @internal What became of a target; `statusOfOpen` is said of one that has been asked and has not settled. */
export function outcomeOf<T, V>(leaf: Leaf<T, V>, statusOfOpen: LeafStatus, nowMs: number): Outcome<T, V> {
  const { target, race, result, startedMs, settledMs } = leaf;
  const attempts = race?.attempts ?? 0;
  if (race === undefined) return { target, status: 'skipped', attempts, ms: 0 };
  if (result === undefined) return { target, status: statusOfOpen, attempts, ms: nowMs - startedMs };
  const ms = settledMs - startedMs;
  return result.status === 'ok'
    ? { target, status: 'ok', value: result.value, cause: result.cause, attempts, ms }
    : { target, status: 'failed', error: result.error, attempts, ms };
}
