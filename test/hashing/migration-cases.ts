import fc from 'fast-check';
import { type Hasher, HashRing, type Key, type MigrationPlan, SlotTable, xxh64 } from 'holdfast/hashing';
import { hashers, members, seeds } from './support.ts';

/** Two placements over one key space, and how to ask it anywhere. */
export interface Pair {
  readonly before: HashRing | SlotTable;
  readonly after: HashRing | SlotTable;
  /** A key that lies at a position of the ring, or in the slot that has it. */
  readonly keyAt: (position: number) => Key;
}

export const circumference: number = 2 ** 53;

/** A key that an aiming hasher puts at a position. */
export const aimed = (position: number): string => `@${String(position)}`;

/** Hashes as another, but for keys that name their position. */
function aiming(hasher: Hasher): Hasher {
  return {
    name: `aiming ${hasher.name}`,
    hash(key, seedLow, seedHigh, out) {
      hasher.hash(key, seedLow, seedHigh, out);
      const position = typeof key === 'string' ? /^@(\d+)$/.exec(key)?.[1] : undefined;
      if (position === undefined) return;
      out[1] = Math.floor(Number(position) / 2 ** 21);
      out[0] = (Number(position) % 2 ** 21) * 2 ** 11;
    },
  };
}

const light = members.map((nodes) => nodes.map(({ id, weight = 1 }) => ({ id, weight: Math.min(weight, 4) })));

/** As memberships change: at random, by one node, by one weight, not at all. */
const memberships = fc.oneof(
  fc.tuple(light, light),
  light.filter((nodes) => nodes.length > 0).map((nodes) => [nodes.slice(1), nodes] as const),
  light.filter((nodes) => nodes.length > 0).map((nodes) => [nodes, nodes.slice(1)] as const),
  fc
    .tuple(light, fc.nat(), fc.constantFrom(0, 0.5, 3))
    .map(
      ([nodes, pick, weight]) =>
        [nodes, nodes.map((node, i) => (i === pick % nodes.length ? { ...node, weight } : node))] as const,
    ),
  light.map((nodes) => [nodes, nodes] as const),
);

const rings: fc.Arbitrary<Pair> = fc
  .record({
    memberships,
    seed: seeds,
    hasher: hashers,
    vnodes: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })),
  })
  .map(({ memberships: [was, is], seed, hasher, vnodes: [few, others] }) => {
    const options = { seed, hasher: aiming(hasher) };
    return {
      before: new HashRing(was, { ...options, vnodes: few }),
      after: new HashRing(is, { ...options, vnodes: others }),
      keyAt: aimed,
    };
  });

const tables: fc.Arbitrary<Pair> = fc
  .record({ memberships, seed: seeds, hasher: hashers, slots: fc.constantFrom(16, 64, 256) })
  .map(({ memberships: [was, is], seed, hasher, slots }) => {
    const options = { seed, hasher: aiming(hasher), slots };
    return {
      before: new SlotTable(was, options),
      after: new SlotTable(is, options),
      keyAt: (slot) => aimed((slot / slots) * circumference),
    };
  });

/** Rings under the real hash and under one of eight digests, where nodes fall together; slot tables alike. */
export const pairs: fc.Arbitrary<Pair> = fc.oneof({ weight: 2, arbitrary: rings }, { weight: 1, arbitrary: tables });

/** The first and the last place of each move, the places next to it, and both ends of the whole. */
export function edgesOf({ moves, size }: MigrationPlan): number[] {
  const edges = moves.flatMap(({ from, to }) => [from - 1, from, to - 1, to]);
  return [0, ...edges, size - 1].filter((place) => place >= 0 && place < size);
}

/** A ring of equal nodes a, b, c, … */
export const ringOf = (count: number, hasher: Hasher = aiming(xxh64)): HashRing =>
  new HashRing(
    Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i)),
    { hasher },
  );
