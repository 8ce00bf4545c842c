import { HoldfastError, isHoldfastError } from '../core/errors.ts';
import type { Gathered } from './outcome.ts';

/**
 * A gather ended without the answers that it requires (`INSUFFICIENT_COVERAGE`). What did come is in `partial`, for a
 * caller who would rather show something; `cause` is the error of the first target that failed, or says that the deadline
 * passed; there is none when there are fewer targets than answers required.
 */
export class InsufficientCoverageError<T = unknown, V = unknown> extends HoldfastError {
  /** What came back until then. */
  readonly partial: Gathered<T, V>;

  /**
   * @param message - how many answered and how many were required
   * @param partial - what came back until then
   * @param options - `cause`: the error behind it
   */
  constructor(message: string, partial: Gathered<T, V>, options?: { readonly cause?: unknown }) {
    super('INSUFFICIENT_COVERAGE', message, options);
    this.name = 'InsufficientCoverageError';
    this.partial = partial;
  }
}

/**
 * Whether a value is an {@link InsufficientCoverageError}, from any copy of the package.
 *
 * @param value - anything, usually what a `catch` caught
 */
export function isInsufficientCoverage<T = unknown, V = unknown>(
  value: unknown,
): value is InsufficientCoverageError<T, V> {
  return isHoldfastError(value, 'INSUFFICIENT_COVERAGE');
}
