import fc from 'fast-check';
import {
  type Hasher,
  HashRing,
  Maglev,
  type Placement,
  type PlacementNode,
  Rendezvous,
  SlotTable,
  xxh64,
} from 'holdfast/hashing';

/** A digest as one number, for comparisons and messages. */
export function digest(hash: Hasher['hash'], key: string | Uint8Array, seed = 0n): bigint {
  const out = new Uint32Array(2);
  hash(key, Number(seed & 0xffff_ffffn), Number(seed >> 32n), out);
  return (BigInt(out[1]!) << 32n) | BigInt(out[0]!);
}

/** Eight digests in all: whatever depends on digests being distinct breaks under it. */
const threeBits: Hasher = {
  name: 'three-bits',
  hash(key, seedLow, seedHigh, out) {
    xxh64.hash(key, seedLow, seedHigh, out);
    out[0] = out[0]! & 7;
    out[1] = 0;
  },
};

export const ids: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map((n) => `n${String(n)}`) },
  { weight: 1, arbitrary: fc.constantFrom('', '__proto__', 'constructor', 'toString', 'a#1', 'a', '#1', 'é', 'é') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
);

export const weights: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 3, arbitrary: fc.constantFrom(0, 0.5, 2, 3, 1e-6, 1e6) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 1e6, noNaN: true }) },
);

export const members: fc.Arbitrary<PlacementNode[]> = fc.uniqueArray(
  fc.record({ id: ids, weight: weights }).map(({ id, weight }) => ({ id, weight })),
  { selector: ({ id }) => id, maxLength: 12 },
);

export const keys: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '__proto__', 'constructor', '\ud800', 'a\udfff', '\ufffd', 'a#1', 'n1'),
  fc.uint8Array({ maxLength: 60 }),
);

export const seeds: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

export const hashers: fc.Arbitrary<Hasher> = fc.constantFrom(xxh64, threeBits);

/** Any of the four, over at most 12 nodes; small, for thousands of them are built. */
export const kinds: fc.Arbitrary<keyof typeof placed> = fc.constantFrom(
  'Rendezvous',
  'HashRing',
  'SlotTable',
  'Maglev',
);

export const placed = {
  Rendezvous: (nodes, setting) => new Rendezvous(nodes, setting),
  // A ring of points takes time by weight.
  HashRing: (nodes, setting) => new HashRing(lighter(nodes), { ...setting, vnodes: 7 }),
  SlotTable: (nodes, setting) => new SlotTable(nodes, { ...setting, slots: 32 }),
  Maglev: (nodes, setting) => new Maglev(nodes, { ...setting, tableSize: 1201 }),
} as const satisfies Record<
  string,
  (nodes: readonly PlacementNode[], setting: { seed?: bigint; hasher: Hasher }) => Placement<PlacementNode>
>;

const lighter = (nodes: readonly PlacementNode[]): PlacementNode[] =>
  nodes.map(({ weight = 1, ...node }) => ({ ...node, weight: Math.min(weight, 10) }));

/** What a function throws; undefined when it does not. */
export function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}
