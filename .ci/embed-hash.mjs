// Writes src/hashing/xxh64-modules.ts: the WebAssembly module of the installed xxhash-wasm, as it is, and the small glue
// module beside it. Run it when xxhash-wasm is updated; a test holds the committed bytes to the installed package.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('node_modules/xxhash-wasm/package.json', root), 'utf8'));
const xxhash = readFileSync(new URL('node_modules/xxhash-wasm/workerd/xxhash.wasm', root));

// --- a minimal assembler: https://webassembly.github.io/spec/core/binary/ ---
const i32 = 0x7f;
const i64 = 0x7e;
const text = (s) => [s.length, ...Buffer.from(s)];
const vector = (items) => [items.length, ...items.flat()];
const section = (id, bytes) => [id, bytes.length, ...bytes];
const type = (params, results) => [0x60, ...vector(params.map((p) => [p])), ...vector(results.map((r) => [r]))];
const local = (index) => [0x20, index];
const call = (index) => [0x10, index];
const store = [0x37, 3, 0]; // i64.store, aligned to 8
const seed = (low, high) => [...local(low), 0xad, ...local(high), 0xad, 0x42, 32, 0x86, 0x84]; // low | high << 32
const body = (code) => [code.length + 2, 0, ...code, 0x0b];

const glue = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(
    1,
    vector([
      type([i32, i32, i64], [i64]), // 0: xxh64(at, length, seed)
      type([i32, i64], []), // 1: init64(state, seed)
      type([i32], [i64]), // 2: digest64(state)
      type([i32, i32, i32, i32, i32], []), // 3: hash(at, length, seedLow, seedHigh, to)
      type([i32, i32, i32], []), // 4: init(state, seedLow, seedHigh)
      type([i32, i32], []), // 5: digest(state, to)
    ]),
  ),
  ...section(
    2,
    vector([
      [...text('m'), ...text('mem'), 2, 0, 1],
      [...text('m'), ...text('xxh64'), 0, 0],
      [...text('m'), ...text('init64'), 0, 1],
      [...text('m'), ...text('digest64'), 0, 2],
    ]),
  ),
  ...section(3, vector([[3], [4], [5]])),
  ...section(
    7,
    vector([
      [...text('hash'), 0, 3],
      [...text('init'), 0, 4],
      [...text('digest'), 0, 5],
    ]),
  ),
  ...section(
    10,
    vector([
      body([...local(4), ...local(0), ...local(1), ...seed(2, 3), ...call(0), ...store]),
      body([...local(0), ...seed(1, 2), ...call(1)]),
      body([...local(1), ...local(0), ...call(2), ...store]),
    ]),
  ),
]);

const literal = (bytes) => {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,108}/g);
  return lines.map((line) => `  '${line}'`).join(' +\n');
};

writeFileSync(
  new URL('src/hashing/xxh64-modules.ts', root),
  `// Written by .ci/embed-hash.mjs. Do not edit.

/**
 * @internal The module of xxhash-wasm ${version}, unchanged: ${xxhash.length} bytes.
 *
 * MIT License, Copyright © 2017 Michael Jungo. xxHash: BSD 2-Clause, Copyright © 2012 Yann Collet. See
 * THIRD-PARTY-NOTICES.md.
 */
export const xxhashModule: string =
${literal(xxhash)};

/** @internal Imports the module above and passes seeds and digests as 32-bit halves: ${glue.length} bytes. */
export const glueModule: string =
${literal(glue)};
`,
);
