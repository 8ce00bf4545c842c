/** Every example ends by itself when it is saved as a module and run, as a reader would. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import type { Block } from './blocks.ts';
import { blocksOf, documented, moduleOf, titleOf } from './documented.ts';
import { compile } from './program.ts';

// In the repository, so that the packages are found from there.
mkdirSync(join(root, '.cache'), { recursive: true });
const folder = mkdtempSync(join(root, '.cache/doc-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Examples that await what holds no process: [file, a text of the block]. */
const ends: readonly (readonly [file: string, text: string])[] = [
  // Both wait for a timer of the queue.
  ['docs/guides/getting-started.md', 'await mails.onIdle();'],
  ['docs/guides/queue.md', 'throw new Retry(5)'],
];
const isExcepted = ({ file, code }: Block): boolean =>
  ends.some(([name, text]) => file === name && code.includes(text));

const examples = documented
  .flatMap(blocksOf)
  .filter((block) => block.noRun === undefined && block.needs === undefined && !isExcepted(block));

/** As plain JavaScript on one copy of the library: far quicker to start than what loads its sources. */
async function bundle(modules: ReadonlyMap<string, string>): Promise<(module: string) => string> {
  const into = mkdtempSync(join(folder, 'modules-'));
  for (const [module, code] of modules) writeFileSync(join(into, module), code);
  await build({
    config: false,
    silent: true,
    entry: [...modules.keys()].map((module) => join(into, module)),
    outDir: join(into, 'out'),
    format: 'esm',
    target: 'node20',
    tsconfig: join(root, 'tsconfig.json'),
    // All packages but this one.
    external: [/^(?!holdfast\b)[\w@]/],
    splitting: true,
    removeNodeProtocol: false,
  });
  return (module) => join(into, 'out', basename(module, '.ts') + '.js');
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

describe('alone in a process', () => {
  let pathOf: (module: string) => string;
  beforeAll(async () => {
    pathOf = await bundle(new Map(examples.map((block) => [moduleOf(block), compile(block)])));
  });

  test.concurrent.each(examples.map((block) => [titleOf(block), block] as const))('%s ends', async (_, block) => {
    const { code, said } = await exitOf(pathOf(moduleOf(block)));
    expect(code, said).toBe(0);
  });
});

describe('the check itself', () => {
  test.each([
    ['what awaits nothing that comes', 'await new Promise(() => undefined);', 13],
    ['a wrong value', '1 + 1 // => 3', 1],
    ['a right one', '1 + 1 // => 2', 0],
  ])('sees %s', async (_, code, exit) => {
    const pathOf = await bundle(new Map([['self.ts', compile({ file: 'self.md', line: 1, code })]]));
    expect((await exitOf(pathOf('self.ts'))).code).toBe(exit);
  });
});
