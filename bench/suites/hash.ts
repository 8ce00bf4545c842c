import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import xxhash from 'xxhash-wasm';
import { pureXxh64 } from '../../src/hashing/xxh64-pure.ts';
import { randomFrom } from '../statistics.ts';
import { type Case, contestant, type MakeSuite } from '../vocabulary.ts';

const about = `One operation hashes one of 1,024 keys, which differ and come in turn.

- \`holdfast\` writes the 64-bit digest as two halves into an array that is reused.
- \`h64(string)\` returns a BigInt. The next row stores it into a \`BigUint64Array\` and reads the halves: what a caller
  needs who computes with the digest.
- \`h32(string)\` is another hash, of 32 bits. MD5 is what the ring of \`hashring\` hashes with.
- The pure TypeScript engine takes over where WebAssembly is refused. It is not exported: bundled from \`src\`.`;

const count = 1_024;
const mask = count - 1;
const ascii = 'abcdefghijklmnopqrstuvwxyz0123456789:-';
const wide = 'äöüßéабвгдеж';

/** Distinct keys, flat: not the ropes that concatenation makes. */
function keysOf(length: number, alphabet = ascii): readonly string[] {
  const random = randomFrom(length);
  const draw = (): string => alphabet[Math.floor(random() * alphabet.length)]!;
  const keys = new Set<string>();
  while (keys.size < count) keys.add(Buffer.from(Array.from({ length }, draw).join('')).toString());
  return [...keys];
}

const hex = (high: number, low: number): string =>
  [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');

/** Hashing and what is built on it. */
export const suite: MakeSuite = async ({ hashing: { Rendezvous, xxh64 } }) => {
  const peer = await xxhash();
  const out = new Uint32Array(2);
  const big = new BigUint64Array(1);
  const halves = new Uint32Array(big.buffer);

  const hashing = (name: string, keys: readonly string[]): Case => ({
    name,
    inputs: count,
    target: { bytes: 0 },
    contestants: [
      contestant(
        'holdfast xxh64.hash',
        (i) => {
          xxh64.hash(keys[i & mask]!, 0, 0, out);
          return out[0]! | 0;
        },
        { answer: () => hex(out[1]!, out[0]!) },
      ),
      contestant('xxhash-wasm h64(string)', (i) => peer.h64(keys[i & mask]!), {
        answer: (digest) => digest.toString(16).padStart(16, '0'),
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

  const lookup = (size: number): Case => {
    const keys = keysOf(20);
    const placement = new Rendezvous(Array.from({ length: size }, (_, i) => `node-${String(i)}`));
    return {
      name: `owner among ${String(size)} nodes, 20-byte key`,
      inputs: count,
      target: { bytes: 0 },
      contestants: [
        contestant('holdfast Rendezvous.get', (i) => placement.get(keys[i & mask]!), { answer: (node) => node?.id }),
      ],
      verify: () => {
        for (const key of keys) assert.equal(placement.get(key), placement.getN(key, 1)[0]);
      },
    };
  };

  return {
    title: 'Hashing a key',
    about,
    peers: ['xxhash-wasm'],
    cases: [
      ...[8, 20, 36, 100].map((length) => hashing(`${String(length)} bytes, ASCII`, keysOf(length))),
      hashing('20 characters, 40 bytes', keysOf(20, wide)),
      lookup(10),
      lookup(100),
    ],
  };
};
