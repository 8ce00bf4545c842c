import type { KnipConfig } from 'knip';
import { subpaths } from './.ci/subpaths.ts';

const config: KnipConfig = {
  entry: [
    ...subpaths.map(({ source }) => `${source}!`),
    'examples/*/main.ts',
    'examples/*/*-{process,thread,worker}.ts',
    'simulations/{run,simulate-process}.ts',
    '.ci/*.ts',
    'test/package/consumers/*',
    'test/election/stores/*-process.ts',
    'test/queue/journal/*-process.ts',
  ],
  project: ['src/**/*.ts!', 'test/**/*.ts', 'examples/**/*.ts', 'simulations/**/*.ts', '.ci/**/*.ts'],
  // Imported once the queue is here; declared so that its advisories reach the users' audits.
  ignoreDependencies: ['p-queue'],
};
export default config;
