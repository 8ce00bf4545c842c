import { isInvalidOption } from 'holdfast/core';
import {
  fromXxhash,
  type Hasher,
  HashRing,
  Maglev,
  type Placement,
  type PlacementNode,
  Rendezvous,
  sipHash13,
  SlotTable,
  xxh64,
} from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { sipHash } from '../../src/hashing/siphash-core.ts';
import { digest } from './support.ts';

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${String(i)}`);

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const of = (hasher: { hash: typeof xxh64.hash }): typeof xxh64.hash => hasher.hash.bind(hasher);

describe('sipHash13', () => {
  // Of the messages 0, 1, 2, … of these lengths, as the Rust standard library's tests publish them.
  it.each([
    [0, 0xabac0158050fc4dcn],
    [1, 0xc9f49bf37d57ca93n],
    [7, 0xd3927d989bb11140n],
    [8, 0x369095118d299a8en],
    [9, 0x25a48eb36c063de4n],
    [15, 0xd320d86d2a519956n],
    [16, 0xcc4fdd1a7d908b66n],
    [63, 0x9d199062b7bbb3a8n],
  ])('gives the published digest of %i bytes', (length, published) => {
    expect(digest(of(sipHash13(key)), message(length))).toBe(published);
    expect(digest(of(sipHash13([0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c])), message(length))).toBe(published);
  });

  it.each([
    [0, 0x726fdb47dd0e0e31n],
    [1, 0x74f839c593dc67fdn],
    [15, 0xa129ca6149be45e5n],
    [63, 0x958a324ceb064572n],
  ])('is made of rounds that give the digest of %i bytes by SipHash-2-4', (length, published) => {
    const out = new Uint32Array(2);
    sipHash(Int32Array.from(new Uint32Array(key.buffer)), message(length), length, 2, 4, out);
    expect((BigInt(out[1]!) << 32n) | BigInt(out[0]!)).toBe(published);
  });

  it('agrees with the hash of bytes of CPython under a key of zeros', () => {
    expect(digest(of(sipHash13([0, 0, 0, 0])), message(5))).toBe(0x5abe2169dff36275n);
    expect(digest(of(sipHash13([0, 0, 0, 0])), message(19))).toBe(0x091f4a3329f87d19n);
  });

  it('is the same for a string and its UTF-8 bytes, of any length', () => {
    const hash = of(sipHash13(key));
    for (const text of ['', 'abc', 'é', 'x'.repeat(22), 'x'.repeat(23), 'é'.repeat(1365), 'é'.repeat(1366), '\ud800']) {
      expect(digest(hash, text, 3n)).toBe(digest(hash, new TextEncoder().encode(text), 3n));
    }
  });

  it('has a hash of its own for each seed and each key, in whatever turn they are asked', () => {
    const [one, other] = [of(sipHash13(key)), of(sipHash13([1, 2, 3, 4]))];
    const asked = [0n, 1n, 2n ** 32n + 1n, 2n ** 64n - 1n].flatMap((seed) => [
      digest(one, 'k', seed),
      digest(other, 'k', seed),
    ]);
    expect(new Set(asked).size).toBe(8);
    expect(digest(one, 'k', 1n)).toBe(asked[2]);
    expect(digest(one, 'k')).toBe(asked[0]);
  });

  it('has them of more seeds than it keeps at hand, and of each half of a seed', () => {
    const seeds = Array.from({ length: 30 }, (_, i) => BigInt(i % 2) * 2n ** 32n + BigInt(i >> 1));
    const fresh = seeds.map((seed) => digest(of(sipHash13(key)), 'k', seed));
    expect(new Set(fresh).size).toBe(30);
    const hash = of(sipHash13(key));
    for (const some of [seeds, seeds.toReversed(), seeds])
      for (const seed of some) expect(digest(hash, 'k', seed)).toBe(fresh[seeds.indexOf(seed)]);
  });

  it('takes the greatest words, and bytes that are a view into others', () => {
    const most = 2 ** 32 - 1;
    const bytes = new Uint8Array(20).fill(255, 2, 18);
    expect(sipHash13([most, most, most, most]).name).toBe(sipHash13(bytes.subarray(2, 18)).name);
    expect(sipHash13([0, 0, 0, 0]).name).toBe(sipHash13(new Uint8Array(16)).name);
  });

  it('has a name that tells keys apart and does not tell the key', () => {
    const names = [sipHash13(key), sipHash13([1, 2, 3, 4]), sipHash13([1, 2, 3, 5])].map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    expect(sipHash13(key.slice()).name).toBe(names[0]);
    for (const name of names) expect(name).toMatch(/^siphash13:[0-9a-f]{16}$/);
    expect(JSON.stringify(sipHash13([1, 2, 3, 4]))).toBe(JSON.stringify({ name: names[1] }));
  });

  it('is not changed by a change of the array that was given', () => {
    const given = key.slice();
    const hash = of(sipHash13(given));
    given.fill(0);
    expect(digest(hash, message(0))).toBe(0xabac0158050fc4dcn);
  });

  it.each([
    [new Uint8Array(15)],
    [new Uint8Array(17)],
    [[1, 2, 3]],
    [[1, 2, 3, -1]],
    [[1, 2, 3, 2 ** 32]],
    [[1, 2, 3, 0.5]],
    [[1, 2, 3, '4']],
    [[1, 2, 3, 4, 5]],
    [{ length: 4 }],
    [new Uint16Array(16)],
    ['secret'],
    [null],
  ])('refuses the key, case %#, without telling it', (bad) => {
    const make = (): unknown => sipHash13(bad as never);
    expect(make).toThrow(/^key must be a Uint8Array of 16 bytes or four whole numbers from 0 to 2\^32 - 1, got "\w+"$/);
    expect(make).not.toThrow(/secret/);
  });

  it('refuses what is no key to hash', () => {
    expect(() => digest(of(sipHash13(key)), 7 as never)).toThrow(/^key must be a string or a Uint8Array, got 7$/);
  });
});

describe('fromXxhash', () => {
  it('is XXH64 for strings and bytes, under any seed', async () => {
    const adapted = fromXxhash(await xxhash());
    for (const text of ['', 'abc', 'é', 'x'.repeat(1000)]) {
      for (const seed of [0n, 1n, 2n ** 64n - 1n]) {
        expect(digest(of(adapted), text, seed)).toBe(digest(of(xxh64), text, seed));
        expect(digest(of(adapted), new TextEncoder().encode(text), seed)).toBe(digest(of(xxh64), text, seed));
      }
    }
    expect(new HashRing(['a'], { hasher: adapted }).fingerprint).toBe(new HashRing(['a']).fingerprint);
    expect(() => digest(of(adapted), 7 as never)).toThrow(TypeError);
  });

  it('refuses what xxhash-wasm does not give', () => {
    for (const api of [undefined, {}, { h64: () => 0n }, xxhash]) {
      try {
        fromXxhash(api as never);
        expect.unreachable();
      } catch (error) {
        expect(isInvalidOption(error)).toBe(true);
        expect((error as Error).message).toMatch(/^api must be what await xxhash\(\) gives, got /);
      }
    }
  });
});

describe('a hasher that asks other placements', () => {
  const counted = (make: (hasher: Hasher) => Placement<PlacementNode>): Placement<PlacementNode> => {
    const other = make(xxh64);
    return make({
      name: xxh64.name,
      hash(key, low, high, out) {
        xxh64.hash(key, low, high, out);
        other.get('requests'); // a sharded counter, say
      },
    });
  };

  it.each<[string, (hasher: Hasher) => Placement<PlacementNode>]>([
    ['Rendezvous', (hasher) => new Rendezvous(named(7), { hasher })],
    ['HashRing', (hasher) => new HashRing(named(7), { hasher })],
    ['Maglev', (hasher) => new Maglev(named(7), { hasher, tableSize: 1009 })],
    ['SlotTable', (hasher) => new SlotTable(named(7), { hasher })],
  ])('gives the owners that it gave: %s', (_, make) => {
    const [plain, busy] = [make(xxh64), counted(make)];
    for (let i = 0; i < 1_000; i++) expect(busy.get(String(i))?.id).toBe(plain.get(String(i))?.id);
  });
});
