import type { Hasher } from './hasher.ts';
import { bytesOf, type Key } from './key.ts';
import { glueModule, xxhashModule } from './xxh64-modules.ts';

/** The little of WebAssembly's interface that is used, for neither the ES nor Node's own types declare it. */
interface WebAssemblyLike {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
}

/** Exports of the glue module: XXH64 with seed and digest as 32-bit halves, so that no BigInt crosses the border. */
interface Glue {
  readonly hash: (at: number, length: number, seedLow: number, seedHigh: number, to: number) => void;
  readonly init: (state: number, seedLow: number, seedHigh: number) => void;
  readonly digest: (state: number, to: number) => void;
}

interface Xxhash {
  readonly mem: { readonly buffer: ArrayBuffer };
  readonly update64: (state: number, at: number, length: number) => void;
}

/*
 * Memory of one page: the digest, the state of a long hash, and the rest for the key. It never grows: a key that does not
 * fit is fed piece by piece.
 */
const digestAt = 0;
const stateAt = 64;
const stateBytes = 88;
const keyAt = 256;
const roomBytes = 65_536 - keyAt;

/** Up to here a loop over the characters beats the call of `TextEncoder.encodeInto` (measured on V8). */
const shortChars = 32;

/** @internal XXH64 by WebAssembly, of keys that have been checked; undefined where the platform has none or forbids it. */
export function wasmXxh64(): Hasher['hash'] | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyLike };
  if (WebAssembly === undefined) return undefined;
  try {
    const xxhash = exportsOf(WebAssembly, xxhashModule) as Xxhash;
    return hashIn(xxhash, exportsOf(WebAssembly, glueModule, { m: xxhash }) as Glue);
  } catch {
    // A content security policy, or an engine started without a compiler: the caller has a twin that needs neither.
    return undefined;
  }
}

function exportsOf({ Module, Instance }: WebAssemblyLike, base64: string, imports?: object): unknown {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new Instance(new Module(bytes), imports).exports;
}

function hashIn({ mem, update64 }: Xxhash, glue: Glue): Hasher['hash'] {
  const room = new Uint8Array(mem.buffer, keyAt, roomBytes);
  const digest = new Int32Array(mem.buffer, digestAt, 2); // signed halves are never boxed, optimised or not
  const state = new Uint8Array(mem.buffer, stateAt, stateBytes);
  const encoder = new TextEncoder();

  /**
   * Puts a short ASCII string into the room; false, with the room spoilt, when there is another character in it. Four at a
   * time, for a branch after each character costs a tenth of the whole hash.
   */
  const putAscii = (key: string): boolean => {
    let at = 0;
    for (; at + 4 <= key.length; at += 4) {
      const first = key.charCodeAt(at);
      const second = key.charCodeAt(at + 1);
      const third = key.charCodeAt(at + 2);
      const fourth = key.charCodeAt(at + 3);
      if ((first | second | third | fourth) > 127) return false;
      room[at] = first;
      room[at + 1] = second;
      room[at + 2] = third;
      room[at + 3] = fourth;
    }
    for (; at < key.length; at++) {
      const code = key.charCodeAt(at);
      if (code > 127) return false;
      room[at] = code;
    }
    return true;
  };

  /** Puts a key into the room and returns its length in bytes, or -1 when it might not fit. */
  const put = (key: Key): number => {
    if (typeof key === 'string') {
      if (key.length <= shortChars && putAscii(key)) return key.length;
      return key.length * 3 <= roomBytes ? encoder.encodeInto(key, room).written : -1;
    }
    if (key.length > roomBytes) return -1;
    room.set(key);
    return key.length;
  };

  const hashLong = (bytes: Uint8Array, seedLow: number, seedHigh: number): void => {
    state.fill(0); // the module's init64 relies on it
    glue.init(stateAt, seedLow, seedHigh);
    for (let from = 0; from < bytes.length; from += roomBytes) {
      const piece = bytes.subarray(from, from + roomBytes);
      room.set(piece);
      update64(stateAt, keyAt, piece.length);
    }
    glue.digest(stateAt, digestAt);
  };

  return (key, seedLow, seedHigh, out) => {
    const length = put(key);
    if (length >= 0) glue.hash(keyAt, length, seedLow, seedHigh, digestAt);
    else hashLong(bytesOf(key), seedLow, seedHigh);
    out[0] = digest[0]!;
    out[1] = digest[1]!;
  };
}
