import type { Random } from '../core/random.ts';

/** @internal What the choice looks at. */
export interface Candidate {
  readonly member: unknown;
  readonly pending: number;
}

/**
 * @internal The candidate with the fewest requests in flight. Those in `avoid` are taken only when there is no other.
 * Equals are equally likely: one pass, in which the k-th equal replaces the choice with probability 1/k.
 *
 * O(n), no allocation; draws only for equals.
 */
export function leastRequest<C extends Candidate>(
  candidates: Iterable<C>,
  avoid: ReadonlySet<unknown>,
  random: Random,
): C | undefined {
  let best: C | undefined;
  let bestAvoided = true;
  let equals = 0;
  for (const candidate of candidates) {
    const avoided = avoid.size > 0 && avoid.has(candidate.member);
    const order = best === undefined ? -1 : Number(avoided) - Number(bestAvoided) || candidate.pending - best.pending;
    if (order > 0) continue;
    equals = order < 0 ? 1 : equals + 1;
    if (order < 0 || random() * equals < 1) {
      best = candidate;
      bestAvoided = avoided;
    }
  }
  return best;
}
