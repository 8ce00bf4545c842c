import { type CodedError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a balancer has no members (`NO_MEMBERS`). */
export function isNoMembers(value: unknown): value is CodedError<'NO_MEMBERS'> {
  return isHoldfastError(value, 'NO_MEMBERS');
}
