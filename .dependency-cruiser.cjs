/** The layers of src: what each folder may import, `types of` as types only. A folder that is not named here is refused. */
const layers = {
  core: [],
  hashing: ['core'],
  calls: ['core', 'hashing'],
  balancing: ['core', 'calls'],
  scatter: ['core', 'calls'],
  sharding: ['core', 'hashing', 'calls', 'balancing'],
  election: ['core', 'hashing'],
  flow: ['core', 'types of hashing'],
  queue: ['core', 'calls', 'types of flow'],
  live: ['core'],
};
layers.testing = Object.keys(layers);

/** Folders whose inner files others may import: what the patterns are built from; their index.ts is the public part. */
const shared = ['^src/core/', '^src/calls/'];

const folders = Object.keys(layers).join('|');
const platform = ['^src/[^/]+/(stores|pools)/', '^src/election/watchdog\\.ts$', '\\.node\\.ts$'];

const layerRules = Object.entries(layers).flatMap(([folder, imports]) => {
  const typesOf = imports.filter((name) => name.startsWith('types of ')).map((name) => name.slice('types of '.length));
  const known = [folder, ...imports, ...typesOf].join('|');
  const rule = {
    name: `layer-${folder}`,
    severity: 'error',
    comment: `${folder} may import: ${imports.join(', ') || 'nothing of ours'}`,
    from: { path: `^src/${folder}/` },
    to: { path: '^src/', pathNot: `^src/(${known})/` },
  };
  const typeRules = typesOf.map((name) => ({
    ...rule,
    name: `layer-${folder}-types-of-${name}`,
    to: { path: `^src/${name}/`, dependencyTypesNot: ['type-only'] },
  }));
  return [rule, ...typeRules];
});

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'unknown-layer',
      severity: 'error',
      comment: 'Give the new folder its place in `layers`.',
      from: { path: `^src/(?!(${folders})/)[^/]+/` },
      to: {},
    },
    {
      name: 'only-through-index',
      severity: 'error',
      comment:
        'A folder is imported through its index.ts; what is not public and yet needed elsewhere is named in `shared`.',
      from: { path: '^src/([^/]+)(?:/|$)' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', ...shared] },
    },
    {
      name: 'testing-is-a-leaf',
      severity: 'error',
      comment: 'Nothing of the library needs what is for tests.',
      from: { path: '^src/(?!testing/)' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'stores-by-their-own-subpath',
      severity: 'error',
      comment:
        'Who imports a pattern does not pay for its stores, nor need their platform; but for those that are of the pattern itself.',
      from: { path: ['^src/index\\.ts$', '^src/[^/]+/index\\.ts$'] },
      to: { path: '^src/[^/]+/stores/', pathNot: '/(memory|from-source)\\.ts$', reachable: true },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'platform-neutral',
      severity: 'error',
      comment: 'Runs in a browser too; node: belongs to stores, pools and *.node.ts.',
      from: { path: '^src/', pathNot: platform },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|simulations|bench|docs|\\.ci)/' },
    },
    {
      name: 'src-declares-what-it-imports',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        // A peer is declared, and among those of development too, for our own tests.
        dependencyTypesNot: ['npm-peer'],
      },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'examples-use-the-public-api',
      severity: 'error',
      from: { path: '^(examples|simulations)/' },
      to: { path: '^src/', dependencyTypesNot: ['aliased-tsconfig-paths'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
