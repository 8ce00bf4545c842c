import fc from 'fast-check';
import { type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { ShardRouter, type ShardRouterOptions } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { HandClock } from '../support/hand-clock.ts';

export const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${String(i)}`);

/** Few ids, so that nodes come and go and return; some drained, sometimes none. */
export const memberships: fc.Arbitrary<PlacementNode[]> = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'a#1', '#1', 'constructor', '', '__proto__'),
    weight: fc.constantFrom(1, 1, 1, 2, 0),
  }),
  { selector: ({ id }) => id, maxLength: 7 },
);

/** A router under a clock that is set by hand. */
export function routerOf(
  nodes: Iterable<PlacementNode | string>,
  replication: ShardRouterOptions['replication'],
  detector: ShardRouterOptions['detector'] = {},
): { readonly router: ShardRouter<PlacementNode>; readonly clock: HandClock } {
  const clock = new HandClock();
  const runtime = { clock, random: seededRandom(1) };
  return { clock, router: new ShardRouter(new Rendezvous(nodes), { replication, detector, runtime }) };
}
