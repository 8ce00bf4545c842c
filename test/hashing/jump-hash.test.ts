import fc from 'fast-check';
import { jumpHash, xxh64 } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { draws, runs } from '../support/properties.ts';
import { digest, hashers, keys, seeds } from './support.ts';

describe('jumpHash', () => {
  it("gives Guava's buckets", () => {
    const published = [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83];
    expect(published.map((_, key) => jumpHash(BigInt(key), 100))).toEqual(published);
    expect(jumpHash(10863919174838991n, 11)).toBe(6);
    expect(jumpHash(2016238256797177309n, 11)).toBe(3);
    expect(jumpHash(1673758223894951030n, 11)).toBe(5);
  });

  it('equals the algorithm in 64-bit arithmetic', () => {
    const jump = (hash: bigint, buckets: number): number => {
      let [key, bucket, next] = [hash, 0, 0];
      for (; next < buckets;) {
        bucket = next;
        key = (key * 2862933555777941757n + 1n) % 2n ** 64n;
        next = Math.floor((bucket + 1) * (2 ** 31 / (Number(key >> 33n) + 1)));
      }
      return bucket;
    };
    for (let i = 0; i < 3000; i++) {
      // Every third has a lower half whose product ends in ones, so that the addition carries.
      const drawn = digest(xxh64.hash.bind(xxh64), `k${String(i)}`);
      const hash = i % 3 === 0 ? (drawn & ~0xffff_ffffn) | 0x666313abn : drawn;
      const buckets = [1, 2, 7, 1000, 2 ** 31 - 1][i % 5]!;
      expect(jumpHash(hash, buckets)).toBe(jump(hash, buckets));
    }
  });

  it('moves keys only to the new bucket, under a hash of eight digests too', () => {
    const buckets = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2 ** 31 - 2 }));
    fc.assert(
      fc.property(keys, seeds, hashers, buckets, (key, seed, hasher, count) => {
        const [was, is] = [jumpHash(key, count, { seed, hasher }), jumpHash(key, count + 1, { seed, hasher })];
        expect(is === was || is === count).toBe(true);
        expect(was).toBeGreaterThanOrEqual(0);
        expect(was).toBeLessThan(count);
      }),
      { numRuns: runs(10) },
    );
  });

  it('has buckets that are equally likely', () => {
    // N = 100,000 sequential names over 10 buckets: 5 standard deviations of the binomial.
    const counts = new Array<number>(10).fill(0);
    const n = draws(100_000);
    for (let i = 0; i < n; i++) counts[jumpHash(`k${String(i)}`, 10)]!++;
    for (const count of counts) expect(Math.abs(count - n / 10)).toBeLessThanOrEqual(5 * Math.sqrt(n * 0.09));
  });

  it('takes a key of a megabyte', () => {
    const long = 'k'.repeat(1_000_000);
    expect(jumpHash(long, 1000)).toBe(jumpHash(new TextEncoder().encode(long), 1000));
  });

  it('hashes strings and bytes by hasher and seed', () => {
    expect(jumpHash('abc', 1000)).toBe(jumpHash(digest(xxh64.hash.bind(xxh64), 'abc'), 1000));
    expect(jumpHash(new TextEncoder().encode('abc'), 1000, { seed: 5n })).toBe(
      jumpHash(digest(xxh64.hash.bind(xxh64), 'abc', 5n), 1000),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 31, '7'])('refuses %s buckets', (buckets) => {
    expect(() => jumpHash('k', buckets as never)).toThrow(/^buckets must be an integer from 1 to 2147483647, got /);
  });

  it('refuses what is no key', () => {
    expect(() => jumpHash(-1n, 2)).toThrow(/^key must be a hash from 0n to 2n \*\* 64n - 1n, a string or/);
    expect(() => jumpHash(2n ** 64n, 2)).toThrow('got 18446744073709551616n');
    expect(() => jumpHash(7 as never, 2)).toThrow(TypeError);
    expect(() => jumpHash('k', 2, { sed: 1n } as never)).toThrow('jumpHash has no option "sed"; it has seed, hasher');
  });
});
