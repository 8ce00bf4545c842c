/** `exports` in package.json is the list of subpaths; whatever cannot derive from it must agree with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { manifest, reportName, root, subpaths } from '../../.ci/subpaths.ts';
import sizeLimits from '../../.size-limit.ts';
import tsup from '../../tsup.config.ts';
import vitest from '../../vitest.config.ts';

const names = subpaths.map(({ name }) => name).sort();
const sources = subpaths.map(({ source }) => source).sort();
const specifiers = subpaths.map(({ specifier }) => specifier).sort();
const json = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

/** The files that a pattern with at most one `*`, for one path segment, stands for. */
function expand(pattern: string): string[] {
  const [before = '', after] = pattern.replace(/^\.\//, '').split('*');
  if (after === undefined) return [before];
  return readdirSync(join(root, before))
    .map((entry) => before + entry + after)
    .filter((path) => existsSync(join(root, path)));
}

test('every folder of src is a subpath, and every subpath has its source', () => {
  for (const source of sources) expect(existsSync(join(root, source)), source).toBe(true);
  expect(expand('src/*/index.ts').filter((source) => !sources.includes(source))).toEqual([]);
});

test('each has an ES module, a CommonJS module and the declarations of both', () => {
  for (const { specifier, name } of subpaths) {
    expect(manifest.exports[`.${specifier.slice(manifest.name.length)}`]).toEqual({
      import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
      require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
    });
  }
});

test('tsup builds each, in every format', () => {
  const configs = tsup as readonly { readonly entry: Readonly<Record<string, string>> }[];
  for (const { entry } of configs) {
    expect(Object.keys(entry).sort()).toEqual(names);
    expect(Object.values(entry).sort()).toEqual(sources);
  }
});

test('TypeDoc documents each', () => {
  const { entryPoints } = json('typedoc.json') as { entryPoints: string[] };
  expect(entryPoints.flatMap(expand).sort()).toEqual(sources);
});

test('tsconfig and vitest resolve each to its source', () => {
  const { paths } = (json('tsconfig.json') as { compilerOptions: { paths: Record<string, [string]> } }).compilerOptions;
  const aliases = vitest.resolve?.alias as readonly { readonly find: RegExp; readonly replacement: string }[];
  for (const { specifier, source } of subpaths) {
    const matches = Object.entries(paths).flatMap(([pattern, [target]]) => {
      const [before = '', after] = pattern.split('*');
      if (after === undefined) return specifier === pattern ? [{ length: Infinity, target }] : [];
      const matched = specifier.startsWith(before) && specifier !== before;
      return matched ? [{ length: before.length, target: target.replace('*', specifier.slice(before.length)) }] : [];
    });
    const best = matches.sort((a, b) => b.length - a.length)[0];
    expect(best?.target).toBe(`./${source}`);
    expect(aliases.filter(({ find }) => find.test(specifier)).map(({ replacement }) => replacement)).toEqual([
      join(root, source),
    ]);
  }
});

test('each has a size budget', () => {
  const measured = (sizeLimits as readonly { readonly name: string }[]).map(({ name }) => name);
  expect(specifiers.filter((specifier) => !measured.includes(specifier))).toEqual([]);
});

test('each has a committed API report, and there is no other', () => {
  expect(readdirSync(join(root, 'etc')).sort()).toEqual(names.map(reportName).sort());
});
