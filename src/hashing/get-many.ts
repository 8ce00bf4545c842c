import { check, func, number, oneOf, readOptions } from '../core/options.ts';
import type { GetManyOptions, PlacementNode } from './placement.ts';
import { zoneByZone } from './spread.ts';

const countRule = number({ min: 0, integer: true });
const optionRules = { exclude: func<(node: never) => boolean>(), spread: oneOf('zone') };

/** @internal The first of a ranking, as `Placement.getN` promises; reads no further than it must. */
export function takeFrom<N extends PlacementNode>(
  ranked: Iterable<N>,
  count: number,
  options: GetManyOptions<N> | undefined,
): N[] {
  check('count', count, countRule);
  if (options === undefined) return first(ranked, count);
  const { spread, ...rest } = readOptions('getN', options, optionRules);
  const exclude = rest.exclude as ((node: N) => boolean) | undefined;
  const eligible = exclude === undefined ? ranked : filter(ranked, (node) => !exclude(node));
  return spread === undefined ? first(eligible, count) : zoneByZone(eligible, count);
}

function first<N>(nodes: Iterable<N>, count: number): N[] {
  const taken: N[] = [];
  if (count === 0) return taken;
  for (const node of nodes) {
    taken.push(node);
    if (taken.length === count) break;
  }
  return taken;
}

function* filter<N>(nodes: Iterable<N>, keep: (node: N) => boolean): Iterable<N> {
  for (const node of nodes) if (keep(node)) yield node;
}
