import type { Hasher } from './hasher.ts';
import { bytesOf } from './key.ts';

/*
 * XXH64 in 32-bit halves, for platforms without WebAssembly: no BigInt, and the same digests to the bit.
 *
 * `low` and `high` are one 64-bit register that the functions below work on, as in the specification's pseudocode; a
 * function that returned pairs would make an object for each step.
 */
let low = 0;
let high = 0;

type Constant = readonly [low: number, high: number];
const p1: Constant = [0x85ebca87, 0x9e3779b1];
const p2: Constant = [0x27d4eb4f, 0xc2b2ae3d];
const p3: Constant = [0x9e3779f9, 0x165667b1];
const p4: Constant = [0xc2b2ae63, 0x85ebca77];
const p5: Constant = [0x165667c5, 0x27d4eb2f];

function set(toLow: number, toHigh: number): void {
  low = toLow;
  high = toHigh;
}

function xor(byLow: number, byHigh: number): void {
  low ^= byLow;
  high ^= byHigh;
}

function add(byLow: number, byHigh: number): void {
  const sum = (low >>> 0) + (byLow >>> 0);
  low = sum | 0;
  high = (high + byHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
}

/** Multiplies modulo 2^64. The upper half of low × low comes from four 16-bit products, each exact in a double. */
function multiply(by: Constant): void {
  const byLow = by[0];
  const byHigh = by[1];
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = byLow & 0xffff;
  const b1 = byLow >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const middleLow = a0 * b1 + (middle & 0xffff);
  const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000);
  high = (carry + Math.imul(low, byHigh) + Math.imul(high, byLow)) | 0;
  low = Math.imul(low, byLow);
}

/** Rotates to the left by 1 to 31 bits. */
function rotate(bits: number): void {
  const wasLow = low;
  low = (low << bits) | (high >>> (32 - bits));
  high = (high << bits) | (wasLow >>> (32 - bits));
}

function read(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** register = rotate(register + input × p2, 31) × p1 */
function round(inputLow: number, inputHigh: number): void {
  const wasLow = low;
  const wasHigh = high;
  set(inputLow, inputHigh);
  multiply(p2);
  add(wasLow, wasHigh);
  rotate(31);
  multiply(p1);
}

/** Four accumulators over blocks of 32 bytes, merged into the register. */
function stripes(bytes: Uint8Array, seedLow: number, seedHigh: number): void {
  const lows = new Int32Array(4);
  const highs = new Int32Array(4);
  const keep = (i: number): void => {
    lows[i] = low;
    highs[i] = high;
  };
  const restore = (i: number): void => {
    set(lows[i]!, highs[i]!);
  };
  set(seedLow, seedHigh);
  keep(2);
  add(p2[0], p2[1]);
  keep(1);
  add(p1[0], p1[1]);
  keep(0);
  set(seedLow, seedHigh);
  add(-p1[0] | 0, ~p1[1]);
  keep(3);

  for (let at = 0; at + 32 <= bytes.length; at += 32) {
    for (let i = 0; i < 4; i++) {
      restore(i);
      round(read(bytes, at + 8 * i), read(bytes, at + 8 * i + 4));
      keep(i);
    }
  }

  let [sumLow, sumHigh] = [0, 0];
  for (const [i, bits] of [1, 7, 12, 18].entries()) {
    restore(i);
    rotate(bits);
    add(sumLow, sumHigh);
    [sumLow, sumHigh] = [low, high];
  }
  for (let i = 0; i < 4; i++) {
    [sumLow, sumHigh] = [low, high];
    set(0, 0);
    round(lows[i]!, highs[i]!);
    xor(sumLow, sumHigh);
    multiply(p1);
    add(p4[0], p4[1]);
  }
}

/** The last bytes that fill no block: words of 8, one of 4, single ones. */
function tail(bytes: Uint8Array, from: number): void {
  let at = from;
  for (; at + 8 <= bytes.length; at += 8) {
    const wasLow = low;
    const wasHigh = high;
    set(0, 0);
    round(read(bytes, at), read(bytes, at + 4));
    xor(wasLow, wasHigh);
    rotate(27);
    multiply(p1);
    add(p4[0], p4[1]);
  }
  if (at + 4 <= bytes.length) {
    const wasLow = low;
    const wasHigh = high;
    set(read(bytes, at), 0);
    multiply(p1);
    xor(wasLow, wasHigh);
    rotate(23);
    multiply(p2);
    add(p3[0], p3[1]);
    at += 4;
  }
  for (; at < bytes.length; at++) {
    const wasLow = low;
    const wasHigh = high;
    set(bytes[at]!, 0);
    multiply(p5);
    xor(wasLow, wasHigh);
    rotate(11);
    multiply(p1);
  }
}

function avalanche(): void {
  low ^= high >>> 1; // shift by 33
  multiply(p2);
  xor((low >>> 29) | (high << 3), high >>> 29);
  multiply(p3);
  low ^= high; // shift by 32
}

/** @internal XXH64 in TypeScript alone, of keys that have been checked. O(length), 10 to 20 times slower than its WebAssembly twin. */
export const pureXxh64: Hasher['hash'] = (key, seedLow, seedHigh, out) => {
  const bytes = bytesOf(key);
  if (bytes.length >= 32) {
    stripes(bytes, seedLow | 0, seedHigh | 0);
  } else {
    set(seedLow | 0, seedHigh | 0);
    add(p5[0], p5[1]);
  }
  add(bytes.length, Math.floor(bytes.length / 2 ** 32));
  tail(bytes, bytes.length - (bytes.length % 32));
  avalanche();
  out[0] = low;
  out[1] = high;
};
