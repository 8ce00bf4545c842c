import { invalid, number, readOptions, check } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import type { Key } from './key.ts';
import { settingRules, type Settings, settingsOf } from './settings.ts';

/** Options of {@link jumpHash}. */
export interface JumpHashOptions {
  /**
   * 64 bits for the hash of a key; without effect on a bigint.
   *
   * @defaultValue 0n
   */
  readonly seed?: bigint;
  /**
   * The hash of a key; without effect on a bigint.
   *
   * @defaultValue `xxh64`
   */
  readonly hasher?: Hasher;
}

const bucketsRule = number({ min: 1, max: 2 ** 31 - 1, integer: true });
const hash: Uint32Array = new Uint32Array(2);
const defaults: Settings = /* @__PURE__ */ settingsOf({});

/**
 * Jump consistent hash: one of `buckets` numbered buckets for a key, without any table.
 *
 * Promises: buckets are equally likely; from n to n + 1 buckets a key moves only to the new one, and one of n + 1 does.
 * Only the last bucket can go: it suits shards that are numbered for good, not nodes that come and go by name.
 *
 * Complexity: O(log buckets), no memory; no allocation but the hasher’s, and that of the options where there are some.
 *
 * Source: J. Lamping, E. Veach, "A fast, minimal memory, consistent hash algorithm" (2014); the same numbers as Guava's
 * `Hashing.consistentHash`.
 *
 * @param key - string or bytes, or a 64-bit hash as a bigint, which is taken as it is
 * @param buckets - how many, from 1 to 2^31 − 1
 * @param options - how a string or bytes are hashed
 * @returns from 0 to `buckets - 1`
 * @throws {@link HoldfastError} `INVALID_OPTION`; `TypeError` with that code for a key of another type
 * @example
 * ```ts
 * import { jumpHash } from 'holdfast/hashing';
 *
 * jumpHash(10863919174838991n, 11) // => 6
 * const shard = jumpHash('user:42', 10);
 * [shard, 10].includes(jumpHash('user:42', 11)) // => true
 * ```
 */
export function jumpHash(key: Key | bigint, buckets: number, options?: JumpHashOptions): number {
  check('buckets', buckets, bucketsRule);
  const { hasher, low, high } =
    options === undefined ? defaults : settingsOf(readOptions('jumpHash', options, settingRules));
  if (typeof key !== 'bigint') hasher.hash(key, low, high, hash);
  else if (key >= 0n && key < 2n ** 64n) {
    hash[0] = Number(key & 0xffff_ffffn);
    hash[1] = Number(key >> 32n);
  } else throw invalid('key', 'a hash from 0n to 2n ** 64n - 1n, a string or a Uint8Array', key);
  // As signed halves, which are never boxed on the way.
  return jump(hash[0]! | 0, hash[1]! | 0, buckets);
}

/** The multiplier of the paper's generator, 2862933555777941757, in signed halves. */
const factorLow = 0x87b0b0fd | 0;
const factorHigh = 0x27bb2ee6;

function jump(keyLow: number, keyHigh: number, buckets: number): number {
  let low = keyLow;
  let high = keyHigh;
  let bucket = 0;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    // state = state × factor + 1, modulo 2^64
    high = (upperOfProduct(low, factorLow) + Math.imul(low, factorHigh) + Math.imul(high, factorLow)) | 0;
    low = Math.imul(low, factorLow);
    low = (low + 1) | 0;
    if (low === 0) high = (high + 1) | 0;
    next = Math.floor((bucket + 1) * (2 ** 31 / ((high >>> 1) + 1)));
  }
  return bucket;
}

/** The upper half, signed, of the 64-bit product of two unsigned halves, from four products of 16 bits. */
function upperOfProduct(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const middleLow = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000)) | 0;
}
