import { builtinModules } from 'node:module';
import type { SizeLimitConfig } from 'size-limit';
import { subpaths } from './.ci/subpaths.ts';

/** What a browser would load for all of a subpath, dependencies included: minified, brotli. Measured + about 15 %. */
const budgets: Record<string, string> = {
  index: '71 kB',
  core: '3.7 kB',
  hashing: '17 kB',
  calls: '18.9 kB',
  balancing: '16 kB',
  scatter: '9.1 kB',
  sharding: '9.9 kB',
  election: '11.8 kB',
  'election/watchdog': '2.4 kB',
  'election/file': '4.1 kB',
  'election/redis': '4.5 kB',
  'election/postgres': '4.5 kB',
  'election/etcd': '5 kB',
  flow: '10.7 kB',
  live: '7.8 kB',
  queue: '30 kB',
  'queue/journal': '14 kB',
  'queue/bullmq': '10.6 kB',
  'queue/threads': '9.9 kB',
  'queue/processes': '9.6 kB',
  'queue/pqueue': '2.7 kB',
  testing: '47 kB',
};

const ignore = [...builtinModules, 'node:*'];

const whole = subpaths.map(({ specifier, name }) => {
  const limit = budgets[name];
  if (limit === undefined) throw new Error(`No size budget for ${specifier}: add it to .size-limit.ts`);
  return { name: specifier, path: `dist/${name}.js`, limit, ignore };
});

/** Whoever imports one function from the root pays for one function. */
const single = (function_: string, limit: string): SizeLimitConfig[number] => ({
  name: `holdfast { ${function_} }`,
  path: 'dist/index.js',
  import: `{ ${function_} }`,
  limit,
});

/**
 * What an operator adds to the kernel that all patterns share: its own code, options and errors included; gzip. The statements
 * that import from the kernel are counted too, those of each file: half a kilobyte for all of `flow`.
 */
const own = (folder: string, function_: string, limit: string): SizeLimitConfig[number] => ({
  name: `holdfast/${folder} { ${function_} }, own code`,
  path: `src/${folder}/index.ts`,
  import: `{ ${function_} }`,
  limit,
  gzip: true,
  ignore: [...ignore, 'eventemitter3', 'p-limit', '../core/*'],
});

export default [
  ...whole,
  single('scatterGather', '7.9 kB'),
  single('hedge', '5.8 kB'),
  own('flow', 'merge', '1.25 kB'),
  own(
    'flow',
    'flow, map, filter, expand, copy, split, shard, merge, barrier, reduce, each, values, count, sum, histogram, all, FlowEvents',
    '7 kB',
  ),
  own('live', 'live', '2.5 kB'),
  own('live', 'live, poll, probe', '3.7 kB'),
] satisfies SizeLimitConfig;
