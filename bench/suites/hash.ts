import { createHash } from 'node:crypto';
import xxhash from 'xxhash-wasm';
import { pureXxh64 } from '../../src/hashing/xxh64-pure.ts';
import { keysOf } from '../keys.ts';
import { type Case, contestant, type MakeSuite } from '../vocabulary.ts';

const about = `One operation hashes one of 1,024 keys, which differ and come in turn.

- \`holdfast\` writes the 64-bit digest as two halves into an array that is reused.
- \`h64(string)\` returns a BigInt. The next row stores it into a \`BigUint64Array\` and reads the halves: what a caller
  needs who computes with the digest.
- \`h32(string)\` is another hash, of 32 bits. MD5 is what the ring of \`hashring\` hashes with.
- The pure TypeScript engine takes over where WebAssembly is refused. It is not exported: bundled from \`src\`.`;

const count = 1_024;
const mask = count - 1;
const wide = 'äöüßéабвгдеж';

const hex = (high: number, low: number): string =>
  [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');

/** Hashing, which all placement is built on. */
export const suite: MakeSuite = async ({ hashing: { xxh64 } }) => {
  const peer = await xxhash();
  const out = new Uint32Array(2);
  const big = new BigUint64Array(1);
  const halves = new Uint32Array(big.buffer);

  const hashing = (name: string, keys: readonly string[], atLeast?: number): Case => ({
    name,
    inputs: count,
    contestants: [
      contestant(
        'holdfast xxh64.hash',
        (i) => {
          xxh64.hash(keys[i & mask]!, 0, 0, out);
          return out[0]! | 0;
        },
        { answer: () => hex(out[1]!, out[0]!), target: { bytes: 0 } },
      ),
      contestant('xxhash-wasm h64(string)', (i) => peer.h64(keys[i & mask]!), {
        answer: (digest) => digest.toString(16).padStart(16, '0'),
        ...(atLeast !== undefined && { target: { ratio: { atLeast } } }),
      }),
      contestant(
        'xxhash-wasm h64(string), halves read',
        (i) => {
          big[0] = peer.h64(keys[i & mask]!);
          return (halves[0]! ^ halves[1]!) | 0;
        },
        { answer: () => hex(halves[1]!, halves[0]!) },
      ),
      contestant('xxhash-wasm h32(string)', (i) => peer.h32(keys[i & mask]!) | 0, { kind: 'XXH32' }),
      contestant(
        'node:crypto MD5, as hashring',
        (i) =>
          createHash('md5')
            .update(keys[i & mask]!)
            .digest(),
        {
          answer: (digest) => digest.toString('hex'),
          kind: 'MD5',
        },
      ),
      contestant(
        'holdfast, pure TypeScript',
        (i) => {
          pureXxh64(keys[i & mask]!, 0, 0, out);
          return out[0]! | 0;
        },
        { answer: () => hex(out[1]!, out[0]!) },
      ),
    ],
  });

  return {
    title: 'Hashing a key',
    about,
    peers: ['xxhash-wasm'],
    cases: [
      hashing('8 bytes, ASCII', keysOf(count, 8), 2.5),
      hashing('20 bytes, ASCII', keysOf(count, 20), 2.5),
      hashing('36 bytes, ASCII', keysOf(count, 36), 2),
      hashing('100 bytes, ASCII', keysOf(count, 100), 1),
      hashing('20 characters, 40 bytes', keysOf(count, 20, wide)),
    ],
  };
};
