import fc from 'fast-check';
import { type Hasher, type Key, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { hashers, ids, keys, members, seeds, weights, zoned } from './support.ts';

const manyRuns = { numRuns: runs(10) };
const someKeys = fc.array(keys, { minLength: 1, maxLength: 12 });
const setting = fc.record({ seed: seeds, hasher: hashers });

interface Case {
  readonly nodes: readonly PlacementNode[];
  readonly seed: bigint;
  readonly hasher: Hasher;
  readonly keys: readonly Key[];
}
const cases: fc.Arbitrary<Case> = fc
  .record({ nodes: members, setting, keys: someKeys })
  .map(({ nodes, setting: { seed, hasher }, keys: some }) => ({ nodes, seed, hasher, keys: some }));

const placed = ({ nodes, seed, hasher }: Case): Rendezvous => new Rendezvous(nodes, { seed, hasher });
const owners = (placement: Rendezvous, some: readonly Key[]): (string | undefined)[] =>
  some.map((key) => placement.get(key)?.id);
const idsOf = (nodes: readonly PlacementNode[]): string[] => nodes.map(({ id }) => id);

/** Each property runs under the real hash and under one of eight digests, where nearly everything ties. */
describe('Rendezvous', () => {
  it('answers by {id → weight} and seed alone, whatever the order and the history', () => {
    fc.assert(
      fc.property(
        cases,
        fc.array(fc.tuple(ids, weights, fc.boolean()), { maxLength: 12 }),
        fc.nat(),
        (given, steps, turn) => {
          let travelled = placed({ ...given, nodes: [] });
          for (const [id, weight, stays] of steps)
            travelled = stays ? travelled.with({ id, weight }) : travelled.without(id);
          const rotated = given.nodes.map((_, i) => given.nodes[(i + turn) % given.nodes.length]!);
          const home = travelled.without(...travelled.nodes.keys()).with(...rotated);
          const direct = placed(given);
          expect(owners(home, given.keys)).toEqual(owners(direct, given.keys));
          expect(home.fingerprint).toBe(direct.fingerprint);
          expect([...home.nodes.keys()]).toEqual([...direct.nodes.keys()]);
        },
      ),
      manyRuns,
    );
  });

  it('moves keys only to a newcomer, and back when it leaves', () => {
    fc.assert(
      fc.property(cases, ids, weights, (given, id, weight) => {
        fc.pre(!idsOf(given.nodes).includes(id));
        const before = placed(given);
        const after = before.with({ id, weight });
        for (const key of given.keys) {
          const [was, is] = [before.get(key)?.id, after.get(key)?.id];
          expect(is === was || is === id).toBe(true);
        }
        expect(owners(after.without(id), given.keys)).toEqual(owners(before, given.keys));
      }),
      manyRuns,
    );
  });

  it('moves keys only from a leaver', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (given, pick) => {
        fc.pre(given.nodes.length > 0);
        const leaver = given.nodes[pick % given.nodes.length]!.id;
        const before = placed(given);
        const after = before.without(leaver);
        for (const key of given.keys) {
          const was = before.get(key)?.id;
          if (was !== leaver) expect(after.get(key)?.id).toBe(was);
        }
      }),
      manyRuns,
    );
  });

  it('moves keys only to a node that gains weight and only from one that loses it', () => {
    fc.assert(
      fc.property(cases, fc.nat(), weights, (given, pick, weight) => {
        fc.pre(given.nodes.length > 0);
        const { id, weight: old = 1 } = given.nodes[pick % given.nodes.length]!;
        const before = placed(given);
        const after = before.withWeight(id, weight);
        for (const key of given.keys) {
          const [was, is] = [before.get(key)?.id, after.get(key)?.id];
          if (was === is) continue;
          if (weight > old) expect(is).toBe(id);
          else expect(was).toBe(id);
          expect(weight).not.toBe(old);
        }
      }),
      manyRuns,
    );
  });

  it('ranks distinct nodes with weight, the owner first, a longer list beginning with the shorter', () => {
    fc.assert(
      fc.property(cases, fc.nat({ max: 14 }), (given, count) => {
        const placement = placed(given);
        const eligible = given.nodes.filter(({ weight }) => weight !== 0).length;
        for (const key of given.keys) {
          const list = idsOf(placement.getN(key, count));
          expect(list).toHaveLength(Math.min(count, eligible));
          expect(new Set(list).size).toBe(list.length);
          expect(idsOf(placement.getN(key, count + 1)).slice(0, list.length)).toEqual(list);
          if (count > 0) expect(list[0]).toBe(placement.get(key)?.id);
        }
      }),
      manyRuns,
    );
  });

  it('ranks after a removal as before without the removed, and so does `exclude`', () => {
    fc.assert(
      fc.property(cases, fc.nat(), fc.nat({ max: 12 }), (given, pick, count) => {
        fc.pre(given.nodes.length > 0);
        const gone = given.nodes[pick % given.nodes.length]!.id;
        const placement = placed(given);
        for (const key of given.keys) {
          const expected = idsOf(placement.getN(key, count + 1))
            .filter((id) => id !== gone)
            .slice(0, count);
          expect(idsOf(placement.without(gone).getN(key, count))).toEqual(expected);
          expect(idsOf(placement.getN(key, count, { exclude: ({ id }) => id === gone }))).toEqual(expected);
        }
      }),
      manyRuns,
    );
  });

  it('spreads over zones first, still fills, and stays a prefix', () => {
    fc.assert(
      fc.property(zoned, setting, keys, fc.nat({ max: 12 }), (nodes, options, key, count) => {
        const placement = new Rendezvous(nodes, options);
        const list = placement.getN(key, count, { spread: 'zone' });
        const eligible = nodes.filter(({ weight }) => weight !== 0);
        const zones = new Set(eligible.map(({ zone }) => zone)).size;
        expect(list).toHaveLength(Math.min(count, eligible.length));
        expect(new Set(list.slice(0, zones).map(({ zone }) => zone)).size).toBe(Math.min(count, zones));
        expect(placement.getN(key, count + 1, { spread: 'zone' }).slice(0, list.length)).toEqual(list);
        if (count > 0) expect(list[0]).toBe(placement.get(key));
      }),
      manyRuns,
    );
  });

  it('owns what the weights say, exactly', () => {
    fc.assert(
      fc.property(members, (nodes) => {
        const shares = new Rendezvous(nodes).ownership();
        const total = nodes.reduce((sum, { weight = 1 }) => sum + weight, 0);
        for (const { id, weight = 1 } of nodes)
          expect(shares.get(id)).toBeCloseTo(total === 0 ? 0 : weight / total, 12);
        expect(shares.size).toBe(nodes.length);
      }),
    );
  });

  it('tells memberships, weights, seeds and hashers apart by fingerprint', () => {
    fc.assert(
      fc.property(cases, cases, (one, other) => {
        const spell = ({ nodes, seed, hasher }: Case): string =>
          JSON.stringify([hasher.name, String(seed), nodes.map(({ id, weight = 1 }) => [id, weight]).sort()]);
        expect(placed(one).fingerprint === placed(other).fingerprint).toBe(spell(one) === spell(other));
        expect(placed(one).fingerprint).toMatch(/^[0-9a-f]{16}$/);
      }),
      manyRuns,
    );
  });
});
