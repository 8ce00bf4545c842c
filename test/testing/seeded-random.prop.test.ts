/*
 * Statistics are of fixed seeds, so that they either hold or do not: N and the limit are stated with each. The limits of
 * chi-square are those that fair chance exceeds in one case of 10,000.
 */
import fc from 'fast-check';
import { xxh64 } from 'holdfast/hashing';
import { type SeededRandom, seededRandom } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { runs } from '../support/properties.ts';
import { anyText } from '../support/text.ts';
import { draw } from './draw.ts';

const anySeed = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.bigInt(), fc.string(), anyText());
const names = fc.array(anyText(5), { maxLength: 3 });
const follow = (random: SeededRandom, path: readonly string[]): SeededRandom =>
  path.reduce((stream, name) => stream.stream(name), random);

test('the same seed and names give the same sequence; any others another', () => {
  const one = fc.tuple(anySeed, names);
  const key = ([seed, path]: readonly [unknown, readonly string[]]): string =>
    JSON.stringify([typeof seed, String(seed), path]);
  fc.assert(
    fc.property(one, one, (a, b) => {
      const [first, again, other] = [a, a, b].map(([seed, path]) => draw(follow(seededRandom(seed), path), 5));
      expect(again).toEqual(first);
      if (key(a) === key(b)) expect(other).toEqual(first);
      else expect(other).not.toEqual(first);
    }),
    { numRuns: runs(3) },
  );
});

test('drawing from one stream shifts neither another nor its parent, and a stream begins at its beginning', () => {
  const order = fc.array(fc.constantFrom('root', 'a', 'b', 'a/b'), { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(anySeed, order, (seed, drawn) => {
      const root = seededRandom(seed);
      const alone = (name: string): SeededRandom => follow(seededRandom(seed), name === 'root' ? [] : name.split('/'));
      const streams = new Map<string, SeededRandom>([['root', root]]);
      const seen = new Map<string, number[]>();
      for (const name of drawn) {
        // Made when first needed, after draws of the others.
        if (!streams.has(name)) streams.set(name, follow(root, name.split('/')));
        seen.set(name, [...(seen.get(name) ?? []), streams.get(name)!()]);
      }
      for (const [name, values] of seen) expect(values).toEqual(draw(alone(name), values.length));
    }),
  );
});

test('every number is a multiple of 2^-53 in [0, 1)', () => {
  fc.assert(
    fc.property(anySeed, (seed) => {
      const odd = draw(seededRandom(seed), 200).filter((x) => !(x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53)));
      expect(odd).toEqual([]);
    }),
  );
});

/** sfc32 as PractRand defines it, in integers that do not overflow. */
function* sfc32(a: bigint, b: bigint, c: bigint): Generator<bigint, never> {
  const cut = (x: bigint): bigint => x & 0xffff_ffffn;
  for (let counter = 1n; ; counter++) {
    const out = cut(a + b + counter);
    a = b ^ (b >> 9n);
    b = cut(c + (c << 3n));
    c = cut((cut(c << 21n) | (c >> 11n)) + out);
    yield out;
  }
}

test('it is sfc32, seeded with 96 bits of XXH64, of which 15 rounds are thrown away', () => {
  fc.assert(
    fc.property(anySeed, names, (seed, path) => {
      const text = JSON.stringify([typeof seed, String(seed), ...path]);
      const digest = new Uint32Array(2);
      const state = [0, 1].flatMap((hashSeed) => {
        xxh64.hash(text, hashSeed, 0, digest);
        return [...digest];
      });
      const [a, b, c] = state.map(BigInt) as [bigint, bigint, bigint];
      const oracle = sfc32(a, b, c);
      for (let i = 0; i < 15; i++) oracle.next();
      const expected = Array.from({ length: 20 }, () => {
        const [high, low] = [oracle.next().value, oracle.next().value];
        return Number((high << 21n) | (low >> 11n)) / 2 ** 53;
      });
      expect(draw(follow(seededRandom(seed), path), 20)).toEqual(expected);
    }),
  );
});

describe('statistics', () => {
  const n = 200_000;
  /** Σ (observed − expected)² / expected over equally likely cells. */
  const chiSquare = (cells: readonly number[]): number => {
    const expected = cells.reduce((sum, count) => sum + count, 0) / cells.length;
    return cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  };
  const count = (size: number, indexes: Iterable<number>): readonly number[] => {
    const cells = new Array<number>(size).fill(0);
    for (const i of indexes) cells[i]! += 1;
    return cells;
  };
  const correlation = (xs: readonly number[], ys: readonly number[]): number => {
    const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
    const [mx, my] = [mean(xs), mean(ys)];
    const covariance = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0);
    const spread = (values: readonly number[], m: number): number =>
      Math.sqrt(values.reduce((sum, x) => sum + (x - m) ** 2, 0));
    return covariance / (spread(xs, mx) * spread(ys, my));
  };

  const seeds = [1, 2n, 'three'] as const;

  test.each(seeds)('seed %s: uniform, N = 200,000, 100 cells, χ² < 161.3', (seed) => {
    const xs = draw(seededRandom(seed), n);
    expect(
      chiSquare(
        count(
          100,
          xs.map((x) => Math.floor(x * 100)),
        ),
      ),
    ).toBeLessThan(161.3);
    // σ of the mean is 1/√(12 N); 4 σ.
    expect(Math.abs(xs.reduce((sum, x) => sum + x, 0) / n - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
  });

  test.each(seeds)('seed %s: so are the low bits, N = 200,000, 100 cells, χ² < 161.3', (seed) => {
    const low = draw(seededRandom(seed), n).map((x) => Math.floor(((x * 2 ** 32) % 1) * 100));
    expect(chiSquare(count(100, low))).toBeLessThan(161.3);
  });

  test.each(seeds)('seed %s: neighbours are independent, N = 100,000 pairs, 10 × 10 cells, χ² < 161.3', (seed) => {
    const random = seededRandom(seed);
    const pairs = Array.from({ length: n / 2 }, () => Math.floor(random() * 10) * 10 + Math.floor(random() * 10));
    expect(chiSquare(count(100, pairs))).toBeLessThan(161.3);
  });

  test('streams are independent of each other and of their parent: N = 50,000, |r| < 4.5/√N, for all 21 pairs', () => {
    const size = 50_000;
    const root = seededRandom(7);
    const all = [root, ...['a', 'b', 'net:a>b', 'net:b>a'].map((name) => root.stream(name))];
    all.push(root.stream('a').stream('b'), seededRandom(8));
    const sequences = all.map((random) => draw(random, size));
    for (const [i, xs] of sequences.entries()) {
      for (const ys of sequences.slice(i + 1)) {
        expect(Math.abs(correlation(xs, ys))).toBeLessThan(4.5 / Math.sqrt(size));
      }
    }
  });

  test('the first numbers of numbered streams are uniform: N = 20,000 streams, 100 cells, χ² < 161.3', () => {
    const root = seededRandom(9);
    const firsts = Array.from({ length: 20_000 }, (_, i) => root.stream(String(i))());
    expect(
      chiSquare(
        count(
          100,
          firsts.map((x) => Math.floor(x * 100)),
        ),
      ),
    ).toBeLessThan(161.3);
    expect(Math.abs(correlation(firsts.slice(1), firsts.slice(0, -1)))).toBeLessThan(4.5 / Math.sqrt(20_000));
  });
});
