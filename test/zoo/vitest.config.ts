/**
 * The tests of the repository on a variant of its code: `HOLDFAST_VARIANT` names it. No file is touched: the one module is
 * changed on its way into the tests. `HOLDFAST_VERDICT` names the file that is to say what came of it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import type { TestModule } from 'vitest/node';
import { root } from '../../.ci/subpaths.ts';
import sources from '../../vitest.config.ts';
import { failureOf, type Verdict } from './verdict.ts';
import { planted } from './variant.ts';
import { variants } from './variants.ts';

const id = process.env['HOLDFAST_VARIANT'];
const variant = variants.find((one) => one.id === id);
if (variant === undefined) throw new Error(`HOLDFAST_VARIANT must be the id of a variant, got ${String(id)}`);
const path = join(root, variant.file);
// Here too, for what a plugin throws is a failure of each test.
planted(readFileSync(path, 'utf8'), variant);
let isLoaded = false;

const plant: Plugin = {
  name: 'holdfast-variant',
  enforce: 'pre',
  transform(code, file) {
    if (file.split('?')[0] !== path) return undefined;
    isLoaded = true;
    return { code: planted(code, variant), map: null };
  },
};

const reporter = {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.flatMap((module) => [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => [...suite.errors()]),
    ]);
    const verdict: Verdict = {
      isLoaded,
      passed: tests.filter((test) => test.result().state === 'passed').length,
      failures: tests.flatMap((test) => {
        const { state, errors = [] } = test.result();
        return state === 'failed' ? [failureOf(test.fullName, errors)] : [];
      }),
      broken: broken.map(({ message }) => message),
    };
    const to = process.env['HOLDFAST_VERDICT'];
    if (to === undefined) console.log(JSON.stringify(verdict, undefined, 2));
    else writeFileSync(to, JSON.stringify(verdict));
  },
};

export default defineConfig({
  ...sources,
  plugins: [plant],
  test: {
    ...sources.test,
    root,
    include: [...variant.tests],
    exclude: ['**/node_modules/**'],
    ...(variant.only !== undefined && { testNamePattern: variant.only }),
    maxWorkers: 1,
    // A test that hangs is one of many.
    testTimeout: 20_000,
    // The first that fails is enough, and many that hang would take long.
    bail: 1,
    reporters: [reporter],
  },
});
