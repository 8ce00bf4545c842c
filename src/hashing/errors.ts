import { type HoldfastError, isHoldfastError } from '../core/errors.ts';

/** Whether a value says that a placement has no node with weight (`NO_NODES`). */
export function isNoNodes(value: unknown): value is HoldfastError & { readonly code: 'NO_NODES' } {
  return isHoldfastError(value, 'NO_NODES');
}
