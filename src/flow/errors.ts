import { type CodedError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a branch which must not lose or wait had no room (`BUFFER_FULL`). */
export function isBufferFull(value: unknown): value is CodedError<'BUFFER_FULL'> {
  return isHoldfastError(value, 'BUFFER_FULL');
}

/** Whether a value says that a delivery belongs to no branch (`NO_ROUTE`). */
export function isNoRoute(value: unknown): value is CodedError<'NO_ROUTE'> {
  return isHoldfastError(value, 'NO_ROUTE');
}

/** Whether a value says that parts of a set were missing when its time was over (`INCOMPLETE`). */
export function isIncomplete(value: unknown): value is CodedError<'INCOMPLETE'> {
  return isHoldfastError(value, 'INCOMPLETE');
}
