import fc from 'fast-check';
import {
  boundedLoad,
  isNoNodes,
  type Key,
  type Lease,
  type Placement,
  type PlacementNode,
  Rendezvous,
} from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { hashers, keys, kinds, members, placed, seeds, thrownBy } from './support.ts';

const manyRuns = { numRuns: runs(10) };
const loadFactors = fc.oneof(
  fc.constantFrom(1.1, 1.25, 2, 1 + Number.EPSILON, 1.000001),
  fc.double({ min: 1, minExcluded: true, max: 5, noNaN: true }),
);

/** A double as a whole multiple of 2^-1074: the oracle does not round. */
function exact(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const exponent = (bits.getUint32(0) >>> 20) & 0x7ff;
  const fraction = bits.getBigUint64(0) & 0xf_ffff_ffff_ffffn;
  return exponent === 0 ? fraction : (fraction | 0x10_0000_0000_0000n) << BigInt(exponent - 1);
}

type Step =
  | { readonly does: 'acquire'; readonly key: Key }
  | { readonly does: 'release'; readonly which: number }
  | { readonly does: 'update'; readonly nodes: readonly PlacementNode[] };

const hotKeys = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('hot', 'warm') }, { weight: 1, arbitrary: keys });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ does: fc.constant('acquire' as const), key: hotKeys }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('release' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('update' as const), nodes: members }) },
  ),
  { maxLength: 40 },
);

describe('boundedLoad', () => {
  it('never exceeds a bound at admission, always finds a place, overflows in the order of the key, and counts right', () => {
    fc.assert(
      fc.property(
        kinds,
        members,
        seeds,
        hashers,
        loadFactors,
        steps,
        (kind, first, seed, hasher, loadFactor, script) => {
          const place = (nodes: readonly PlacementNode[]): Placement<PlacementNode> =>
            placed[kind](nodes, { seed, hasher });
          let placement = place(first);
          const bounded = boundedLoad(placement, { loadFactor });
          const leases: { lease: Lease<PlacementNode>; held: boolean }[] = [];
          const held = (id: string): number => leases.filter((one) => one.held && one.lease.node.id === id).length;

          for (const step of script) {
            if (step.does === 'update') {
              placement = place(step.nodes);
              bounded.update(placement);
            } else if (step.does === 'release') {
              const one = leases[step.which % Math.max(1, leases.length)];
              one?.lease.release();
              if (one !== undefined) one.held = false;
            } else {
              const before = new Map(bounded.stats().nodes.map((node) => [node.id, node]));
              const weighted = [...placement.nodes.values()].filter(({ weight }) => weight !== 0);
              if (weighted.length === 0) {
                expect(isNoNodes(thrownBy(() => bounded.acquire(step.key)))).toBe(true);
                continue;
              }
              const lease = bounded.acquire(step.key);
              const order = placement.getN(step.key, placement.size);
              expect(lease.node).toBe(order[lease.rank]);
              for (const { id } of order.slice(0, lease.rank))
                expect(before.get(id)!.inFlight).toBeGreaterThanOrEqual(before.get(id)!.capacity);
              // load + 1 <= ceil(c (m + 1) w / W), that is load * W < c (m + 1) w, without a division.
              const inFlight = weighted.reduce((sum, { id }) => sum + held(id), 0);
              const total = weighted.reduce((sum, { weight = 1 }) => sum + exact(weight), 0n);
              const load = BigInt(held(lease.node.id));
              const { weight = 1 } = lease.node;
              expect(load * total * exact(1) < exact(loadFactor) * BigInt(inFlight + 1) * exact(weight)).toBe(true);
              leases.push({ lease, held: true });
            }
            const { nodes, leaving } = bounded.stats();
            expect(nodes.map(({ id }) => id)).toEqual([...placement.nodes.keys()]);
            for (const { id, inFlight } of nodes) expect(inFlight).toBe(held(id));
            const all = nodes.reduce((sum, { inFlight }) => sum + inFlight, leaving);
            expect(all).toBe(leases.filter((one) => one.held).length);
          }

          for (const { lease } of leases) lease.release();
          expect(bounded.stats().nodes.every(({ inFlight }) => inFlight === 0)).toBe(true);
          expect(bounded.stats().leaving).toBe(0);
        },
      ),
      manyRuns,
    );
  });

  it('is the plain placement when the factor is large', () => {
    fc.assert(
      fc.property(kinds, members, hashers, fc.array(keys, { maxLength: 30 }), (kind, nodes, hasher, some) => {
        const placement = placed[kind](nodes, { hasher });
        fc.pre(placement.get('') !== undefined);
        const bounded = boundedLoad(placement, { loadFactor: Number.MAX_VALUE });
        for (const key of some) {
          const { node, rank } = bounded.acquire(key);
          expect(node).toBe(placement.get(key));
          expect(rank).toBe(0);
        }
      }),
      manyRuns,
    );
  });

  it('holds the load of one hot key to the factor', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        loadFactors,
        (n, m, loadFactor) => {
          const bounded = boundedLoad(new Rendezvous(Array.from({ length: n }, (_, i) => String(i))), { loadFactor });
          for (let i = 0; i < m; i++) bounded.acquire('hot');
          const most = Math.max(...bounded.stats().nodes.map(({ inFlight }) => inFlight));
          expect(most).toBeLessThanOrEqual(Math.ceil((loadFactor * m) / n));
        },
      ),
      manyRuns,
    );
  });
});
