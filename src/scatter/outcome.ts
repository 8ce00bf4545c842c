import type { Attempt } from '../calls/call.ts';

/** How it went with one target. */
export type LeafStatus =
  /** It answered. */
  | 'ok'
  /** Every attempt allowed has failed. */
  | 'failed'
  /** It was still at work when the time was over. */
  | 'late'
  /** It was still at work when the gather settled for another reason. */
  | 'cancelled'
  /** It was never asked. */
  | 'skipped';

/** What became of one target. */
export interface Outcome<T, V> {
  /** The target. */
  readonly target: T;
  /** How it went. */
  readonly status: LeafStatus;
  /** The answer, when `status` is `'ok'`. */
  readonly value?: V;
  /** Why the attempt was made that answered, when `status` is `'ok'`: a hedge that won, a retry. */
  readonly cause?: Attempt['cause'];
  /** Why not, when `status` is `'failed'`: the attempt's error, or an `AggregateError` of several. */
  readonly error?: unknown;
  /** How many attempts were made. */
  readonly attempts: number;
  /** Milliseconds from the first attempt to the answer, to the last failure, or to the end of the gather. */
  readonly ms: number;
}

/** What came back. Complete in itself: nothing of it changes later. */
export interface Gathered<T, V> {
  /** The answers, in the order of the targets. */
  readonly values: readonly V[];
  /** What became of each target, in the order of the targets. */
  readonly outcomes: readonly Outcome<T, V>[];
  /** The share of targets that answered, 0 to 1; 1 when there was no target. */
  readonly coverage: number;
  /** Whether every target answered. */
  readonly complete: boolean;
}

/** @internal The result, frozen. */
export function gathered<T, V>(outcomes: readonly Outcome<T, V>[]): Gathered<T, V> {
  const answered = outcomes.filter((outcome) => outcome.status === 'ok');
  return Object.freeze({
    values: Object.freeze(answered.map((outcome) => outcome.value as V)),
    outcomes: Object.freeze(outcomes.map((outcome) => Object.freeze(outcome))),
    coverage: outcomes.length === 0 ? 1 : answered.length / outcomes.length,
    complete: answered.length === outcomes.length,
  });
}
