/**
 * A value that changes while the program runs: a configuration, a list of members, a set of weights.
 *
 * Promises of every implementation: `current` is one whole version, never a mix of two; `version` rises by at least one
 * with each change and never goes back.
 */
export interface Live<T> {
  /** The newest value. */
  readonly current: T;
  /** Rises with each change. */
  readonly version: number;
  /** Resolves with the first value. */
  readonly ready: Promise<T>;
  /**
   * Values from now on, conflated: a slow reader gets the newest, not each.
   *
   * @param signal - ends the iteration
   */
  changes(signal?: AbortSignal): AsyncIterable<T>;
  /** Stops following the source; `current` stays readable. */
  close(): void;
}

/** A value that is fixed, or one that changes while the program runs. Options of this type accept either. */
export type Dyn<T> = T | Live<T>;

/**
 * The value of a {@link Dyn} at this moment. A `Live` is told from a plain value by its `changes` method.
 *
 * Complexity: O(1), no allocation. Read it at each use instead of keeping the result.
 *
 * @param dyn - a plain value or a live one
 * @example
 * ```ts
 * import { currentOf } from 'holdfast/core';
 *
 * currentOf(['a', 'b']) // => ['a', 'b']
 * ```
 */
export function currentOf<T>(dyn: Dyn<T>): T {
  return isLive(dyn) ? dyn.current : dyn;
}

function isLive<T>(dyn: Dyn<T>): dyn is Live<T> {
  return (
    typeof dyn === 'object' &&
    dyn !== null &&
    'current' in dyn &&
    typeof (dyn as { readonly changes?: unknown }).changes === 'function'
  );
}
