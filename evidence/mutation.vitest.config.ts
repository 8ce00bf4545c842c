/** The tests of one module, `HOLDFAST_MODULE`: those that run within one process, and need no server. */
import { defineConfig } from 'vitest/config';
import sources from '../vitest.config.ts';

const module = process.env['HOLDFAST_MODULE'];
if (module === undefined) throw new Error('HOLDFAST_MODULE must name a module');

/** Conformance suites are tests of the module whose stores they try; that of placements is run by its own tests. */
const suites: Readonly<Record<string, string>> = {
  election: 'test/testing/lease-store-suite.test.ts',
  queue: 'test/testing/queue-store-suite.test.ts',
};
const suite = suites[module];

export default defineConfig({
  ...sources,
  test: {
    ...sources.test,
    include: [`test/${module}/**/*.test.ts`, ...(suite === undefined ? [] : [suite])],
    exclude: [
      '**/node_modules/**',
      'test/*/real/**',
      'test/*/processes/**',
      'test/**/*processes.test.ts',
      'test/**/{kill,exit,idle,watchdog}.test.ts',
      'test/**/stores/{redis,postgres,etcd,bullmq*}.test.ts',
    ],
    // Of a mutant the time is judged by the mutation tester, by what the test took without it.
    testTimeout: 600_000,
    reporters: [],
  },
});
