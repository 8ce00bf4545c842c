/**
 * @internal The token of the next grant: above the last, and never below the wall clock in milliseconds, so that it rises
 * also when the last is lost. `last` is 0 where there was none.
 *
 * A store that granted more often than once a millisecond since it was empty, and then loses all, has run ahead of the
 * clock and may use tokens again.
 */
export function nextToken(last: bigint, wallMs: number): bigint {
  const floor = BigInt(Math.floor(wallMs));
  return last < floor ? floor : last + 1n;
}
