import { func, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule } from '../core/runtime.ts';
import { type Budget, budgetOrNoneRule } from './budget.ts';

/** What hedges and retries have in common. */
export interface RaceOptions<Res> {
  /**
   * Whether a value is an answer. False makes the attempt a failed one (`NOT_ACCEPTED`); so does a throw, and its error is
   * the failure. The value goes to `discard`.
   *
   * @defaultValue every value is
   */
  readonly accept?: ((value: Res) => boolean) | undefined;
  /**
   * Gets values that are nobody's answer, because they came when the call had settled or were not accepted: a body to
   * cancel, a connection to give back. If it throws, or returns a promise that rejects, that is reported as a process warning.
   * It does not get what a layer below has dropped: `timebox`, `withDeadline` and `LoadBalancer.run` settle when they are called
   * off, and a later value is theirs. `run` has a `discard` of its own.
   */
  readonly discard?: ((value: Res) => unknown) | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options of {@link RaceOptions}, and the budget. */
export const raceShape: {
  readonly budget: Rule<Budget | false>;
  readonly accept: Rule<(value: never) => boolean>;
  readonly discard: Rule<(value: never) => unknown>;
  readonly runtime: Rule<Runtime>;
} = {
  budget: budgetOrNoneRule,
  accept: func<(value: never) => boolean>(),
  discard: func<(value: never) => unknown>(),
  runtime: runtimeRule,
};
