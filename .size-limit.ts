import { builtinModules } from 'node:module';
import type { SizeLimitConfig } from 'size-limit';
import { subpaths } from './.ci/subpaths.ts';

/** What a browser would load for all of a subpath, dependencies included: minified, brotli. Measured + about 15 %. */
const budgets: Record<string, string> = {
  index: '34.2 kB',
  core: '3.7 kB',
  hashing: '17 kB',
  calls: '3.8 kB',
  balancing: '10.9 kB',
  scatter: '5.9 kB',
  sharding: '9.9 kB',
  testing: '17.6 kB',
};

const ignore = [...builtinModules, 'node:*'];

const whole = subpaths.map(({ specifier, name }) => {
  const limit = budgets[name];
  if (limit === undefined) throw new Error(`No size budget for ${specifier}: add it to .size-limit.ts`);
  return { name: specifier, path: `dist/${name}.js`, limit, ignore };
});

/** Whoever imports one function from the root pays for one function. */
const single = {
  name: 'holdfast { scatterGather }',
  path: 'dist/index.js',
  import: '{ scatterGather }',
  limit: '5.9 kB',
};

export default [...whole, single] satisfies SizeLimitConfig;
