/** All that CI checks, cheap and telling first: `check.ts [--skip step]… [step …]`. Stops at the first failure. */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { root } from './subpaths.ts';

/** Step → npm script. What reads `dist` stands after `build`. */
const steps: Readonly<Record<string, readonly string[]>> = {
  test: ['test'],
  format: ['format:check'],
  lint: ['lint'],
  deps: ['lint:deps'],
  types: ['typecheck'],
  'types-7': ['typecheck:7'],
  unused: ['lint:unused'],
  markdown: ['lint:markdown'],
  coverage: ['coverage'],
  // Writes the report again and compares.
  simulate: ['simulate', '--', '--check'],
  // Some of the variants, others with each commit, and whether the document is what was measured.
  evidence: ['evidence', '--', '--check'],
  build: ['build'],
  package: ['lint:package'],
  api: ['api'],
  size: ['size'],
  // Answers only, no times; its peers bring the types.
  bench: ['bench:check'],
  'types-bench': ['typecheck:bench'],
  tarball: ['test:matrix', '--', '--package'],
  docs: ['docs'],
};

const { values, positionals } = parseArgs({
  options: { skip: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
});
const unknown = [...values.skip, ...positionals].filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0)
  throw new Error(`unknown step: ${unknown.join(', ')}; there are: ${Object.keys(steps).join(', ')}`);

const wanted = Object.entries(steps)
  .filter(([name]) => positionals.length === 0 || positionals.includes(name))
  .filter(([name]) => !values.skip.includes(name));

for (const [name, script] of wanted) {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', ...script], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  if (status !== 0) {
    console.log(`check failed at: ${name} (npm run ${script.join(' ')})`);
    process.exit(1);
  }
}
