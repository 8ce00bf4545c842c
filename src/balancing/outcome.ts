import { isHoldfastError } from '../core/errors.ts';
import { oneOf, type Rule } from '../core/options.ts';
import type { Verdict } from './cost.ts';

/** How a call came out, for `classify`. */
export type CallOutcome =
  /** The work returned. */
  | { readonly status: 'resolved'; readonly value: unknown; readonly ms: number }
  /** The work threw or rejected while somebody waited for it. */
  | { readonly status: 'rejected'; readonly error: unknown; readonly ms: number }
  /** The time was up: a deadline, also an outer one, or an `AbortSignal.timeout`. */
  | { readonly status: 'expired'; readonly error: unknown; readonly ms: number }
  /** The caller has gone, or another attempt has won (`SUPERSEDED`). */
  | { readonly status: 'aborted'; readonly error: unknown; readonly ms: number };

/** @internal How a call came out whose work was called off for this reason. */
export function calledOff(reason: unknown): 'expired' | 'aborted' {
  return isHoldfastError(reason, 'DEADLINE_EXCEEDED') || isTimeout(reason) ? 'expired' : 'aborted';
}

/** The reason of an `AbortSignal.timeout`, from any realm. */
function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

/** @internal What is concluded from an outcome unless `classify` says otherwise. */
export function verdictOf(status: CallOutcome['status']): Verdict {
  if (status === 'resolved') return 'ok';
  return status === 'aborted' ? 'ignore' : 'failed';
}

/** @internal A {@link Verdict}. */
export const verdictRule: Rule<Verdict> = oneOf('ok', 'failed', 'ignore');
