import fc from 'fast-check';
import { type Hasher, type PlacementNode, Rendezvous, xxh64 } from 'holdfast/hashing';
import { ShardRouter, type ShardRouterOptions } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { HandClock } from '../support/hand-clock.ts';

export const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${String(i)}`);

/** Eight digests in all. */
const threeBits: Hasher = {
  name: 'three-bits',
  hash(key, seedLow, seedHigh, out) {
    xxh64.hash(key, seedLow, seedHigh, out);
    out[0] = out[0]! & 7;
    out[1] = 0;
  },
};

export const hashers: fc.Arbitrary<Hasher> = fc.constantFrom(xxh64, threeBits);

/** Few ids, so that nodes come and go and return; some drained, sometimes none. */
export const memberships: fc.Arbitrary<PlacementNode[]> = fc.uniqueArray(
  fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__'), weight: fc.constantFrom(1, 1, 1, 2, 0) }),
  { selector: ({ id }) => id, maxLength: 6 },
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
