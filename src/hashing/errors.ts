import { type CodedError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a placement has no node with weight (`NO_NODES`). */
export function isNoNodes(value: unknown): value is CodedError<'NO_NODES'> {
  return isHoldfastError(value, 'NO_NODES');
}
