import { isHoldfastError } from '../core/errors.ts';
import { boolean, check, func, number, object, readOptions, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';

/** How a failed call is tried again. `Req` is the request, or the target of a gather. */
export interface RetryPolicy<Req = unknown> {
  /**
   * How many attempts in all, hedges not counted.
   *
   * @defaultValue 3
   */
  readonly attempts?: number | undefined;
  /** How long to pause before a retry. */
  readonly backoff?:
    | {
        /**
         * The longest pause before the first retry, in milliseconds; doubled for each further one.
         *
         * @defaultValue 50
         */
        readonly baseMs?: number | undefined;
        /**
         * The longest pause of all, in milliseconds.
         *
         * @defaultValue 5,000
         */
        readonly maxMs?: number | undefined;
      }
    | undefined;
  /**
   * Whether another attempt may mend this error.
   *
   * @defaultValue all but what is aborted (an error named `AbortError`) and what holdfast refuses for good
   * (`INVALID_OPTION`, `UNSUPPORTED`, `CLOSED`); nor `ATTEMPTS_FAILED` of a call below when one of its `errors` is such
   */
  readonly retryable?: ((error: unknown, request: Req) => boolean) | undefined;
  /**
   * Milliseconds that the server asks to wait, which then replace the backoff; undefined where it asks for nothing. Less
   * than 0 asks not to come again. Until they are over no attempt of the call starts, a hedge beside another attempt neither.
   *
   * @defaultValue the error's own `retryAfterMs`, if that is a number; of `ATTEMPTS_FAILED` of a call below, the longest of its
   * `errors`' own
   */
  readonly retryAfterMs?: ((error: unknown) => number | undefined) | undefined;
}

/** @internal A {@link RetryPolicy}, checked, with its defaults. */
export interface RetryRule<Req> {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly retryable: (error: unknown, request: Req) => boolean;
  readonly retryAfterMs: (error: unknown) => number | undefined;
}

/** @internal The options of a {@link RetryPolicy}. */
export const retryShape: {
  readonly attempts: Rule<number>;
  readonly backoff: Rule<object>;
  readonly retryable: Rule<(error: unknown, request: never) => boolean>;
  readonly retryAfterMs: Rule<(error: unknown) => number | undefined>;
} = {
  attempts: number({ min: 1, max: 100, integer: true }),
  backoff: object<object>(),
  retryable: func<(error: unknown, request: never) => boolean>(),
  retryAfterMs: func<(error: unknown) => number | undefined>(),
};

/**
 * @internal A retry policy, checked, with its defaults.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function readRetry<Req>(policy: unknown): RetryRule<Req> {
  const values = readOptions('retry', policy, retryShape);
  const { baseMs = 50, maxMs = 5_000 } = readOptions('backoff', values.backoff, {
    baseMs: number({ min: 0 }),
    maxMs: number({ min: 0 }),
  });
  const { attempts = 3, retryable = mayMend, retryAfterMs = ownRetryAfter } = values;
  return { attempts, baseMs, maxMs, retryable: retryable as RetryRule<Req>['retryable'], retryAfterMs };
}

/** @internal What the rule says of an error: whether to retry, and after how many milliseconds if the server said so. */
export interface Verdict {
  readonly retryable: boolean;
  readonly pushbackMs: number | undefined;
}

/**
 * @internal Asks the rule. A function of the user's that throws, or returns what it should not, is reported as a process
 * warning, and the error is not retried: the caller gets it as it is.
 */
export function judge<Req>(rule: RetryRule<Req>, error: unknown, request: Req): Verdict {
  try {
    const retryable = check('what the retryable function returns', rule.retryable(error, request), boolean);
    const pushbackMs = retryable
      ? check('what retryAfterMs returns', rule.retryAfterMs(error), pushbackRule)
      : undefined;
    return pushbackMs !== undefined && pushbackMs < 0 ? never : { retryable, pushbackMs };
  } catch (failure) {
    reportError('a call is not retried', failure);
    return never;
  }
}

const never: Verdict = { retryable: false, pushbackMs: undefined };

const pushbackRule: Rule<number | undefined> = {
  expected: 'a number of milliseconds or undefined',
  accepts: (value) => value === undefined || (typeof value === 'number' && !Number.isNaN(value)),
};

const forGood = new Set(['INVALID_OPTION', 'UNSUPPORTED', 'CLOSED']);

/** Anything can be thrown, also what throws when touched: then it is not known to be for good. */
function mayMend(error: unknown): boolean {
  const attempts = attemptsOf(error);
  if (attempts !== undefined) return attempts.every((each) => mayMend(each));
  if (isHoldfastError(error)) return !forGood.has(error.code);
  return own(error, 'name') !== 'AbortError';
}

function ownRetryAfter(error: unknown): number | undefined {
  const attempts = attemptsOf(error);
  if (attempts !== undefined) {
    const pauses = attempts.map(ownRetryAfter).filter((ms) => ms !== undefined);
    if (pauses.length === 0) return undefined;
    return Math.min(...pauses) < 0 ? -1 : Math.max(...pauses);
  }
  const ms = own(error, 'retryAfterMs');
  return typeof ms === 'number' && !Number.isNaN(ms) ? ms : undefined;
}

/** What the attempts of a call below have failed of, a hedge's for example; undefined where the error is not of several. */
function attemptsOf(error: unknown): readonly unknown[] | undefined {
  const errors = isHoldfastError(error, 'ATTEMPTS_FAILED') ? own(error, 'errors') : undefined;
  return Array.isArray(errors) ? errors : undefined;
}

function own(error: unknown, name: string): unknown {
  try {
    return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}
