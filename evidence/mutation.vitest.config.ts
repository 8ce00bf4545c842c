/** The tests of one module, `HOLDFAST_MODULE`: those that run within one process, and need no server. */
import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import sources from '../vitest.config.ts';

const module = process.env['HOLDFAST_MODULE'];
if (module === undefined) throw new Error('HOLDFAST_MODULE must name a module');

/** Conformance suites are tests of the module whose stores they try; that of placements is run by its own tests. */
const suites: Readonly<Record<string, string>> = {
  election: 'test/testing/lease-store-suite.test.ts',
  queue: 'test/testing/queue-store-suite.test.ts',
};
const suite = suites[module];

/** What is quick comes first, by the longest that each file took yet: with the first failure the rest is not run any more. */
class QuickFirst extends BaseSequencer {
  static readonly #longest = new Map<string, number>();

  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => this.#longestOf(a) - this.#longestOf(b)));
  }

  #longestOf({ project, moduleId }: TestSpecification): number {
    const { cache, config } = this.ctx;
    const { duration = 0 } = cache.getFileTestResults(`${project.name}:${relative(config.root, moduleId)}`) ?? {};
    const longest = Math.max(duration, QuickFirst.#longest.get(moduleId) ?? 0);
    QuickFirst.#longest.set(moduleId, longest);
    return longest;
  }
}

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
    setupFiles: ['test/support/setup.ts', 'evidence/mutation-setup.ts'],
    reporters: [],
    isolate: false, // each mutant has a worker of its own, in which the files of a module are loaded once
    sequence: { sequencer: QuickFirst },
  },
});
