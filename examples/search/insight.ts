/** What the root has learnt of its leaves, for people. */
import type { BalancerStats } from 'holdfast/balancing';
import type { ExtraAttemptsStatus } from './extra-attempts.ts';
import { align, formatMs } from './report.ts';

/** After what silence another leaf is asked. */
export function formatHedge({ hedgeAfterMs }: ExtraAttemptsStatus): string {
  return hedgeAfterMs === null
    ? 'no hedge, too little is known yet'
    : `hedge after ${formatMs(hedgeAfterMs)} of silence`;
}

/** The delay of the hedge and the budget, in one line. */
export function formatExtraAttempts(status: ExtraAttemptsStatus): string {
  const { originals, extras, refused, balance } = status.budget;
  const counts = `${originals} originals, ${extras} extras, ${balance} more allowed, ${refused} refused so far`;
  return `${formatHedge(status)}; budget: ${counts}`;
}

/** A line for each leaf: what its balancer chooses by. */
export function formatLeaves(balancers: readonly BalancerStats[]): string[] {
  const rows = balancers.flatMap(({ members }) =>
    members.map(({ id, latencyMs, pending, failures, ejected }) => [
      id,
      latencyMs === undefined ? 'unknown' : formatMs(latencyMs),
      String(pending),
      failures.toFixed(1),
      ejected ?? 'no',
    ]),
  );
  return align([['leaf', 'latency', 'in flight', 'recent failures', 'ejected'], ...rows]);
}
