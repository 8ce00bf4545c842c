import { defineConfig, type Options } from 'tsup';
import { subpaths } from './.ci/subpaths.ts';

const common: Options = {
  entry: Object.fromEntries(subpaths.map(({ name, source }) => [name, source])),
  tsconfig: 'tsconfig.build.json',
  target: 'node20',
  // Code that several entries use goes to a shared file, so that no class exists twice.
  splitting: true,
  treeshake: true,
  sourcemap: true,
  // `node:fs` stays `node:fs`: other runtimes know no `fs`, and what a build requires can be told from packages.
  removeNodeProtocol: false,
};

// `Disposable` is of the language but in no browser project's default `lib`.
const disposable = '/// <reference lib="esnext.disposable" />';

export default defineConfig([
  { ...common, format: 'esm' },
  // These are ESM only, and require() of ESM fails before Node 20.19 and under Jest: they are bundled.
  { ...common, format: 'cjs', noExternal: ['p-limit', 'p-queue', 'p-timeout', 'yocto-queue'] },
  {
    ...common,
    format: ['esm', 'cjs'],
    // tsup sets `baseUrl`, which TypeScript 6 reports as deprecated.
    dts: { only: true, banner: disposable, compilerOptions: { ignoreDeprecations: '6.0' } },
  },
]);
