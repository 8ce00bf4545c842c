import type { Random } from '../core/random.ts';

/** @internal What the choice looks at. */
export interface Candidate {
  readonly member: unknown;
  readonly pending: number;
}

/**
 * @internal The candidate with the fewest requests in flight. Those in `avoid` are taken only when there is no other.
 * Equals are equally likely.
 *
 * O(n), no allocation; draws once, and only for equals.
 */
export function leastRequest<C extends Candidate>(
  candidates: Iterable<C>,
  avoid: ReadonlySet<unknown>,
  random: Random,
): C | undefined {
  let least = Infinity;
  let equals = 0;
  let first: C | undefined;
  for (const candidate of candidates) {
    const rank = rankOf(candidate, avoid);
    if (rank > least) continue;
    if (rank < least) {
      least = rank;
      equals = 0;
      first = candidate;
    }
    equals++;
  }
  if (equals < 2) return first;
  let skip = Math.floor(random() * equals);
  for (const candidate of candidates) if (rankOf(candidate, avoid) === least && skip-- === 0) return candidate;
  return first;
}

/** More requests in flight than any member has: whoever is to be avoided ranks behind all others. */
const behindAll = 2 ** 40;

function rankOf({ member, pending }: Candidate, avoid: ReadonlySet<unknown>): number {
  return avoid.size > 0 && avoid.has(member) ? behindAll + pending : pending;
}
