/** @internal What a call knows when one of its attempts has failed. */
export interface Standing {
  /** Attempts that are still under way. */
  readonly live: number;
  /** Attempts that the hedge has left. */
  readonly spare: number;
  /** Attempts that the retry has left. */
  readonly retries: number;
  /** Whether the failure is one that another attempt may mend. */
  readonly retryable: boolean;
  /** Whether a server has asked for a pause that is not over. */
  readonly pushedBack: boolean;
  /** Whether there is time left. */
  readonly inTime: boolean;
}

/** @internal What follows on a failure. */
export type Move =
  /** Another attempt at once, out of the hedge's: silence has come to an end early. */
  | 'failover'
  /** Another attempt after a pause, out of the retry's. */
  | 'retry'
  /** Nothing: another attempt is still under way. */
  | 'await'
  /** The call has failed. */
  | 'fail';

/**
 * @internal The one law of failure. Hedges answer silence, and a failure ends silence: while a hedge is left and nobody
 * asked for a pause, it starts now. A retry comes when nothing is under way any more. Whether another can be paid for is not
 * asked here: one that cannot is a refusal, to be counted.
 */
export function afterFailure(standing: Standing): Move {
  const { live, spare, retries, retryable, pushedBack, inTime } = standing;
  const another = retryable && inTime;
  if (another && spare > 0 && !pushedBack) return 'failover';
  if (live > 0) return 'await';
  return another && retries > 0 ? 'retry' : 'fail';
}

/**
 * @internal The pause before the n-th retry: anything up to `baseMs`, doubled for each retry and never more than `maxMs`.
 * Full jitter: those that failed together do not come back together.
 *
 * Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
 */
export function backoffMs(n: number, baseMs: number, maxMs: number, chance: number): number {
  return chance * Math.min(maxMs, baseMs * 2 ** (n - 1));
}
