import { isNoMembers } from 'holdfast/balancing';
import { Budget, type BudgetStats, percentile, type Percentile, type RetryPolicy } from 'holdfast/calls';

/** The share of requests that is not hedged. */
export const patientShare = 0.95;
/** Ten searches of three shards are enough to begin with. */
const warmUp = 30;
/** Leaves share the machine: a second request for a few milliseconds would cost more than it saves. */
const minMs = 10;
const ratio = 0.1;
/** A hedge that failed too was the second attempt; this is the third and last. */
const attempts = 2;

/**
 * What is done about a leaf that is silent or fails, as options of a gather or of a balanced call: another leaf is asked when
 * the first is silent for longer than most, or at once when it fails. The delay is learnt and the budget counts, so make
 * one for each kind of request and keep it.
 */
export interface ExtraAttempts {
  readonly hedge: { readonly after: Percentile };
  readonly retry: RetryPolicy;
  readonly budget: Budget;
}

/** What there is to know of {@link ExtraAttempts} now. */
export interface ExtraAttemptsStatus {
  /** After so many milliseconds of silence another leaf is asked; `null` while that is not learnt. */
  readonly hedgeAfterMs: number | null;
  readonly budget: BudgetStats;
}

/** For one kind of request, which nothing is known of yet. */
export function extraAttempts(): ExtraAttempts {
  return {
    hedge: { after: percentile(patientShare, { warmUp, minMs }) },
    // Where no leaf serves there will be none in a moment either, and the others need the budget.
    retry: { attempts, retryable: (error) => !isNoMembers(error) },
    budget: new Budget({ ratio }),
  };
}

/** What it has come to so far. */
export function statusOfExtra({ hedge, budget }: ExtraAttempts): ExtraAttemptsStatus {
  return { hedgeAfterMs: hedge.after.delayMs ?? null, budget: budget.stats() };
}
