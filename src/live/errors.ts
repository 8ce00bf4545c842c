import { type CodedError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a live value was read before it had one (`NOT_READY`). */
export function isNotReady(value: unknown): value is CodedError<'NOT_READY'> {
  return isHoldfastError(value, 'NOT_READY');
}
