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
  queue: '27 kB',
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

/** What is ours of a subpath, or of one of its functions: minified, gzip, without the runtime dependencies. */
const own = (name: string, limit: string, only?: string): SizeLimitConfig[number] => ({
  name: `holdfast/${name}${only === undefined ? '' : ` { ${only} }`}, without dependencies`,
  path: `dist/${name}.js`,
  ...(only !== undefined && { import: `{ ${only} }` }),
  limit,
  gzip: true,
  ignore: [...ignore, 'eventemitter3', 'p-limit'],
});

export default [
  ...whole,
  single('scatterGather', '7.9 kB'),
  single('hedge', '5.8 kB'),
  own('flow', '9.3 kB'),
  own('flow', '3.5 kB', 'merge'),
] satisfies SizeLimitConfig;
