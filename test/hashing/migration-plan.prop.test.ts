import fc from 'fast-check';
import { planMigration, type PlacementNode } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { edgesOf, type Pair, pairs } from './migration-cases.ts';
import { ids, keys, weights } from './support.ts';

const manyRuns = { numRuns: runs(10) };
const someKeys = fc.array(keys, { minLength: 1, maxLength: 12 });
const positions = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 12 });

/** Half the sum of what two distributions differ by; nobody is one more node. */
function distance(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): number {
  const nobody = (shares: ReadonlyMap<string, number>): number => 1 - [...shares.values()].reduce((a, b) => a + b, 0);
  let sum = Math.abs(nobody(one) - nobody(other));
  for (const id of new Set([...one.keys(), ...other.keys()]))
    sum += Math.abs((one.get(id) ?? 0) - (other.get(id) ?? 0));
  return sum / 2;
}

function weightShares(nodes: ReadonlyMap<string, PlacementNode>): Map<string, number> {
  const total = [...nodes.values()].reduce((sum, { weight = 1 }) => sum + weight, 0);
  return new Map([...nodes.values()].map(({ id, weight = 1 }) => [id, total === 0 ? 0 : weight / total]));
}

/** Places to ask at: every edge, and some positions anywhere. */
const placesOf = ({ before, after }: Pair, anywhere: readonly number[]): number[] => {
  const plan = planMigration(before, after);
  return [...edgesOf(plan), ...anywhere.map((position) => position % plan.size)];
};

