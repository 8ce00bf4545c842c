/** What the repository promises about itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { manifest, root } from '../../.ci/subpaths.ts';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
};

test('the lock file names no registry', () => {
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(Object.keys(packages).filter((path) => 'resolved' in packages[path]!)).toEqual([]);
});

test('the lock file serves every platform', () => {
  // Without an entry for another platform's binary, `npm ci` refuses, or installs a tool that cannot run there.
  const found = (from: string, name: string): boolean =>
    `${from}${from === '' ? '' : '/'}node_modules/${name}` in packages ||
    (from !== '' && found(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name));
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !found(path, name)),
  );
  expect(missing).toEqual([]);
});

test('the notices are those of the hash module that is embedded', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/xxhash-wasm/package.json'), 'utf8')) as {
    version: string;
  };
  expect(readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')).toContain(`xxhash-wasm ${version}`);
});

test('dependencies are the few that are meant', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['eventemitter3', 'p-limit', 'p-queue', 'xxhash-wasm']);
});
