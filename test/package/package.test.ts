import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest, root, subpaths } from '../../.ci/subpaths.ts';
import { allocating, answers, countingFlags, question, starts } from '../hashing/processes.ts';

const nodes = (process.env['HOLDFAST_NODES'] ?? process.execPath).split(delimiter);
/** Compilers that users may have: the oldest that we promise, the last 5.x, ours, and the native one. */
const compilers = { 'typescript5.4': '5.4.5', 'typescript5.9': '5.9.3', typescript: '6.0.3', typescript7: '7.0.2' };

const folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

const run = (command: string, ...args: string[]): string => ask('', command, ...args);

/** Runs a program with a text on its standard input. */
const ask = (input: string, command: string, ...args: string[]): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
};

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

beforeAll(() => {
  [packed] = JSON.parse(run('npm', 'pack', root, '--json', '--ignore-scripts')) as [Packed];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const types = `@types/node@${manifest.devDependencies['@types/node']!}`;
  const aliases = Object.entries(compilers).map(([alias, version]) => `${alias}@npm:typescript@${version}`);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  // A subpath that imports an optional peer needs it; the others do not.
  const piscina = `piscina@${manifest.devDependencies['piscina']!}`;
  run('npm', 'install', ...quiet, `./${packed.filename}`, types, piscina, ...aliases);
  cpSync(join(import.meta.dirname, 'consumers'), folder, { recursive: true });
});

describe('the tarball', () => {
  test('holds the build and the texts, nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith('dist/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY-NOTICES.md',
      'package.json',
    ]);
    expect(paths.filter((path) => path.startsWith('dist/') && !/\.(c?js|d\.c?ts|c?js\.map)$/.test(path))).toEqual([]);
    for (const { name } of subpaths) {
      expect(paths).toEqual(
        expect.arrayContaining(['js', 'cjs', 'd.ts', 'd.cts'].map((extension) => `dist/${name}.${extension}`)),
      );
    }
  });

  test('names no folder of the machine that built it', () => {
    for (const { path } of packed.files) {
      expect(readFileSync(join(root, path), 'utf8').includes(root), path).toBe(false);
    }
  });

  test('names in its notices every package that it bundles', () => {
    const maps = packed.files.filter(({ path }) => path.endsWith('.map'));
    const sources = maps.flatMap(
      ({ path }) => (JSON.parse(readFileSync(join(root, path), 'utf8')) as { sources: string[] }).sources,
    );
    const bundled = new Set(sources.map((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? ''));
    const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8');
    expect([...bundled].filter((name) => !notices.includes(name))).toEqual([]);
    expect(bundled).toContain('yocto-queue');
  });

  test('has every ESM-only dependency inside its CommonJS build', () => {
    const required = packed.files
      .filter(({ path }) => path.endsWith('.cjs'))
      .flatMap(({ path }) => [
        ...readFileSync(join(root, path), 'utf8').matchAll(/\brequire\(['"]([^.'"][^'"]*)['"]\)/g),
      ])
      .map(([, specifier]) => specifier!)
      .filter((specifier) => !specifier.startsWith('node:'));
    const allowed = ['eventemitter3', ...Object.keys(manifest.peerDependencies)];
    expect([...new Set(required)].filter((specifier) => !allowed.includes(specifier))).toEqual([]);
  });
});

describe.each(nodes)('on %s', (node) => {
  test.each(['run.cjs', 'run.mjs'])('%s', (consumer) => {
    run(node, consumer);
  });

  test.each(starts)('places as the sources do: $flags $program, $thread thread', ({ flags, program, thread, self }) => {
    expect(JSON.parse(ask(question, node, ...flags, program, thread))).toEqual({ ...self, ...answers });
  });

  test('allocates nothing for a lookup: N = 200,000 in the best of 40 rounds, less than a byte each', () => {
    expect(allocating(run(node, ...countingFlags, 'allocation.mjs'))).toEqual([]);
  });
});

describe.each(Object.keys(compilers))('types under %s', (alias) => {
  test.each(['node16', 'nodenext'])('module %s, .mts and .cts', (module) => {
    const names = subpaths.map(({ specifier }) => [specifier, specifier.replaceAll(/\W/g, '_')] as const);
    const imports = names.map(([specifier, name]) => `import * as ${name} from '${specifier}';`);
    const requires = names.map(([specifier, name]) => `import ${name} = require('${specifier}');`);
    const use = `
export const all = [${names.map(([, name]) => name).join(', ')}];
export const code = (error: unknown): string => (holdfast.isHoldfastError(error) ? error.code : '');
const same: typeof holdfast.HoldfastError = holdfast_core.HoldfastError;
void same;
`;
    writeFileSync(join(folder, 'types.mts'), [...imports, use].join('\n'));
    writeFileSync(join(folder, 'types.cts'), [...requires, use].join('\n'));
    const strict = [
      '--strict',
      '--exactOptionalPropertyTypes',
      '--noUncheckedIndexedAccess',
      '--skipLibCheck',
      'false',
    ];
    const options = ['--noEmit', '--target', 'es2022', '--module', module, '--types', 'node', ...strict];
    run(process.execPath, join('node_modules', alias, 'bin', 'tsc'), ...options, 'types.mts', 'types.cts');
  });
});
