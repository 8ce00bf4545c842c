import { type CodedError, HoldfastError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a term of office is over (`LEADERSHIP_LOST`). */
export function isLeadershipLost(value: unknown): value is CodedError<'LEADERSHIP_LOST'> {
  return isHoldfastError(value, 'LEADERSHIP_LOST');
}

/** Whether a value says that a store, or the way to it, failed: whether the call was done is not known (`STORE_FAILED`). */
export function isStoreFailed(value: unknown): value is CodedError<'STORE_FAILED'> {
  return isHoldfastError(value, 'STORE_FAILED');
}

/** @internal A term is over, or nearly: `why` goes on from its name. */
export function leadershipLost(key: string, token: bigint, why: string): HoldfastError {
  return new HoldfastError('LEADERSHIP_LOST', `term ${String(token)} of the election ${JSON.stringify(key)} ${why}`);
}
