import { Budget, budgetOrNoneRule } from '../calls/budget.ts';
import { type CallLimits, checkCallOptions } from '../calls/call.ts';
import { type HedgePolicy, readHedge } from '../calls/hedge-policy.ts';
import type { RacePolicy } from '../calls/race-entry.ts';
import { readRetry, type RetryPolicy } from '../calls/retry-policy.ts';
import { check, func, type Rule } from '../core/options.ts';
import type { Runtime } from '../core/runtime.ts';

/** Options of `LoadBalancer.run`. An `Attempt` of an outer call fits. */
export interface RunOptions<T = never> extends CallLimits {
  /** Members to use only when there is no other; compared by identity, as the balancer has them now. */
  readonly avoid?: ReadonlySet<unknown> | undefined;
  /** Is told the member that was chosen. */
  readonly visit?: ((member: unknown) => void) | undefined;
  /** Starts another attempt, on another member if there is one, when the first is silent or has failed. */
  readonly hedge?: HedgePolicy<undefined> | undefined;
  /** Starts another attempt, on another member if there is one, when all before have failed. */
  readonly retry?: RetryPolicy<undefined> | undefined;
  /**
   * Pays for the attempts beyond the first. `false`: no limit but the policies' own.
   *
   * @defaultValue one of the balancer, `new Budget({ ratio: 0.1 })`
   */
  readonly budget?: Budget | false | undefined;
  /**
   * Whether a value is an answer. When not, the attempt has failed with `NOT_ACCEPTED`, or with what this throws, and counts
   * as failed for its member, unless `classify` says otherwise. Of what comes late only that is asked which may bring back an
   * ejected member.
   */
  readonly accept?: ((value: T) => boolean) | undefined;
  /** Gets values that are nobody's answer, because they came too late or were not accepted: a body to cancel. */
  readonly discard?: ((value: T) => unknown) | undefined;
}

const visitRule = func<(member: unknown) => void>();
const avoidRule: Rule<ReadonlySet<unknown>> = {
  expected: 'a Set',
  accepts: (value) =>
    typeof (value as Partial<ReadonlySet<unknown>> | null)?.has === 'function' &&
    typeof (value as Partial<ReadonlySet<unknown>>).size === 'number',
};

/**
 * @internal Checks what every choice is told; unknown names are let pass, for an `Attempt` may come as it is.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function checkChoice(options: Pick<RunOptions, keyof CallLimits | 'avoid' | 'visit'>): void {
  checkCallOptions(options);
  if (options.avoid !== undefined) check('avoid', options.avoid, avoidRule);
  if (options.visit !== undefined) check('visit', options.visit, visitRule);
}

/**
 * @internal How a run becomes several attempts; undefined where it is one. What is an answer each attempt judges for itself.
 *
 * @param own - the balancer's budget
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function racePolicyOf<T>(options: RunOptions<T>, own: () => Budget): RacePolicy<undefined, T> | undefined {
  const { hedge, retry, budget, accept, discard } = options;
  if (accept !== undefined) check('accept', accept, func());
  if (discard !== undefined) check('discard', discard, func());
  if (hedge === undefined && retry === undefined) return undefined;
  if (budget !== undefined) check('budget', budget, budgetOrNoneRule);
  return {
    hedge: hedge === undefined ? undefined : readHedge<undefined>(hedge),
    retry: retry === undefined ? undefined : readRetry<undefined>(retry),
    budget: budget === undefined ? own() : budget || undefined,
    discard,
  };
}

/** @internal The budget of a balancer, made when it is needed first. */
export function ownBudget(runtime: Runtime): () => Budget {
  let budget: Budget | undefined;
  return () => (budget ??= new Budget({ ratio: 0.1, runtime }));
}
