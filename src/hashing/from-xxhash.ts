import { isBytes } from '../core/bytes.ts';
import { check, having } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import { notAKey } from './key.ts';

/** What `await xxhash()` of `xxhash-wasm` gives, as far as it is used. */
export interface XxhashApi {
  /** XXH64 of a string's UTF-8 bytes. */
  h64(input: string, seed?: bigint): bigint;
  /** XXH64 of bytes. */
  h64Raw(input: Uint8Array, seed?: bigint): bigint;
}

/**
 * XXH64 by an instance of `xxhash-wasm` that you have: same digests and same name as `xxh64`, so placements agree.
 *
 * Does not promise the speed of `xxh64`: each digest crosses as a `bigint`, which is allocated. The instance keeps the
 * memory that its longest key took.
 *
 * Complexity: O(length of the key).
 *
 * @param api - what `await xxhash()` gave
 * @throws {@link HoldfastError} `INVALID_OPTION` when it has not both functions
 * @example
 * ```ts
 * import xxhash from 'xxhash-wasm';
 * import { fromXxhash, Rendezvous } from 'holdfast/hashing';
 *
 * const placement = new Rendezvous(['a', 'b', 'c'], { hasher: fromXxhash(await xxhash()) });
 * placement.get('user:42')?.id === new Rendezvous(['a', 'b', 'c']).get('user:42')?.id // => true
 * ```
 */
export function fromXxhash(api: XxhashApi): Hasher {
  check('api', api, having<XxhashApi>('what await xxhash() gives', 'h64', 'h64Raw'));
  return {
    name: 'xxh64',
    hash(key, seedLow, seedHigh, out) {
      const seed = (BigInt(seedHigh) << 32n) | BigInt(seedLow);
      let digest: bigint;
      if (typeof key === 'string') digest = api.h64(key, seed);
      else if (isBytes(key)) digest = api.h64Raw(key, seed);
      else throw notAKey(key);
      out[0] = Number(digest & 0xffff_ffffn);
      out[1] = Number(digest >> 32n);
    },
  };
}
