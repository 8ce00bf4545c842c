import type { KnipConfig } from 'knip';
import { subpaths } from './.ci/subpaths.ts';

const config: KnipConfig = {
  entry: [
    ...subpaths.map(({ source }) => `${source}!`),
    'examples/*/main.ts',
    'examples/*/*-{process,thread,worker}.ts',
    'simulations/{run,simulate-process}.ts',
    'evidence/{run,mutation-setup,mutation.vitest.config}.ts',
    'test/zoo/vitest.config.ts',
    '.ci/*.{ts,mjs}',
    'test/package/consumers/*',
    'test/{election,queue}/**/*-process.ts',
  ],
  project: [
    'src/**/*.ts!',
    'test/**/*.ts',
    'examples/**/*.ts',
    'simulations/**/*.ts',
    'evidence/**/*.ts',
    '.ci/**/*.{ts,mjs}',
  ],
};
export default config;
