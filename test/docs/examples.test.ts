/** Every example that a reader can see is type-checked and run, and says what it really returns. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { type Block, extract } from './blocks.ts';
import { blocksOf, documented, moduleOf, runsHere, titleOf, withFiles } from './documented.ts';
import { compile, typeErrors } from './program.ts';

// Outside node_modules, so that vitest resolves `holdfast` in the modules.
mkdirSync(join(root, '.cache'), { recursive: true });
const folder = mkdtempSync(join(root, '.cache/doc-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A module of the given text, named after its place in the documentation. */
function write(block: Block, text: string): string {
  const path = join(folder, moduleOf(block));
  writeFileSync(path, text);
  return path;
}

/** What needs a server or a peer is of `needs.test.ts`, also for its types. */
const isCheckedHere = ({ needs }: Block): boolean => needs?.every((need) => need === 'process') ?? true;
const examples = documented
  .flatMap(blocksOf)
  .filter(isCheckedHere)
  .map((block) => ({ block, module: write(block, compile(block)) }));
const errors = typeErrors(examples.map(({ module }) => module));

describe.each(documented.filter((file) => examples.some(({ block }) => block.file === file)))('%s', (file) => {
  for (const { block, module } of examples.filter((each) => each.block.file === file)) {
    const title = titleOf(block);
    test(runsHere(block) ? title : `${title} (types; run by alone.test.ts)`, async () => {
      expect(errors.get(module)).toEqual([]);
      if (runsHere(block)) await import(module);
    });
  }
});

describe('the check itself', () => {
  const blockOf = (code: string, info = 'ts'): Block => extract('x.md', `Text\n\n\`\`\`${info}\n${code}\n\`\`\`\n`)[0]!;
  let count = 0;
  const runBlock = async (code: string): Promise<void> => {
    const block = { ...blockOf(code), file: `self_${String(count++)}` };
    await import(write(block, compile(block)));
  };

  test('finds blocks in Markdown and in doc comments, with their lines', () => {
    expect(blockOf('1 // => 1')).toEqual({ file: 'x.md', line: 3, code: '1 // => 1' });
    const comment = '\n/**\n * Adds.\n * @example\n * ```ts\n * if (true) {\n *   1 // => 1\n * }\n * ```\n */\n';
    expect(extract('x.ts', comment)).toEqual([{ file: 'x.ts', line: 5, code: 'if (true) {\n  1 // => 1\n}' }]);
    expect(extract('x.md', '```sh\nnpm test\n```\n')).toEqual([]);
  });

  test.each([
    ['a wrong value', '1 + 1 // => 3'],
    ['a wrong value of a const', 'const sum = 1 + 1; // => 3'],
    ['a wrong printed value', 'console.log(1 + 1); // => 3'],
    ['a wrong awaited value on the next line', 'await Promise.resolve({ a: [1] });\n// => { a: [2] }'],
    ['a wrong value over several lines', '({ a: 1, b: 2 }); // => {\n//   a: 1,\n//   b: 3 }'],
    ['a wrong value in a loop', 'for (const x of [1, 2]) x // => 1'],
    ['a throw', "throw new Error('example')"],
  ])('%s fails', async (_, code) => {
    await expect(runBlock(code)).rejects.toThrow();
  });

  test('right values pass', async () => {
    await runBlock(`
import { isHoldfastError } from 'holdfast';
const sum = 1 + 1; // => 2
console.log({ sum }); // => { sum: 2 }
await Promise.resolve({ a: [1] });
// => { a: [1] }
({ a: 1, b: 2 }) // => {
//   a: 1,
//   b: 2 }
for (const x of [1, 1]) x // => 1
isHoldfastError(new Error('other')) // => false
`);
  });

  test('a promise that belongs to nothing is refused', () => {
    expect(() => compile(blockOf('const { a } = { a: 1 }; // => 1'))).toThrow('x.md:3');
    expect(() => compile(blockOf('// => 1'))).toThrow('x.md:3');
  });

  test('a type error is found, strictly, on its line', () => {
    const codes = ['const x: number = "1";', '[1].at(0).toFixed()', "import { nothing } from 'holdfast';", '1 +', 'y'];
    const modules = codes.map((code, index) => {
      const block = { ...blockOf(code), file: `type_${String(index)}` };
      return write(block, compile(block));
    });
    for (const found of typeErrors(modules).values()) expect(found[0]).toMatch(/^4: /);
  });

  test.each([
    ['JavaScript', '```js\n1\n```\n'],
    ['no language', '```\n1\n```\n'],
    ['an unknown marker', '```ts skip\n1\n```\n'],
    ['an opt-out', '```ts no-run\n1\n```\n'],
    ['a block that is not closed', '```ts\n1\n'],
  ])('%s is refused', (_, text) => {
    expect(() => extract('x.md', text)).toThrow('x.md:1');
  });

  test('an @example without a block is refused', () => {
    expect(() => extract('x.ts', '/**\n * @example\n * add(1, 2)\n */')).toThrow('x.ts:2');
  });

  test('what it takes to check a block is kept, where it is known', () => {
    expect(blockOf('x', 'ts needs="peers redis"').needs).toEqual(['peers', 'redis']);
    expect(blockOf('x', 'ts needs="process"').needs).toEqual(['process']);
    expect(() => blockOf('x', 'ts needs="luck"')).toThrow('x.md:3');
  });

  test('a block that is saved under a name goes with the next one', () => {
    const [saved, one, two] = [blockOf('a', 'ts file="a.js"'), blockOf('b'), blockOf('c')];
    expect(saved.savedAs).toBe('a.js');
    expect(withFiles([saved, one, two])).toEqual([
      { block: one, files: [saved] },
      { block: two, files: [] },
    ]);
    expect(() => blockOf('x', 'ts file="../a.js"')).toThrow('x.md:3');
  });
});
