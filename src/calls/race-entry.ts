import type { Deadline } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { boolean, check } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import type { Runtime } from '../core/runtime.ts';
import { invoke } from '../core/scope.ts';
import type { Outer } from './attempt.ts';
import type { Budget } from './budget.ts';
import type { Attempt } from './call.ts';
import type { HedgeRule } from './hedge-policy.ts';
import type { RetryRule } from './retry-policy.ts';

/** @internal How one logical call becomes several attempts. */
export interface RacePolicy<Req, T> {
  /** What to do about silence. */
  readonly hedge?: HedgeRule<Req> | undefined;
  /** What to do about failure. */
  readonly retry?: RetryRule<Req> | undefined;
  /** Pays for every attempt but the first. Absent: there is no limit but the policies' own. */
  readonly budget?: Budget | undefined;
  /** Whether a value is an answer; false, or a throw, makes it a failure. */
  readonly accept?: ((value: T) => boolean) | undefined;
  /** Gets the values that are nobody's answer: of attempts that came too late, and those that were not accepted. */
  readonly discard?: ((value: T) => unknown) | undefined;
}

/** @internal How a race ended by itself. */
export type RaceResult<T> =
  | { readonly status: 'ok'; readonly value: T; readonly cause: Attempt['cause'] }
  | { readonly status: 'failed'; readonly error: unknown };

/** @internal What is raced. */
export interface RaceEntry<Req, T> {
  /** Names the work in errors. */
  readonly what: string;
  /** What the policies' functions are asked about. */
  readonly request: Req;
  /** One attempt; a synchronous throw counts as a rejection. */
  readonly run: (attempt: Attempt) => T | PromiseLike<T>;
  /** Told to the attempts; the race starts nothing when it has come, and to end the race then is up to its owner. */
  readonly deadline: Deadline;
  readonly runtime: Runtime;
  readonly policy: RacePolicy<Req, T>;
  /** The options of the call: when they are an outer attempt, its `avoid`, `visit` and budgets are this race's too. */
  readonly outer?: Outer | undefined;
  /** Called once, never from inside `start`, unless the race is called off before. Must not throw. */
  readonly onResult: (result: RaceResult<T>) => void;
}

/** @internal Why a value is no answer; what `accept` throws is why. */
export function refusalOf<T>(
  accept: ((value: T) => boolean) | undefined,
  value: T,
  what: string,
): { readonly error: unknown } | undefined {
  if (accept === undefined) return undefined;
  try {
    if (check('what the accept function returns', accept(value), boolean)) return undefined;
    return { error: new HoldfastError('NOT_ACCEPTED', `an answer of ${what} was not accepted`) };
  } catch (error) {
    return { error };
  }
}

/** @internal Hands over a value that nobody waits for; what `discard` throws or rejects with is reported. */
export function discardWith<T>(discard: ((value: T) => unknown) | undefined, value: T): void {
  if (discard === undefined) return;
  invoke(() => discard(value)).catch((error: unknown) => {
    reportError('discard failed', error);
  });
}
