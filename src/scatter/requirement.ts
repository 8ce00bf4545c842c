import { boolean, check, either, func, number, oneOf, type Rule } from '../core/options.ts';

/** How a gather stands. */
export interface Tally {
  /** How many targets there are. */
  readonly total: number;
  /** How many have answered. */
  readonly ok: number;
  /** How many have failed for good. */
  readonly failed: number;
}

/** A requirement by share. */
export interface Coverage {
  /** The least share of the targets that has to answer, 0 to 1. */
  readonly coverage: number;
}

/**
 * What a gather needs to succeed:
 *
 * - `'all'`: an answer of every target
 * - `'any'`: one answer
 * - a number: so many answers
 * - `{ coverage }`: answers of this share of the targets, 0 to 1
 * - a function: true when the answers suffice; that they never will is known when every target has answered or failed
 */
export type Requirement = 'all' | 'any' | number | Coverage | ((tally: Tally) => boolean);

/** The state of the requirement: it holds, it may still come to hold, or it cannot. */
type Verdict = 'met' | 'open' | 'impossible';

/** @internal A requirement, ready to be asked after each answer. */
export type Judge = (tally: Tally) => Verdict;

const share = number({ min: 0, max: 1 });

/** @internal The `require` option. */
export const requirementRule: Rule<Requirement> = either(
  oneOf('all', 'any'),
  number({ min: 0, integer: true }),
  func<(tally: Tally) => boolean>(),
  {
    expected: '{ coverage: a number from 0 to 1 }',
    accepts: (value) =>
      typeof value === 'object' && value !== null && share.accepts((value as { readonly coverage?: unknown }).coverage),
  },
);

/** @internal The judge of a requirement over `total` targets. */
export function judgeOf(requirement: Requirement, total: number): Judge {
  if (typeof requirement === 'function') return byFunction(requirement);
  const needed = answersNeeded(requirement, total);
  return ({ ok, failed }) => {
    if (ok >= needed) return 'met';
    return total - failed < needed ? 'impossible' : 'open';
  };
}

/** A user's function knows only whether the answers suffice now: that they never will is known when nothing is open. */
function byFunction(suffices: (tally: Tally) => boolean): Judge {
  return (tally) => {
    if (check('what the require function returns', suffices(tally), boolean)) return 'met';
    return tally.ok + tally.failed === tally.total ? 'impossible' : 'open';
  };
}

/** How many answers a requirement needs. */
function answersNeeded(requirement: Exclude<Requirement, (tally: Tally) => boolean>, total: number): number {
  if (requirement === 'all') return total;
  if (requirement === 'any') return 1;
  if (typeof requirement === 'number') return requirement;
  // The least count whose share reaches the coverage. The product alone is rounded, 0.1 × 30 up and 0.6666666666666667 × 3
  // down, so its neighbours are asked too.
  const { coverage } = requirement;
  let count = Math.max(0, Math.ceil(coverage * total) - 1);
  while (count / total < coverage) count++;
  return count;
}

/** @internal What to say when a requirement was not met. */
export function shortfall(requirement: Requirement, { total, ok, failed }: Tally): string {
  const needed = typeof requirement === 'function' ? 'more were' : `${String(answersNeeded(requirement, total))} were`;
  return `${String(ok)} of ${String(total)} targets answered, ${needed} required; ${String(failed)} failed, ${String(total - ok - failed)} did not answer in time or were not waited for`;
}
