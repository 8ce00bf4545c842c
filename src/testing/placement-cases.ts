import { type Hasher, type Key, type PlacementNode, xxh64 } from '../hashing/index.ts';

/** What `placementSuite` uses of an arbitrary of fast-check. */
export interface ArbitraryLike<out T> {
  /** An arbitrary of what a function makes of the values. */
  map<U>(mapper: (value: T) => U): ArbitraryLike<U>;
}

/** What `placementSuite` uses of fast-check: hand over `fc` itself. */
export interface FastCheckLike {
  /** Runs a property many times and throws for the first counterexample. */
  assert(property: unknown, parameters: { readonly numRuns: number }): unknown;
  /** A property of drawn values. */
  property(arbitrary: ArbitraryLike<unknown>, predicate: (value: never) => void): unknown;
  /** Whole numbers. */
  integer(range: { readonly min: number; readonly max: number }): ArbitraryLike<number>;
  /** Numbers. */
  double(range: { readonly min: number; readonly max: number; readonly noNaN: true }): ArbitraryLike<number>;
  /** Strings, of graphemes or of any code points. */
  string(constraints: { readonly unit: 'grapheme' | 'binary'; readonly maxLength: number }): ArbitraryLike<string>;
  /** Bytes. */
  uint8Array(constraints: { readonly maxLength: number }): ArbitraryLike<Uint8Array>;
  /** One of a few values. */
  constantFrom(...values: unknown[]): ArbitraryLike<unknown>;
  /** A value of one of a few arbitraries. */
  oneof(...arbitraries: ArbitraryLike<unknown>[]): ArbitraryLike<unknown>;
  /** Arrays of values of an arbitrary. */
  array(
    arbitrary: ArbitraryLike<unknown>,
    constraints: { readonly minLength?: number; readonly maxLength: number },
  ): ArbitraryLike<unknown[]>;
  /** Objects with a value of an arbitrary in each field. */
  record(model: Readonly<Record<string, ArbitraryLike<unknown>>>): ArbitraryLike<unknown>;
}

/** @internal What one run of a law is about. */
export interface Draw {
  readonly nodes: readonly PlacementNode[];
  readonly others: readonly PlacementNode[];
  readonly seed: bigint;
  readonly hasher: Hasher;
  readonly keys: readonly Key[];
  readonly weight: number;
  readonly pick: number;
  readonly count: number;
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

/** @internal Ids that have broken placements: of prototypes, empty, ambiguous when joined with a number, two forms of é. */
export const hostileIds: readonly string[] = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '',
  'a',
  'a#1',
  '#1',
  'a1',
  'a10',
  '\u00e9',
  'e\u0301',
  '\0',
];

/** Keys that have broken placements: of prototypes, empty, without a UTF-8 form, two forms of é, ids of nodes. */
const hostileKeys: readonly string[] = [...hostileIds, '\ud800', 'a\udfff', '\udc00\ud800', '\ufffd', '\ufeff', 'n1'];

/** @internal Arbitrary cases, ever again among few ids so that they meet. */
export function drawsBy(fc: FastCheckLike, maxWeight: number): ArbitraryLike<Draw> {
  const id = fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((n) => `n${String(n)}`),
    fc.integer({ min: 0, max: 30 }).map((n) => `n${String(n)}`),
    fc.constantFrom(...hostileIds),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  );
  const weight = fc.oneof(
    fc.constantFrom(1),
    fc.constantFrom(...[0, 0.5, 2, 3, 1e-6, 1e6].filter((w) => w <= maxWeight)),
    fc.double({ min: 0, max: maxWeight, noNaN: true }),
  );
  const zone = fc.constantFrom('a', 'b', 'c', undefined);
  const nodes = fc.array(fc.record({ id, weight, zone }), { maxLength: 12 }).map((drawn) => distinct(drawn as Raw[]));
  const key = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(...hostileKeys),
    fc.uint8Array({ maxLength: 40 }),
  );
  const half = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  return fc.record({
    nodes,
    others: nodes,
    seed: fc.record({ low: half, high: half }).map((seed) => {
      const { low, high } = seed as { low: number; high: number };
      return (BigInt(high) << 32n) | BigInt(low);
    }),
    hasher: fc.constantFrom(xxh64, threeBits),
    keys: fc.array(key, { minLength: 1, maxLength: 10 }),
    weight,
    pick: fc.integer({ min: 0, max: 1000 }),
    count: fc.integer({ min: 0, max: 14 }),
  }) as ArbitraryLike<Draw>;
}

type Raw = Readonly<Record<'id' | 'weight' | 'zone', unknown>>;

function distinct(drawn: readonly Raw[]): PlacementNode[] {
  const byId = new Map(
    drawn.map(({ id, weight, zone }) => [id, zone === undefined ? { id, weight } : { id, weight, zone }]),
  );
  return [...byId.values()] as PlacementNode[];
}
