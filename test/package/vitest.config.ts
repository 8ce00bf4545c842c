import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { root } from '../../.ci/subpaths.ts';
import sources from '../../vitest.config.ts';

export default defineConfig({
  // In the tests themselves `holdfast` is the sources: what the tarball is compared with.
  resolve: sources.resolve!,
  test: {
    root,
    include: ['test/package/*.test.ts'],
    // They install from the registry and run compilers.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    reporters: ['default', join(root, 'test/support/closing-line-reporter.ts')],
  },
});
