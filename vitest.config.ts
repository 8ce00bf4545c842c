import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { root, subpaths } from './.ci/subpaths.ts';

/** Tests of the tools and texts, which cannot kill a mutant. */
const beside =
  process.env['STRYKER_MUTATOR_WORKER'] === undefined
    ? []
    : ['test/{docs,rules,config,examples,simulations,zoo,evidence}/**'];

export default defineConfig({
  resolve: {
    alias: subpaths.map(({ specifier, source }) => ({
      find: new RegExp(`^${specifier}$`),
      replacement: join(root, source),
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    // test/package runs against the packed tarball and has its own configuration.
    exclude: ['test/package/**', '**/node_modules/**', ...beside],
    // Processes, not threads: tests may start workers and children, change signals and collect garbage.
    pool: 'forks',
    // Many tests wait for processes and leases: of two cores the default would use one.
    maxWorkers: '100%',
    // Against hanging only: no test judges time, and a busy machine may take its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['test/support/setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/index.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 90 },
    },
  },
});
