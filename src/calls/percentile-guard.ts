import { check, number, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { invoke } from '../core/scope.ts';
import type { Percentile } from './percentile.ts';

/*
 * A percentile may be the user's own. Whatever it does, a call goes on as if nothing were known of its delay; the operator
 * is told once for each percentile, for it is asked with each call.
 */

const reported = new WeakSet<Percentile>();

function report(percentile: Percentile, error: unknown): void {
  if (reported.has(percentile)) return;
  reported.add(percentile);
  reportError('a percentile is of no use', error);
}

const finite = number({ min: 0 });
const delayRule: Rule<number | undefined> = {
  expected: `${finite.expected} or undefined`,
  accepts: (value) => value === undefined || finite.accepts(value),
};

/** @internal The delay of a percentile; undefined too when it throws or gives what is no delay. */
export function delayOf(percentile: Percentile): number | undefined {
  try {
    return check('the delayMs of a percentile', percentile.delayMs, delayRule);
  } catch (error) {
    report(percentile, error);
    return undefined;
  }
}

/** What its type says returns nothing may yet return a promise. */
type Told = Readonly<Record<'answered' | 'silent', (ms: number) => unknown>>;

/** @internal Tells a percentile of an original. What it throws, or rejects with, goes no further. */
export function tell(percentile: Percentile, answered: boolean, ms: number): void {
  try {
    const told = (percentile as Told)[answered ? 'answered' : 'silent'](ms);
    if (told === undefined) return;
    invoke(() => told).catch((error: unknown) => {
      report(percentile, error);
    });
  } catch (error) {
    report(percentile, error);
  }
}
