/** Every rule of ours refuses what it is there to refuse: a rule that cannot fail is a defect. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, test } from 'vitest';
import tseslint from 'typescript-eslint';
import { root } from '../../.ci/subpaths.ts';

// Snippets are in no project: the rules that ask for types are left to `npm run lint`.
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [
    {
      ...tseslint.configs.disableTypeChecked,
      languageOptions: { parserOptions: { projectService: false, program: null, project: false } },
    },
  ],
});

const refusals = async (code: string, filePath: string): Promise<string[]> => {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: join(root, filePath) });
  return result!.messages
    .map(({ ruleId, message }) => ruleId ?? message)
    .filter((rule) => /^no-(restricted|console)/.test(rule));
};

describe('time and chance', () => {
  const snippets = [
    ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].flatMap((name) => [
      `export const x = ${name};`,
      `export const x = globalThis.${name};`,
      `export const { ${name}: x } = globalThis;`,
    ]),
    'export const x = Date.now();',
    'export const x = new Date();',
    'export const x = Math.random();',
    'export const { random } = Math;',
    'export const x = globalThis.Math.random();',
    'process.nextTick(f);',
    'export const x = process.hrtime();',
    'export const x = crypto.randomUUID();',
    'export const x = crypto.getRandomValues(new Uint8Array(8));',
    'export const x = globalThis.crypto.randomUUID();',
    'export const x = AbortSignal.any([]);',
    'export const x = AbortSignal.timeout(1);',
    'export const x = globalThis.AbortSignal.any([]);',
    "export { setTimeout } from 'node:timers/promises';",
    "import { setTimeout } from 'node:timers'; export const x = setTimeout;",
    "import { performance } from 'node:perf_hooks'; export const x = performance;",
    "import { randomUUID } from 'node:crypto'; export const x = randomUUID();",
    "import * as crypto from 'node:crypto'; export const x = crypto.randomInt(3);",
    "import { nextTick } from 'node:process'; nextTick(f);",
  ];

  test.each(snippets)('%s', async (code) => {
    expect(await refusals(code, 'src/queue/stores/journal.ts')).not.toEqual([]);
    expect(await refusals(code, 'src/core/clock.ts')).toEqual([]);
  });

  test('what only looks like it is allowed, and so is an exception with a reason', async () => {
    const code = 'export const x = (clock: { setTimeout(): void }) => clock.setTimeout();';
    expect(await refusals(code, 'src/calls/hedge.ts')).toEqual([]);
    const lifted = '// eslint-disable-next-line no-restricted-properties -- an id, not a draw\ncrypto.randomUUID();';
    expect(await refusals(lifted, 'src/calls/hedge.ts')).toEqual([]);
  });
});

describe('modules without side effects', () => {
  test.each([
    'await f();',
    'for await (const x of xs) f(x);',
    'export const x = [await f()];',
    'if (x) { await f(); }',
    "export * from './clock.ts';",
    'export default 1;',
    'console.log(1);',
  ])('%s', async (code) => {
    expect(await refusals(code, 'src/core/clock.ts')).not.toEqual([]);
  });

  test('await in functions is allowed', async () => {
    const code = 'export const f = async () => { for await (const x of xs) await x; };';
    expect(await refusals(code, 'src/core/clock.ts')).toEqual([]);
  });
});

test('an example imports only what a user can', async () => {
  const code = (from: string): string => `import { x } from '${from}'; f(x);`;
  expect(await refusals(code('../../src/core/index.ts'), 'examples/search/main.ts')).toEqual(['no-restricted-imports']);
  expect(await refusals(code('holdfast/core'), 'examples/search/main.ts')).toEqual([]);
});

describe('an exception to a rule names the rule and the reason', () => {
  const unexplained = (text: string): string[] =>
    [...text.matchAll(/(?:\/\/|\/\*)\s*eslint-disable(?:-next-line|-line)?\b(.*)/g)]
      .filter(([, rest = '']) => !/^\s+[@\w/-]+(?:,\s*[@\w/-]+)*\s+--\s+\S/.test(rest))
      .map(([comment]) => comment);

  test('in the whole repository', () => {
    for (const folder of ['src', 'test', 'examples', 'bench', '.ci'].filter((name) => existsSync(join(root, name)))) {
      for (const path of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
        if (!/\.[cm]?[jt]s$/.test(path) || path.includes('node_modules')) continue;
        const text = readFileSync(join(root, folder, path), 'utf8');
        if (!text.includes('an exception to a rule names')) expect(unexplained(text), join(folder, path)).toEqual([]);
      }
    }
  });

  test.each(['// eslint-disable-next-line', '/* eslint-disable */', '// eslint-disable-line no-console'])(
    '%s is refused',
    (comment) => {
      expect(unexplained(comment)).toHaveLength(1);
      expect(unexplained('// eslint-disable-next-line no-console, eqeqeq -- why')).toEqual([]);
    },
  );
});
