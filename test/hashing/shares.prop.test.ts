/** Ownership and weight. That keys are sampled as they are owned, and `Rendezvous` shares exactly, the suite proves. */
import fc from 'fast-check';
import { HashRing, Maglev, type Placement, type PlacementNode, SlotTable } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { ids, seeds } from './support.ts';

/** Weights near enough to each other for even the lightest to have a share that can be judged. */
const members: fc.Arbitrary<PlacementNode[]> = fc.uniqueArray(
  fc.record({ id: ids, weight: fc.constantFrom(0, 0.5, 1, 1, 2, 3) }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
);

/** Builds placements of arbitrary members and looks at what each node owns, what its weight asks for, and the sum of weights. */
function eachShare(
  make: (nodes: readonly PlacementNode[], seed: bigint) => Placement<PlacementNode>,
  check: (owned: number, asked: number, node: { readonly weight: number; readonly total: number }) => void,
): void {
  const property = fc.property(members, seeds, (nodes, seed) => {
    const total = nodes.reduce((sum, { weight = 1 }) => sum + weight, 0);
    fc.pre(total > 0);
    const shares = make(nodes, seed).ownership();
    for (const { id, weight = 1 } of nodes) check(shares.get(id)!, weight / total, { weight, total });
  });
  fc.assert(property, { numRuns: runs(10) });
}

describe('the share of a node is that of its weight', () => {
  it('in a SlotTable within 5 standard deviations of 1,024 draws', () => {
    eachShare(
      (nodes, seed) => new SlotTable(nodes, { seed, slots: 1024 }),
      (owned, asked) => {
        // Beside it 5: a few of 1,024 are not normally distributed.
        const margin = asked === 0 ? 0 : 5 * Math.sqrt(1024 * asked * (1 - asked)) + 5;
        expect(Math.abs(owned - asked) * 1024).toBeLessThanOrEqual(margin);
      },
    );
  });

  it('in a HashRing within 5 standard deviations of that many random arcs', () => {
    eachShare(
      (nodes, seed) => new HashRing(nodes, { seed, vnodes: 100 }),
      (owned, asked, { weight, total }) => {
        // The sum of v arcs of V is Beta(v, V − v). It is skewed, like a gamma of v: 5 standard deviations upwards are more.
        const sigma = Math.sqrt((asked * (1 - asked)) / (100 * total + 1));
        const skew = weight === 0 ? 0 : (2 / Math.sqrt(100 * weight)) * (24 / 6);
        expect(Math.abs(owned - asked)).toBeLessThanOrEqual((5 + skew) * sigma + 1e-12);
      },
    );
  });

  it('in a Maglev table within a place for each node and one', () => {
    eachShare(
      (nodes, seed) => new Maglev(nodes, { seed, tableSize: 2411 }),
      (owned, asked, { weight, total }) => {
        // All have had a place in each turn of theirs when the last is given away: who is heavier is out by more.
        const places = 1 + (12 * weight) / total;
        expect(Math.abs(owned - asked) * 2411).toBeLessThanOrEqual(weight === 0 ? 0 : places);
      },
    );
  });
});
