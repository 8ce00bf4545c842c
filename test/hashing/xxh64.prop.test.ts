import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { pureXxh64 } from '../../src/hashing/xxh64-pure.ts';
import { wasmXxh64 } from '../../src/hashing/xxh64-wasm.ts';
import { runs } from '../support/properties.ts';
import { digest, seeds } from './support.ts';

const wasm = wasmXxh64()!;
/** Every remainder of the block length, and the lengths around the room in the module's memory. */
const lengths = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_279, 65_280, 65_281, 130_560, 130_561) },
);
const bytes = fc
  .tuple(lengths, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 255 }))
  .map(([length, start, step]) => Uint8Array.from({ length }, (_, i) => (start + i * step) & 255));

describe('XXH64', () => {
  let oracle: Awaited<ReturnType<typeof xxhash>>;
  beforeAll(async () => {
    oracle = await xxhash();
  });

  it('equals xxhash-wasm for any bytes and any seed, in both engines', () => {
    fc.assert(
      fc.property(bytes, seeds, (key, seed) => {
        const expected = oracle.h64Raw(key, seed);
        expect(digest(wasm, key, seed)).toBe(expected);
        expect(digest(pureXxh64, key, seed)).toBe(expected);
      }),
      { numRuns: runs(10) },
    );
  });

  it('is the same for a string and its UTF-8 bytes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ maxLength: 30 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((s) => s.repeat(22_000)),
    );
    fc.assert(
      fc.property(text, seeds, (key, seed) => {
        const expected = digest(wasm, new TextEncoder().encode(key), seed);
        expect(digest(wasm, key, seed)).toBe(expected);
        expect(digest(pureXxh64, key, seed)).toBe(expected);
      }),
      { numRuns: runs(10) },
    );
  });

  it('equals xxhash-wasm at every length where the way of hashing changes', () => {
    // Of stripes, of short strings, and of the room in the module's memory, in bytes and in characters of up to three.
    const edges = [...Array(70).keys(), 21_759, 21_760, 21_761, 65_279, 65_280, 65_281, 130_559, 130_560, 130_561];
    for (const length of edges) {
      const key = Uint8Array.from({ length }, (_, i) => (7 * i) & 127);
      const expected = oracle.h64Raw(key, 3n);
      for (const hash of [wasm, pureXxh64]) {
        expect(digest(hash, key, 3n)).toBe(expected);
        expect(digest(hash, new TextDecoder().decode(key), 3n)).toBe(expected);
      }
      if (length > 0) {
        const wide = '€'.repeat(length);
        expect(digest(wasm, wide)).toBe(oracle.h64(wide));
      }
    }
  });

  it('equals xxhash-wasm wherever in a short string the one character is that is not ASCII', () => {
    for (let length = 1; length <= 34; length++)
      for (let at = 0; at < length; at++)
        for (const odd of ['\u007f', '\u0080', 'é', '€']) {
          const text = 'x'.repeat(at) + odd + 'y'.repeat(length - at - 1);
          expect(digest(wasm, text)).toBe(oracle.h64(text));
        }
  });

  it('of one key does not depend on the keys hashed before', () => {
    fc.assert(
      fc.property(bytes, bytes, seeds, (before, key, seed) => {
        const alone = digest(wasm, key, seed);
        digest(wasm, before, seed);
        expect(digest(wasm, key, seed)).toBe(alone);
      }),
      { numRuns: runs(10) },
    );
  });
});
