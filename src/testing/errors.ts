import { type CodedError, HoldfastError, isHoldfastError } from '../core/errors.ts';

/** Whether a value is the error of a simulated server or of a faulty call that failed as it was told to (`FAULT`). */
export function isFault(value: unknown): value is CodedError<'FAULT'> {
  return isHoldfastError(value, 'FAULT');
}

/** @internal */
export function fault(message: string): HoldfastError {
  return new HoldfastError('FAULT', message);
}
