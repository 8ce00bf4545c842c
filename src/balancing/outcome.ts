import { isHoldfastError } from '../core/errors.ts';
import { oneOf, type Rule } from '../core/options.ts';
import type { Verdict } from './cost.ts';

/** A call whose work returned. */
export interface ResolvedOutcome {
  /** The work returned. */
  readonly status: 'resolved';
  /** What it returned. */
  readonly value: unknown;
  /** How long the call took, in milliseconds. */
  readonly ms: number;
}

/** A call that ended otherwise. */
export interface FailedOutcome {
  /**
   * `rejected`: the work threw or rejected while somebody waited for it. `expired`: the time was up, by a deadline, also an
   * outer one, or by an `AbortSignal.timeout`. `aborted`: the caller has gone, or another attempt has won (`SUPERSEDED`).
   */
  readonly status: 'rejected' | 'expired' | 'aborted';
  /** The work's error, or the reason for which it was called off. */
  readonly error: unknown;
  /** How long the call took, in milliseconds. */
  readonly ms: number;
}

/** How a call came out, for `classify`. */
export type CallOutcome = ResolvedOutcome | FailedOutcome;

/** @internal How a call came out whose work was called off for this reason. */
export function calledOff(reason: unknown): 'expired' | 'aborted' {
  return isHoldfastError(reason, 'DEADLINE_EXCEEDED') || isTimeout(reason) ? 'expired' : 'aborted';
}

/** The reason of an `AbortSignal.timeout`, from any realm. A reason may be anything: null, or what throws when touched. */
function isTimeout(reason: unknown): boolean {
  try {
    return (reason as Partial<Error>).name === 'TimeoutError';
  } catch {
    return false;
  }
}

/** @internal What is concluded from an outcome unless `classify` says otherwise. */
export function verdictOf(status: CallOutcome['status']): Verdict {
  if (status === 'resolved') return 'ok';
  return status === 'aborted' ? 'ignore' : 'failed';
}

/** @internal A {@link Verdict}. */
export const verdictRule: Rule<Verdict> = oneOf('ok', 'failed', 'ignore');
