/**
 * Runs the benchmark: `run.ts [suite …] [option …]`; see README.md.
 *
 * What runs under tsx is this launcher alone. Each suite, and the few internal files that some reach, is bundled with the
 * library's own bundler and measured in a plain Node process of its own: tsx wraps each inner function that gets a name,
 * which can cost more than what is measured, and a suite must not depend on what ran before it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'tsup';
import { options } from './options.ts';

const bench = dirname(fileURLToPath(import.meta.url));

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const args = process.argv.slice(2);
const { positionals } = parseArgs({ args, options, allowPositionals: true });
const suites = readdirSync(join(bench, 'suites')).map((file) => basename(file, '.ts'));
const unknown = positionals.filter((name) => !suites.includes(name));
if (unknown.length > 0) fail(`no such suite: ${unknown.join(', ')}; there are: ${suites.join(', ')}`);
const { dependencies } = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};
for (const peer of Object.keys(dependencies)) {
  if (!existsSync(join(bench, 'node_modules', peer))) fail(`${peer} is missing: npm --prefix bench ci`);
}
if (!existsSync(join(bench, '../dist/index.js'))) fail('dist is missing: npm run build');

// Below bench/node_modules, so that the peers are found from there.
const outDir = join(bench, 'node_modules/.cache/bench');
await build({
  config: false,
  entry: {
    main: join(bench, 'main.ts'),
    ...Object.fromEntries(suites.map((name) => [`suites/${name}`, join(bench, 'suites', `${name}.ts`)])),
  },
  outDir,
  clean: true,
  format: 'esm',
  splitting: true,
  target: 'node20',
  tsconfig: join(bench, 'tsconfig.json'),
  skipNodeModulesBundle: true,
  silent: true,
});

for (const suite of suites.filter((name) => positionals.length === 0 || positionals.includes(name))) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(outDir, 'main.js'), bench, suite, ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
