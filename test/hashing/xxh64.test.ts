import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { xxh64 } from 'holdfast/hashing';
import { isInvalidOption } from 'holdfast/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { xxhashModule } from '../../src/hashing/xxh64-modules.ts';
import { pureXxh64 } from '../../src/hashing/xxh64-pure.ts';
import { wasmXxh64 } from '../../src/hashing/xxh64-wasm.ts';
import { isHasty } from '../support/properties.ts';
import { digest } from './support.ts';

const engines = [
  { name: 'WebAssembly', hash: wasmXxh64()! },
  { name: 'TypeScript', hash: pureXxh64 },
  { name: 'xxh64', hash: xxh64.hash.bind(xxh64) },
];

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(engines)('XXH64 by $name', ({ hash }) => {
  // The buffer and the digests of xxHash's own sanity check.
  const prime = 2654435761n;
  const buffer = new Uint8Array(222);
  let generator = prime;
  for (let i = 0; i < buffer.length; i++) {
    buffer[i] = Number(generator >> 56n);
    generator = (generator * 11400714785074694797n) & (2n ** 64n - 1n);
  }

  it.each([
    [0, 0n, 0xef46db3751d8e999n],
    [0, prime, 0xac75fda2929b17efn],
    [1, 0n, 0xe934a84adb052768n],
    [1, prime, 0x5014607643a9b4c3n],
    [4, 0n, 0x9136a0dca57457een],
    [14, 0n, 0x8282dcc4994e35c8n],
    [14, prime, 0xc3bd6bf63deb6df0n],
    [222, 0n, 0xb641ae8cb691c174n],
    [222, prime, 0x20cb8ab7ae10c14an],
  ])('gives the official digest of %i bytes under seed %i', (length, seed, expected) => {
    expect(digest(hash, buffer.subarray(0, length), seed)).toBe(expected);
  });

  it('gives the digest of "abc"', () => {
    expect(digest(hash, 'abc')).toBe(0x44bc2cf5ad770999n);
  });

  it('takes a view into a larger buffer for what it shows', () => {
    expect(digest(hash, buffer.subarray(7, 50))).toBe(digest(hash, buffer.slice(7, 50)));
  });

  it('counts a lone surrogate as TextEncoder does', () => {
    expect(digest(hash, 'a\ud800')).toBe(digest(hash, 'a�'));
  });

  it('takes the bytes of another realm', () => {
    expect(digest(hash, runInNewContext('new Uint8Array([97, 98, 99])') as Uint8Array)).toBe(0x44bc2cf5ad770999n);
  });
});

describe('xxh64', () => {
  it.each([undefined, null, 7, {}, [1], Symbol('s'), new Uint16Array(2)])('refuses %s as a key', (key) => {
    const refused = (): unknown => {
      xxh64.hash(key as never, 0, 0, new Uint32Array(2));
      return undefined;
    };
    expect(refused).toThrow(TypeError);
    expect(refused).toThrow(/^key must be a string or a Uint8Array, got /);
    try {
      refused();
    } catch (error) {
      expect(isInvalidOption(error)).toBe(true);
    }
  });

  it.skipIf(isHasty)('refuses a key in optimised code, and the process lives', () => {
    // V8 11.3 crashed here, with the check beside the call of WebAssembly: after a million lookups a bad key ended it.
    const script = `import { SlotTable } from 'holdfast/hashing';
      const table = new SlotTable(['a', 'b'], { slots: 16384 });
      for (let i = 0; i < 2_000_000; i++) table.get('key:' + (i % 1000));
      try { table.get(3); } catch (error) { console.log(error.code); }`;
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url),
    });
    expect([status, stdout.trim()]).toEqual([0, 'INVALID_OPTION']);
  });
});

describe('the embedded module', () => {
  it('is the one of the installed xxhash-wasm, byte for byte', () => {
    const entry = createRequire(import.meta.url).resolve('xxhash-wasm');
    const installed = readFileSync(join(dirname(entry), '..', 'workerd', 'xxhash.wasm'));
    expect(Buffer.from(xxhashModule, 'base64').equals(installed)).toBe(true);
  });
});

describe('where the platform refuses WebAssembly', () => {
  it.each([
    ['has none', undefined],
    [
      'forbids it',
      {
        Module: function refuse() {
          throw new Error('refused by policy');
        },
      },
    ],
  ])('hashes on when it %s', async (_, stub) => {
    vi.stubGlobal('WebAssembly', stub);
    vi.resetModules();
    const { wasmXxh64: fresh } = await import('../../src/hashing/xxh64-wasm.ts');
    expect(fresh()).toBeUndefined();
    const { xxh64: fallback } = await import('../../src/hashing/xxh64.ts');
    expect(digest(fallback.hash.bind(fallback), 'abc')).toBe(0x44bc2cf5ad770999n);
  });
});

describe('the memory of the hash', () => {
  it('does not grow with long keys', () => {
    const hash = xxh64.hash.bind(xxh64);
    const long = new Uint8Array(1_000_000).fill(7);
    const before = digest(hash, long);
    expect(digest(hash, 'x'.repeat(100_000))).toBe(digest(pureXxh64, 'x'.repeat(100_000)));
    expect(digest(hash, long)).toBe(before);
    expect(before).toBe(digest(pureXxh64, long));
  });

  it.skipIf(isHasty)('is not allocated for each key', () => {
    const out = new Uint32Array(2);
    const keys = Array.from({ length: 64 }, (_, i) => `user:${String(i)}:profile`);
    const work = (): void => {
      for (let i = 0; i < 200_000; i++) xxh64.hash(keys[i % 64]!, 0, 0, out);
    };
    const grown = (): number => {
      gc!();
      const before = process.memoryUsage().heapUsed;
      work();
      return process.memoryUsage().heapUsed - before;
    };
    // A digest as an object or a BigInt would take 16 bytes each: 3.2 MB. The least of five, for the compiler allocates too.
    expect(Math.min(...Array.from({ length: 5 }, grown))).toBeLessThan(800_000);
  });
});
