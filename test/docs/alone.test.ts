/** Every example ends by itself when it is saved as a module and run, as a reader would. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import type { Block } from './blocks.ts';
import { blocksOf, documented, moduleOf, titleOf, withFiles } from './documented.ts';
import { compile } from './program.ts';

// In the repository, so that the packages are found from there.
mkdirSync(join(root, '.cache'), { recursive: true });
const folder = mkdtempSync(join(root, '.cache/doc-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = documented
  .flatMap((file) => withFiles(blocksOf(file)))
  .filter(({ block }) => block.needs?.every((need) => need === 'process') ?? true);

/** In a folder of its own, with what is beside it. */
const nameOf = (block: Block): string =>
  `${basename(moduleOf(block), '.ts')}/${block.savedAs?.replace(/\.js$/, '') ?? 'main'}`;

/**
 * As plain JavaScript on one copy of the library: far quicker to start than what loads its sources.
 *
 * @param modules - the code of each by its name
 * @returns the path of one
 */
async function bundle(modules: ReadonlyMap<string, string>): Promise<(name: string) => string> {
  const into = mkdtempSync(join(folder, 'modules-'));
  for (const [name, code] of modules) {
    mkdirSync(dirname(join(into, name)), { recursive: true });
    writeFileSync(join(into, `${name}.ts`), code);
  }
  await build({
    config: false,
    silent: true,
    entry: Object.fromEntries([...modules.keys()].map((name) => [name, join(into, `${name}.ts`)])),
    outDir: join(into, 'out'),
    format: 'esm',
    target: 'node20',
    tsconfig: join(root, 'tsconfig.json'),
    // All packages but this one; a path may begin with a drive.
    external: [/^(?!holdfast\b|[A-Za-z]:)[\w@]/],
    splitting: true,
    removeNodeProtocol: false,
  });
  return (name) => join(into, 'out', `${name}.js`);
}

/** The exit code, 13 where an await at the top never ended, and what was said of it. */
function exitOf(module: string): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [module], { stdio: ['ignore', 'ignore', 'pipe'], timeout: 50_000 });
    let said = '';
    child.stderr.on('data', (text) => (said += String(text)));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}

/** As it stands, for `examples.test.ts` has its values, and times of a busy machine are not the question; unless it runs only here. */
const codeOf = (block: Block): string => (block.needs === undefined ? `${block.code}\nexport {};\n` : compile(block));

describe('alone in a process', () => {
  let pathOf: (name: string) => string;
  beforeAll(async () => {
    const modules = examples.flatMap(({ block, files }) => [
      [nameOf(block), codeOf(block)] as const,
      ...files.map((file) => [`${dirname(nameOf(block))}/${basename(nameOf(file))}`, compile(file)] as const),
    ]);
    pathOf = await bundle(new Map(modules));
  });

  test.concurrent.each(examples.map(({ block }) => [titleOf(block), block] as const))('%s ends', async (_, block) => {
    const { code, said } = await exitOf(pathOf(nameOf(block)));
    expect(code, said).toBe(0);
  });
});

describe('the check itself', () => {
  test.each([
    ['what awaits nothing that comes', 'await new Promise(() => undefined);', 13],
    ['a wrong value', '1 + 1 // => 3', 1],
    ['a right one', '1 + 1 // => 2', 0],
  ])('sees %s', async (_, code, exit) => {
    const pathOf = await bundle(new Map([['self', compile({ file: 'self.md', line: 1, code })]]));
    expect((await exitOf(pathOf('self'))).code).toBe(exit);
  });
});
