import { type CallLimits, checkCallOptions } from '../calls/call.ts';
import { check, func, type Rule } from '../core/options.ts';

/** Options of {@link LoadBalancer.run}. An {@link Attempt} of an outer call fits. */
export interface RunOptions extends CallLimits {
  /** Members to use only when there is no other; compared by identity, as the balancer has them now. */
  readonly avoid?: ReadonlySet<unknown> | undefined;
  /** Is told the member that was chosen. */
  readonly visit?: ((member: unknown) => void) | undefined;
}

const visitRule = func<(member: unknown) => void>();
const avoidRule: Rule<ReadonlySet<unknown>> = {
  expected: 'a Set',
  accepts: (value) =>
    typeof (value as Partial<ReadonlySet<unknown>> | null)?.has === 'function' &&
    typeof (value as Partial<ReadonlySet<unknown>>).size === 'number',
};

/**
 * @internal Checks the options of one call.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function checkRunOptions(options: RunOptions): void {
  checkCallOptions(options);
  if (options.avoid !== undefined) check('avoid', options.avoid, avoidRule);
  if (options.visit !== undefined) check('visit', options.visit, visitRule);
}
