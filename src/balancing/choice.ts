import type { Random } from '../core/random.ts';

/** @internal What stands for choice. */
export interface Candidate {
  /** 0 for who may well be taken; who ranks higher is taken only when nobody ranks lower. */
  rank(at: Occasion): number;
  /** Less is better, among those of one rank. Never NaN. */
  cost(now: number): number;
}

/** @internal For what is chosen. */
export interface Occasion {
  readonly now: number;
  /** Whom to take only when there is no other. */
  readonly avoid: ReadonlySet<unknown>;
  /** Whether health counts for nothing, because most are ejected. */
  readonly panic: boolean;
}

/**
 * @internal The candidate of the lowest rank, of the least cost within it; equals are equally likely.
 *
 * At least `looks` candidates of rank 0 are looked at, or all candidates. When that is not all, they are drawn without
 * replacement: `candidates` is shuffled on the way. No allocation; O(looks) while most rank 0, O(n) at worst.
 */
export function choose<C extends Candidate>(
  candidates: C[],
  looks: number,
  at: Occasion,
  random: Random,
): C | undefined {
  const count = candidates.length;
  const drawn = looks < count;
  let best: C | undefined;
  let leastRank = Infinity;
  let leastCost = Infinity;
  let equals = 0;
  let looked = 0;
  for (let i = 0; i < count && looked < looks; i++) {
    if (drawn) swap(candidates, i, i + Math.floor(random() * (count - i)));
    const candidate = candidates[i]!;
    const rank = candidate.rank(at);
    if (rank === 0) looked++;
    if (rank > leastRank) continue;
    const cost = candidate.cost(at.now);
    if (rank < leastRank || cost < leastCost) {
      best = candidate;
      leastRank = rank;
      leastCost = cost;
      equals = 1;
    } else if (cost === leastCost && random() * ++equals >= equals - 1) {
      best = candidate;
    }
  }
  return best;
}

function swap(list: unknown[], i: number, j: number): void {
  const held = list[i];
  list[i] = list[j];
  list[j] = held;
}
