import { isBytes } from '../core/bytes.ts';
import type { Hasher } from './hasher.ts';
import { notAKey } from './key.ts';
import { pureXxh64 } from './xxh64-pure.ts';
import { wasmXxh64 } from './xxh64-wasm.ts';

let engine: Hasher['hash'] | undefined;

/**
 * XXH64, the default hasher: synchronous, seeded, fast enough that a lookup is mostly its cost.
 *
 * Promises: bit for bit XXH64, on every platform; a key of any length; no allocation for
 * bytes that fit into the module's room (65,280) or for ASCII strings of up to 32 characters, and none of a digest ever. The work is
 * done by the WebAssembly module of `xxhash-wasm`, compiled at the first hash (about a millisecond, once), and where the
 * platform refuses WebAssembly by TypeScript with the same digests. Does not promise safety against keys that an enemy
 * has chosen: XXH64 is not a keyed hash.
 *
 * Complexity: O(length of the key).
 *
 * Source: {@link https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md | the specification of xxHash}, XXH64.
 *
 * @example
 * ```ts
 * import { xxh64 } from 'holdfast/hashing';
 *
 * const digest = new Uint32Array(2);
 * xxh64.hash('abc', 0, 0, digest);
 * digest[1]?.toString(16) // => '44bc2cf5'
 * digest[0]?.toString(16) // => 'ad770999'
 * ```
 */
export const xxh64: Hasher = {
  name: 'xxh64',
  hash(key, seedLow, seedHigh, out) {
    // Here and not beside the call of WebAssembly: there the throw crashed V8 11.3 (Node 20) once the code was optimised,
    // and not with --no-turbo-inline-js-wasm-calls.
    if (typeof key !== 'string' && !isBytes(key)) throw notAKey(key);
    engine ??= wasmXxh64() ?? pureXxh64;
    engine(key, seedLow, seedHigh, out);
  },
};
