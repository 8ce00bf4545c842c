/** @internal A key of 128 bits as four little-endian words. */
export type SipKey = Int32Array;

/** The four 64-bit registers as low and high halves: v0, v1, v2, v3. */
const state: Int32Array = new Int32Array(8);

/**
 * @internal SipHash-c-d in 32-bit halves. O(length), no allocation.
 *
 * @param length - how many of the bytes to hash
 * @param compressions - c, rounds for each eight bytes
 * @param finalizations - d, rounds at the end
 * @param out - receives the digest: low half, high half
 */
export function sipHash(
  key: SipKey,
  bytes: Uint8Array,
  length: number,
  compressions: number,
  finalizations: number,
  out: Uint32Array,
): void {
  const [k0, k1, k2, k3] = [key[0]!, key[1]!, key[2]!, key[3]!];
  state[0] = k0 ^ 0x70736575;
  state[1] = k1 ^ 0x736f6d65;
  state[2] = k2 ^ 0x6e646f6d;
  state[3] = k3 ^ 0x646f7261;
  state[4] = k0 ^ 0x6e657261;
  state[5] = k1 ^ 0x6c796765;
  state[6] = k2 ^ 0x79746573;
  state[7] = k3 ^ 0x74656462;
  const whole = length - (length % 8);
  for (let at = 0; at < whole; at += 8) absorb(word(bytes, at, at + 4), word(bytes, at + 4, at + 8), compressions);
  const last = Math.min(whole + 4, length);
  absorb(word(bytes, whole, last), word(bytes, last, length) | (length << 24), compressions);
  state[4] ^= 0xff;
  rounds(finalizations);
  out[0] = state[0] ^ state[2] ^ state[4] ^ state[6];
  out[1] = state[1] ^ state[3] ^ state[5] ^ state[7];
}

function absorb(low: number, high: number, compressions: number): void {
  state[6]! ^= low;
  state[7]! ^= high;
  rounds(compressions);
  state[0]! ^= low;
  state[1]! ^= high;
}

/** Up to four bytes, little-endian. */
function word(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = to - 1; i >= from; i--) value = (value << 8) | bytes[i]!;
  return value;
}

function rounds(count: number): void {
  let v0 = state[0]!;
  let h0 = state[1]!;
  let v1 = state[2]!;
  let h1 = state[3]!;
  let v2 = state[4]!;
  let h2 = state[5]!;
  let v3 = state[6]!;
  let h3 = state[7]!;
  let was: number;
  for (let i = 0; i < count; i++) {
    // v0 += v1; v1 = rotate(v1, 13) ^ v0; v0 = rotate(v0, 32)
    was = v0;
    v0 = (v0 + v1) | 0;
    h0 = (h0 + h1 + carry(v0, was)) | 0;
    was = v1;
    v1 = ((v1 << 13) | (h1 >>> 19)) ^ v0;
    h1 = ((h1 << 13) | (was >>> 19)) ^ h0;
    was = v0;
    v0 = h0;
    h0 = was;
    // v2 += v3; v3 = rotate(v3, 16) ^ v2
    was = v2;
    v2 = (v2 + v3) | 0;
    h2 = (h2 + h3 + carry(v2, was)) | 0;
    was = v3;
    v3 = ((v3 << 16) | (h3 >>> 16)) ^ v2;
    h3 = ((h3 << 16) | (was >>> 16)) ^ h2;
    // v0 += v3; v3 = rotate(v3, 21) ^ v0
    was = v0;
    v0 = (v0 + v3) | 0;
    h0 = (h0 + h3 + carry(v0, was)) | 0;
    was = v3;
    v3 = ((v3 << 21) | (h3 >>> 11)) ^ v0;
    h3 = ((h3 << 21) | (was >>> 11)) ^ h0;
    // v2 += v1; v1 = rotate(v1, 17) ^ v2; v2 = rotate(v2, 32)
    was = v2;
    v2 = (v2 + v1) | 0;
    h2 = (h2 + h1 + carry(v2, was)) | 0;
    was = v1;
    v1 = ((v1 << 17) | (h1 >>> 15)) ^ v2;
    h1 = ((h1 << 17) | (was >>> 15)) ^ h2;
    was = v2;
    v2 = h2;
    h2 = was;
  }
  state[0] = v0;
  state[1] = h0;
  state[2] = v1;
  state[3] = h1;
  state[4] = v2;
  state[5] = h2;
  state[6] = v3;
  state[7] = h3;
}

/** Of an addition of low halves: 1 when the sum is less than what it began with. */
function carry(sum: number, was: number): number {
  return sum >>> 0 < was >>> 0 ? 1 : 0;
}
