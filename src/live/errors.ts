import { type CodedError, HoldfastError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a live value was read before it had one (`NOT_READY`). */
export function isNotReady(value: unknown): value is CodedError<'NOT_READY'> {
  return isHoldfastError(value, 'NOT_READY');
}

/** @internal It was closed, and will not do what it has not done yet. */
export function closed(what: string): HoldfastError {
  return new HoldfastError('CLOSED', `${what} was closed`);
}