describe('planMigration', () => {
  it('applied to the placement before is the placement after: for any key, at every edge, and for nothing else', () => {
    fc.assert(
      fc.property(pairs, someKeys, positions, (pair, some, anywhere) => {
        const { before, after, keyAt } = pair;
        const plan = planMigration(before, after);
        for (const key of [...some, ...placesOf(pair, anywhere).map(keyAt)]) {
          const [was, is] = [before.get(key), after.get(key)];
          const move = plan.moveOf(key);
          const place = plan.placeOf(key);
          const right =
            move === undefined
              ? was?.id === is?.id
              : was?.id !== is?.id &&
                move.source === (was && (after.nodes.get(was.id) ?? was)) &&
                move.target === is &&
                move.from <= place &&
                place < move.to;
          // One comparison a key: there are thousands a run.
          if (!right || plan.moveAt(place) !== move) expect({ key, place, was, is, move }).toBe('consistent');
        }
      }),
      manyRuns,
    );
  });

  it('finds the place of a key where the key was put', () => {
    fc.assert(
      fc.property(pairs, positions, (pair, anywhere) => {
        const plan = planMigration(pair.before, pair.after);
        const places = placesOf(pair, anywhere);
        expect(places.map((place) => plan.placeOf(pair.keyAt(place)))).toEqual(places);
      }),
      manyRuns,
    );
  });

  it('lists moves ascending, disjoint, not empty; ranges that could be one are one, slots are each their own', () => {
    fc.assert(
      fc.property(pairs, ({ before, after }) => {
        const { moves, size, unit } = planMigration(before, after);
        for (const [i, move] of moves.entries()) {
          const last = moves[i - 1];
          expect(Number.isInteger(move.from) && Number.isInteger(move.to)).toBe(true);
          expect(move.from).toBeGreaterThanOrEqual(last?.to ?? 0);
          expect(move.to).toBeGreaterThan(move.from);
          expect(move.to).toBeLessThanOrEqual(size);
          expect(move.source?.id).not.toBe(move.target?.id);
          if (unit === 'slot') expect(move.to).toBe(move.from + 1);
          else if (last?.to === move.from)
            expect([last.source?.id, last.target?.id]).not.toEqual([move.source?.id, move.target?.id]);
        }
      }),
      manyRuns,
    );
  });

  it('moves the sum of its moves: as much as each node gains or loses', () => {
    fc.assert(
      fc.property(pairs, ({ before, after }) => {
        const plan = planMigration(before, after);
        const { moves, size, fraction, bySource, byTarget } = plan;
        // Whole numbers below 2^53 over a power of two: exact in any order.
        expect(fraction).toBe(moves.reduce((sum, { from, to }) => sum + (to - from), 0) / size);
        expect(fraction).toBe(moves.reduce((sum, move) => sum + move.fraction, 0));
        const sum = (side: 'source' | 'target', id: string): number =>
          moves.reduce((all, move) => all + (move[side]?.id === id ? move.fraction : 0), 0);
        const [was, is] = [before.ownership(), after.ownership()];
        for (const id of new Set([...was.keys(), ...is.keys()])) {
          expect(bySource.get(id) ?? 0).toBe(sum('source', id));
          expect(byTarget.get(id) ?? 0).toBe(sum('target', id));
          const gained = (byTarget.get(id) ?? 0) - (bySource.get(id) ?? 0);
          expect(gained).toBeCloseTo((is.get(id) ?? 0) - (was.get(id) ?? 0), 12);
        }
        for (const [id, share] of [...bySource, ...byTarget]) {
          expect(was.has(id) || is.has(id)).toBe(true);
          expect(share).toBeGreaterThan(0);
        }
      }),
      manyRuns,
    );
  });

  it('never moves less than the ownerships ask for, nor than the weights but for what ownership differs from them', () => {
    fc.assert(
      fc.property(pairs, ({ before, after }) => {
        const { fraction, lowerBound } = planMigration(before, after);
        const [was, is] = [before.ownership(), after.ownership()];
        const [asked, nowAsked] = [weightShares(before.nodes), weightShares(after.nodes)];
        expect(lowerBound).toBeCloseTo(distance(asked, nowAsked), 12);
        expect(fraction).toBeGreaterThanOrEqual(distance(was, is) - 1e-12);
        expect(fraction).toBeGreaterThanOrEqual(lowerBound - distance(was, asked) - distance(is, nowAsked) - 1e-12);
      }),
      manyRuns,
    );
  });

  it('moves to a newcomer alone, and exactly its share; back the same way when it leaves', () => {
    fc.assert(
      fc.property(pairs, ids, weights, ({ before }, id, weight) => {
        fc.pre(!before.nodes.has(id) && [...before.nodes.values()].some((node) => node.weight !== 0));
        const after = before.with({ id, weight: Math.min(weight, 4) });
        const plan = planMigration(before, after);
        for (const { target } of plan.moves) expect(target).toBe(after.nodes.get(id));
        expect(plan.fraction).toBeCloseTo(after.ownership().get(id)!, 12);
        const turned = plan.moves.map(({ source, target, ...move }) => ({ ...move, source: target, target: source }));
        expect(planMigration(after, before).moves).toEqual(turned);
      }),
      manyRuns,
    );
  });

  it('is empty between placements that answer alike', () => {
    fc.assert(
      fc.property(pairs, ({ before }) => {
        const others = [...before.nodes.values()].map((node) => ({ ...node, zone: 'moved' }));
        for (const same of [before, before.with(), before.with(...others)]) {
          const plan = planMigration(before, same);
          expect(plan.moves).toEqual([]);
          expect(plan.fraction).toBe(0);
          expect(plan.lowerBound).toBe(0);
          expect(plan.batches({ perNode: 1 })).toEqual([]);
        }
      }),
      manyRuns,
    );
  });

  it('batches every move once, no node more often than allowed, and fewer than twice what the busiest needs', () => {
    fc.assert(
      fc.property(pairs, fc.integer({ min: 1, max: 5 }), ({ before, after }, perNode) => {
        const plan = planMigration(before, after);
        const batches = plan.batches({ perNode });
        const inOrder = batches.flat().sort((a, b) => a.from - b.from);
        expect(inOrder).toEqual(plan.moves);
        const count = (moves: typeof plan.moves): Map<string, number> => {
          const loads = new Map<string, number>();
          for (const { source, target } of moves)
            for (const node of [source, target])
              if (node !== undefined) loads.set(node.id, (loads.get(node.id) ?? 0) + 1);
          return loads;
        };
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(Math.max(...count(batch).values())).toBeLessThanOrEqual(perNode);
        }
        const busiest = Math.max(0, ...count(plan.moves).values());
        expect(batches.length).toBeLessThanOrEqual(Math.max(0, 2 * Math.ceil(busiest / perNode) - 1));
        expect(planMigration(before, after).batches({ perNode })).toEqual(batches);
      }),
      manyRuns,
    );
  });
});
