import { check, func, readOptions } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import { Budget } from './budget.ts';
import type { Attempt, CallLimits } from './call.ts';
import { type HedgePolicy, hedgeShape, readHedge } from './hedge-policy.ts';
import type { RacePolicy } from './race-entry.ts';
import { raced } from './raced.ts';
import { type RaceOptions, raceShape } from './race-options.ts';

/** Options of {@link hedge}. */
export interface HedgeOptions<Res, Req = unknown> extends HedgePolicy<Req>, RaceOptions<Res> {
  /**
   * Pays for the attempts beyond the first; when it is exhausted, none starts. Share one among all that ask the same
   * service. `false`: no limit but `extra`.
   *
   * @defaultValue one of its own, `new Budget({ ratio: 0.05 })`
   */
  readonly budget?: Budget | false | undefined;
}

/**
 * A call that does not wait for one slow server: when the first attempt has been silent for `after`, or has failed, another
 * starts; the first accepted answer is the answer.
 *
 * Promises: at most 1 + `extra` attempts, and in all no more than the budget allows; settles at the first accepted answer,
 * at the failure of the last attempt allowed, at the deadline or at the caller's abort, whichever comes first; every other
 * attempt's signal is aborted in the same turn and nobody waits for it; the winner's signal never aborts, so its body can
 * be read; a later attempt avoids the members that the others use. Leaves no timer and no listener. One timer at a time.
 *
 * Does not promise that a request arrives only once: hedge what may safely be done twice (`when`).
 *
 * Source: J. Dean, L. A. Barroso, "The Tail at Scale" (2013).
 *
 * @param call - what to call; its options are the {@link Attempt}
 * @param options - when to start another attempt, how many, and who pays
 * @returns a {@link Call}; rejects with the only attempt's error, or an `AggregateError` of several, the first attempt's first
 * @throws {@link HoldfastError} `INVALID_OPTION`; `DEADLINE_EXCEEDED` as a rejection
 * @example
 * ```ts
 * import { hedge } from 'holdfast/calls';
 *
 * const ask = hedge(
 *   (name: string, { attempt }) =>
 *     attempt === 1 ? new Promise<string>(() => undefined) : Promise.resolve(`hello ${name}`),
 *   { after: 5 },
 * );
 * await ask('ann') // => 'hello ann'
 * ```
 */
export function hedge<Req, Res>(
  call: (request: Req, attempt: Attempt) => Res | PromiseLike<Res>,
  options: HedgeOptions<Res, Req>,
): (request: Req, options?: CallLimits) => Promise<Res> {
  check('call', call, func());
  const values = readOptions('hedge', options, { ...hedgeShape, ...raceShape });
  const { after, extra, when, accept, discard, runtime = systemRuntime } = values;
  const { budget = new Budget({ ratio: 0.05, runtime }) } = values;
  const policy = { hedge: readHedge<Req>({ after, extra, when }), budget: budget || undefined, accept, discard };
  return raced('a hedged call', call, policy as RacePolicy<Req, Res>, runtime);
}
