import { jumpHash, xxh64 } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { digest } from './support.ts';

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

  it('moves keys only to the new bucket', () => {
    for (let i = 0; i < 500; i++) {
      for (let buckets = 1; buckets < 20; buckets++) {
        const [was, is] = [jumpHash(`k${String(i)}`, buckets), jumpHash(`k${String(i)}`, buckets + 1)];
        expect(is === was || is === buckets).toBe(true);
      }
    }
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
  });
});
