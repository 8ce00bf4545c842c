import { isBytes } from '../core/bytes.ts';
import { bytesOf, type Key, notAKey } from './key.ts';

/** CRC-16/XMODEM by bytes: polynomial 0x1021, nothing reflected. */
const table: Uint16Array = /* @__PURE__ */ crcTable();

/** @internal How many slots a Redis Cluster has. */
export const redisSlots = 16_384;

/**
 * The slot of a key in a Redis Cluster: CRC-16/XMODEM of the key modulo 16,384, or of its hash tag alone. The tag is what
 * stands between the first `{` and the next `}`, unless that is nothing: keys with one tag share a slot.
 *
 * Complexity: O(length of the key); a string is encoded first.
 *
 * Source: {@link https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ | Redis cluster specification}.
 *
 * @param key - string or bytes
 * @returns from 0 to 16,383
 * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
 * @example
 * ```ts
 * import { redisSlot } from 'holdfast/hashing';
 *
 * redisSlot('somekey') // => 11058
 * redisSlot('{user1}.following') === redisSlot('{user1}.followers') // => true
 * ```
 */
export function redisSlot(key: Key): number {
  if (typeof key !== 'string' && !isBytes(key)) throw notAKey(key);
  const bytes = bytesOf(key);
  const open = bytes.indexOf(0x7b);
  const close = open < 0 ? -1 : bytes.indexOf(0x7d, open + 1);
  const tagged = close > open + 1;
  let crc = 0;
  for (let i = tagged ? open + 1 : 0, end = tagged ? close : bytes.length; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ table[(crc >>> 8) ^ bytes[i]!]!;
  }
  return crc % redisSlots;
}

function crcTable(): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    return crc;
  });
}
