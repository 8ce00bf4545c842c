/** The rules of .dependency-cruiser.cjs refuse what they are there to refuse, and nothing that they should not. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

/** File → what it imports. Each of these breaks the one rule that is named beside it. */
const forbidden: Record<string, readonly [rule: string, imports: string]> = {
  'src/core/a.ts': ['layer-core', "import '../hashing/index.ts';"],
  'src/hashing/a.ts': ['layer-hashing', "import '../calls/index.ts';"],
  'src/calls/a.ts': ['layer-calls', "import '../balancing/index.ts';"],
  'src/balancing/a.ts': ['layer-balancing', "import '../scatter/index.ts';"],
  'src/scatter/a.ts': ['layer-scatter', "import '../balancing/index.ts';"],
  'src/sharding/a.ts': ['layer-sharding', "import '../scatter/index.ts';"],
  'src/election/a.ts': ['layer-election', "import '../calls/index.ts';"],
  'src/flow/a.ts': ['layer-flow', "import '../calls/index.ts';"],
  'src/flow/b.ts': ['layer-flow-types-of-hashing', "import { x } from '../hashing/index.ts'; x;"],
  'src/queue/a.ts': ['layer-queue', "import '../hashing/index.ts';"],
  'src/queue/b.ts': ['layer-queue-types-of-flow', "import { x } from '../flow/index.ts'; x;"],
  'src/live/a.ts': ['layer-live', "import '../calls/index.ts';"],
  'src/calls/b.ts': ['layer-calls', "import '../index.ts';"],
  'src/testing/a.ts': ['layer-testing', "import '../index.ts';"],
  'src/extra/a.ts': ['unknown-layer', "import '../core/index.ts';"],
  'src/calls/e.ts': ['only-through-index', "import '../hashing/inner.ts';"],
  'src/index.ts': ['only-through-index', "import './hashing/inner.ts';"],
  'src/calls/d.ts': ['testing-is-a-leaf', "import '../testing/index.ts';"],
  'src/election/index.ts': ['stores-by-their-own-subpath', "import './inner.ts';"],
  'src/core/cycle-a.ts': ['no-cycle', "import './cycle-b.ts';"],
  'src/core/b.ts': ['platform-neutral', "import 'node:fs';"],
  'src/core/c.ts': ['platform-neutral', "import 'path';"],
  'src/core/d.ts': ['src-stands-alone', "import '../../test/helper.ts';"],
  'src/core/e.ts': ['src-stands-alone', "import '../../examples/one/main.ts';"],
  'src/core/f.ts': ['src-declares-what-it-imports', "import 'vitest';"],
  'src/core/g.ts': ['resolvable', "import './missing.ts';"],
  'src/core/h.ts': ['layer-core', "import type { x } from '../hashing/index.ts'; export type Y = x;"],
  'examples/two/main.ts': ['examples-use-the-public-api', "import '../../src/core/index.ts';"],
};

const allowed: Record<string, string> = {
  'src/core/index.ts': "import './inner.ts';",
  'src/core/inner.ts': "import 'eventemitter3';",
  'src/core/cycle-b.ts': "import './cycle-a.ts';",
  'src/core/context.node.ts': "import 'node:async_hooks';",
  'src/hashing/index.ts': "import '../core/index.ts'; export type x = 1;",
  'src/hashing/inner.ts': "import '../core/inner.ts';",
  'src/calls/race.ts': "import '../core/index.ts';",
  'src/calls/index.ts': "import '../core/index.ts'; import '../hashing/index.ts';",
  'src/balancing/index.ts': "import '../calls/index.ts';",
  'src/scatter/index.ts': "import '../calls/index.ts'; import '../calls/race.ts';",
  'src/flow/index.ts': "import type { x } from '../hashing/index.ts'; export type Y = x;",
  'src/queue/index.ts': "import type { Y } from '../flow/index.ts'; export type Z = Y;",
  'src/queue/stores/journal.ts': "import 'node:fs'; import '../index.ts';",
  'src/queue/pools/threads.ts': "import 'node:worker_threads';",
  'src/election/inner.ts': "import './stores/file.ts'; import './stores/memory.ts';",
  'src/election/stores/file.ts': "import 'node:fs';",
  'src/election/stores/memory.ts': "import '../../core/index.ts';",
  'src/election/watchdog.ts': "import 'node:worker_threads';",
  'src/testing/index.ts': "import '../calls/index.ts'; import '../queue/index.ts';",
  'test/helper.ts': "import '../src/core/inner.ts';",
  'examples/one/main.ts': "import 'holdfast/core';",
};

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}
let violations: readonly Violation[];
const folder = mkdtempSync(join(tmpdir(), 'holdfast-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [path, text] of Object.entries(allowed)) write(path, `${text}\n`);
  for (const [path, [, text]] of Object.entries(forbidden)) write(path, `${text}\n`);
  const paths = { 'holdfast/*': ['./src/*/index.ts'] };
  write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'nodenext', paths } }));
  const dependencies = { dependencies: { eventemitter3: '*' }, devDependencies: { vitest: '*' } };
  write('package.json', JSON.stringify({ type: 'module', ...dependencies }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');

  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  const args = [cruiser, '--config', config, '--output-type', 'json', 'src', 'test', 'examples'];
  const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  ({ violations } = (JSON.parse(output) as { summary: { violations: Violation[] } }).summary);
}, 60_000);

test.each(Object.entries(forbidden))('%s is refused by %o', (file, [rule]) => {
  expect(violations.filter(({ from }) => from === file).map((violation) => violation.rule.name)).toContain(rule);
});

test('nothing else is refused', () => {
  const refused = violations.filter(({ from }) => from in allowed);
  // One side of the cycle is as good as the other.
  expect(refused.filter(({ rule }) => rule.name !== 'no-cycle')).toEqual([]);
});

test('every rule is proved', async () => {
  const { default: config } = (await import(join(root, '.dependency-cruiser.cjs'))) as {
    default: { forbidden: { name: string }[] };
  };
  const proved = new Set(Object.values(forbidden).map(([rule]) => rule));
  expect(config.forbidden.map(({ name }) => name).filter((name) => !proved.has(name))).toEqual([]);
});
