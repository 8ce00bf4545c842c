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
