import { backoffMs } from '../calls/next-move.ts';
import { judge, type RetryRule } from '../calls/retry-policy.ts';
import { describe } from '../core/options.ts';
import type { Ending } from './backlog/backlog.ts';
import { controlOf } from './control.ts';
import { isWorkerLost } from './errors.ts';

/** @internal What is known of an attempt that has failed. */
export interface Failure {
  readonly error: unknown;
  readonly attempt: number;
  /** How many attempts it may have in all. */
  readonly attempts: number;
  /** Crashes before this attempt. */
  readonly crashes: number;
}

/** @internal What the queue makes of failures. */
export interface FailureRules {
  readonly retry: RetryRule<unknown>;
  /** How many workers a job may cost. */
  readonly maxCrashes: number;
  readonly random: () => number;
}

/**
 * @internal The one law of failure: what becomes of a job whose attempt has failed. What the handler has asked for comes
 * first, then the loss of the worker, then the number of attempts, then whether the error may be mended at all.
 */
export function verdict({ error, attempt, attempts, crashes }: Failure, rules: FailureRules, data: unknown): Ending {
  const text = textOf(error);
  const control = controlOf(error);
  if (control?.kind === 'snooze') return { kind: 'release', delayMs: control.ms };
  if (control?.kind === 'discard') return { kind: 'dead', reason: 'discarded', error: text };
  const crashed = isWorkerLost(error);
  if (crashed && crashes + 1 >= rules.maxCrashes) return { kind: 'dead', reason: 'poison', error: text, crashed };
  if (attempt >= attempts) return { kind: 'dead', reason: 'failed', error: text, crashed };
  if (control?.kind === 'retry') return { kind: 'retry', delayMs: control.afterMs, error: text };
  const { retryable, pushbackMs } = crashed ? mayRetry : judge(rules.retry, error, data);
  if (!retryable || pushbackMs === Infinity) return { kind: 'dead', reason: 'failed', error: text, crashed };
  const { baseMs, maxMs } = rules.retry;
  const delayMs = pushbackMs ?? backoffMs(attempt, baseMs, maxMs, rules.random());
  return { kind: 'retry', delayMs, error: text, crashed };
}

const mayRetry = { retryable: true, pushbackMs: undefined };
const longestText = 1_000;

/** An error as the text that is kept with a dead job. Never throws. */
function textOf(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
    return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  } catch {
    return 'an error that cannot be read';
  }
}
