import { check, func, readOptions } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import { Budget } from './budget.ts';
import type { Attempt, CallLimits } from './call.ts';
import type { RacePolicy } from './race-entry.ts';
import { raced } from './raced.ts';
import { type RaceOptions, raceShape } from './race-options.ts';
import { readRetry, type RetryPolicy, retryShape } from './retry-policy.ts';

/** Options of {@link retry}. */
export interface RetryOptions<Res, Req = unknown> extends RetryPolicy<Req>, RaceOptions<Res> {
  /**
   * Pays for the attempts beyond the first; when it is exhausted, a failure is final. Share one among all that ask the same
   * service. `false`: no limit but `attempts`.
   *
   * @defaultValue one of its own, `new Budget({ ratio: 0.2 })`
   */
  readonly budget?: Budget | false | undefined;
}

/**
 * A call that is tried again when it fails, after a pause.
 *
 * Promises: at most `attempts` attempts, and in all no more than the budget allows; the pause is random, up to `baseMs`
 * doubled for each retry and cut to `maxMs`, or exactly what the server asks for; a pause that does not fit into the time
 * left is not begun: the call fails at once, with what it failed of and not with `DEADLINE_EXCEEDED`; so it does when the
 * budget is exhausted. Settles at the first accepted answer, at a failure that is final, at the deadline or at the caller's
 * abort, whichever comes first. A later attempt avoids the members that the earlier used. Leaves no timer and no listener.
 *
 * Does not promise that a request arrives only once: retry what may safely be done twice. Does not retry at two layers for
 * you: 3 layers of 4 attempts are 64; retry in one place.
 *
 * Source: full jitter as in M. Brooker, "Exponential Backoff and Jitter" (2015); the budget as in Finagle.
 *
 * @param call - what to call; its options are the {@link Attempt}
 * @param options - how often, after which pause, which errors, and who pays
 * @returns a {@link Call}; rejects with the error that is not retryable or the only attempt's error, as it is, or with an
 * `AggregateError` of several, the first attempt's first, the last as its `cause`
 * @throws {@link HoldfastError} `INVALID_OPTION`; `DEADLINE_EXCEEDED` as a rejection
 * @example
 * ```ts
 * import { retry } from 'holdfast/calls';
 *
 * const ask = retry(
 *   async (name: string, { attempt }) => {
 *     if (attempt < 3) throw new Error('connection refused');
 *     return `hello ${name}`;
 *   },
 *   { attempts: 3, backoff: { baseMs: 2 } },
 * );
 * await ask('ann', { deadline: 1_000 }) // => 'hello ann'
 * ```
 */
export function retry<Req, Res>(
  call: (request: Req, attempt: Attempt) => Res | PromiseLike<Res>,
  options?: RetryOptions<Res, Req>,
): (request: Req, options?: CallLimits) => Promise<Res> {
  check('call', call, func());
  const values = readOptions('retry', options, { ...retryShape, ...raceShape });
  const { attempts, backoff, retryable, retryAfterMs, accept, discard, runtime = systemRuntime } = values;
  const { budget = new Budget({ ratio: 0.2, runtime }) } = values;
  const rule = readRetry<Req>({ attempts, backoff, retryable, retryAfterMs });
  const policy = { retry: rule, budget: budget || undefined, accept, discard };
  return raced('a retried call', call, policy as RacePolicy<Req, Res>, runtime);
}
