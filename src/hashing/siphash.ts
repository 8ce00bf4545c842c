import { isBytes } from '../core/bytes.ts';
import { invalid } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import { type Key, notAKey } from './key.ts';
import { sipHash, type SipKey } from './siphash-core.ts';

/** Keys of strings are encoded into this; longer ones into room of their own. */
const room: Uint8Array = new Uint8Array(4096);
const encoder = new TextEncoder();

/** Up to here a loop over the characters beats the call of `TextEncoder.encodeInto` (measured on V8). */
const shortChars = 22;

const seedsKept = 8;

/**
 * SipHash-1-3: a keyed hash for keys that an enemy may choose. Who does not know the key of 128 bits can neither predict a
 * digest nor find keys that fall together, which XXH64 does not promise even under a secret seed.
 *
 * Promises: bit for bit SipHash-1-3 for seed 0; for another seed, SipHash-1-3 under a key derived from it and from `key`.
 * The name tells one key from another and does not tell the key, if that was drawn at random:
 * `crypto.getRandomValues(new Uint8Array(16))`, once, shared by the fleet as a secret. Placement agrees only among those
 * who share it. Does not promise to hide the key from who can read this process' memory. Slower than XXH64: about three times the
 * cost for keys of 20 bytes.
 *
 * Complexity: O(length of the key); no allocation for strings up to 1,365 characters and for bytes, under up
 * to eight seeds in turn.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012).
 *
 * @param key - 16 bytes, or the same as four little-endian 32-bit words
 * @throws {@link HoldfastError} `INVALID_OPTION` for another key; the message does not tell it
 * @example
 * ```ts
 * import { Rendezvous, sipHash13 } from 'holdfast/hashing';
 *
 * const hasher = sipHash13(crypto.getRandomValues(new Uint8Array(16)));
 * new Rendezvous(['a', 'b', 'c'], { hasher }).size // => 3
 * ```
 */
export function sipHash13(key: Uint8Array | readonly [number, number, number, number]): Hasher {
  const secret = wordsOf(key);
  const out = new Uint32Array(2);
  const keyFor = keysOf(secret);
  sipHash(derived(secret, 0, 0), new Uint8Array(0), 0, 1, 3, out);
  return {
    name: `siphash13:${[1, 0].map((half) => out[half]!.toString(16).padStart(8, '0')).join('')}`,
    hash(message, low, high, digest) {
      const bytes = typeof message === 'string' ? encoded(message) : message;
      if (!isBytes(bytes)) throw notAKey(bytes);
      sipHash(keyFor(low, high), bytes, typeof message === 'string' ? written : bytes.length, 1, 3, digest);
    },
  };
}

/** How many bytes of the last string `encoded` wrote. */
let written = 0;

function encoded(text: Key & string): Uint8Array {
  written = text.length <= shortChars ? putAscii(text) : -1;
  if (written >= 0) return room;
  if (text.length * 3 <= room.length) {
    written = encoder.encodeInto(text, room).written;
    return room;
  }
  const bytes = encoder.encode(text);
  written = bytes.length;
  return bytes;
}

function putAscii(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return -1;
    room[i] = code;
  }
  return text.length;
}

/** The keys of the last few seeds are kept: each placement uses one for all lookups. */
function keysOf(secret: SipKey): (low: number, high: number) => SipKey {
  const kept = [{ low: 0, high: 0, key: secret }];
  return (low, high) => {
    for (const one of kept) if (one.low === low && one.high === high) return one.key;
    const key = derived(secret, low, high);
    if (kept.length > seedsKept) kept.splice(1, 1);
    kept.push({ low, high, key });
    return key;
  };
}

/** A key of its own for each seed, by the hash itself: the seed and a counter are the message. */
function derived(secret: SipKey, seedLow: number, seedHigh: number): SipKey {
  const message = new DataView(new ArrayBuffer(12));
  message.setUint32(0, seedLow, true);
  message.setUint32(4, seedHigh, true);
  const half = new Uint32Array(2);
  const key = new Int32Array(4);
  for (let part = 0; part < 2; part++) {
    message.setUint32(8, part, true);
    sipHash(secret, new Uint8Array(message.buffer), 12, 1, 3, half);
    key.set(half, 2 * part);
  }
  return key;
}

function wordsOf(key: unknown): SipKey {
  if (isBytes(key) && key.length === 16) {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    return Int32Array.from({ length: 4 }, (_, i) => view.getUint32(4 * i, true));
  }
  const isWord = (word: unknown): boolean =>
    Number.isInteger(word) && (word as number) >= 0 && (word as number) < 2 ** 32;
  if (Array.isArray(key) && key.length === 4 && key.every(isWord)) return Int32Array.from(key as number[]);
  // Never the value: it may be a key with one byte missing.
  throw invalid('key', 'a Uint8Array of 16 bytes or four whole numbers from 0 to 2^32 - 1', typeof key);
}
