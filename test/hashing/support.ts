import fc from 'fast-check';
import type { Hasher } from 'holdfast/hashing';

/** A digest as one number, for comparisons and messages. */
export function digest(hash: Hasher['hash'], key: string | Uint8Array, seed = 0n): bigint {
  const out = new Uint32Array(2);
  hash(key, Number(seed & 0xffff_ffffn), Number(seed >> 32n), out);
  return (BigInt(out[1]!) << 32n) | BigInt(out[0]!);
}

export const seeds: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
