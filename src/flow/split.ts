import { HoldfastError } from '../core/errors.ts';
import { check, describe, func, readOptions } from '../core/options.ts';
import { type Branches, type LaneOptions, laneShape } from './copy.ts';
import type { Flow } from './delivery.ts';
import { fan, namesRule } from './fan.ts';
import { refuse } from './transaction.ts';

/**
 * The splitter: every delivery to exactly one of several branches.
 *
 * Promises: each branch gets its deliveries in their order; the settlement passes through. What has no branch (`NO_ROUTE`), or
 * whose route throws, is nacked and told of (`failed`). At most `buffer` deliveries wait in a branch; when another one belongs
 * there, nothing more is read until there is room, and `stalled` tells when that takes long. When a branch is left all end.
 *
 * @param flow - what to read; nothing is read before a branch is
 * @param route - the branch of a value
 * @param names - of the branches
 * @param options - how much may wait in a branch
 * @returns a flow for each name, each to be read once
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { each, flow, split } from 'holdfast/flow';
 *
 * const seen: string[] = [];
 * const { even, odd } = split(flow([1, 2, 3]), (n) => (n % 2 === 0 ? 'even' : 'odd'), ['even', 'odd']);
 * await Promise.all([each(even, (n) => seen.push(`${n} is even`)), each(odd, () => undefined)]);
 * seen // => ['2 is even']
 * ```
 */
export function split<T, const N extends string>(
  flow: Flow<T>,
  route: (value: T) => N,
  names: readonly N[],
  options?: LaneOptions,
): Branches<T, N> {
  return lanes('split', flow, check('route', route, func<typeof route>()), names, options);
}

/** @internal Exactly one of some branches for each delivery. */
export function lanes<T>(
  operator: string,
  flow: Flow<T>,
  route: (value: T) => string | undefined,
  names: readonly string[],
  options: LaneOptions | undefined,
): Branches<T, string> {
  check('names', names, namesRule);
  const { buffer, ...settings } = readOptions(operator, options, laneShape);
  const lanes = names.map((name) => ({ name, buffer }));
  return fan<T>(operator, flow, lanes, settings, (delivery, open, put) => {
    try {
      const name = route(delivery.value);
      const lane = open.get(name!);
      if (lane === undefined) throw new HoldfastError('NO_ROUTE', `there is no branch ${describe(name)}`);
      put(lane, delivery);
    } catch (error) {
      refuse(settings.events, operator, delivery, error);
    }
  });
}
