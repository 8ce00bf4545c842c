import type { Key } from './key.ts';

/**
 * A 64-bit hash. Placement asks for it by this interface, so that a fleet may choose another.
 *
 * The digest is written to `out` as two unsigned halves (`out[0]` low, `out[1]` high) and the seed comes as two halves:
 * neither a `bigint` nor an object is made on the way of a request.
 */
export interface Hasher {
  /** Part of a placement's fingerprint: two hashers of one name must give the same digests. */
  readonly name: string;
  /**
   * Hashes one key. Must not ask the placement that it hashes for, nor `jumpHash`.
   *
   * @param key - what to hash; a string counts as its UTF-8 bytes
   * @param seedLow - low half of the 64-bit seed
   * @param seedHigh - high half of the 64-bit seed
   * @param out - receives the digest: low half, high half
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither string nor bytes
   */
  hash(key: Key, seedLow: number, seedHigh: number, out: Uint32Array): void;
}
