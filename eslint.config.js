import { existsSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const seam = 'Time and chance come in through `runtime` (core/runtime.ts).';
const ambient = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'];
const ambientMembers = {
  Math: ['random'],
  process: ['nextTick', 'hrtime', 'uptime'],
  crypto: ['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'webcrypto'],
  AbortSignal: ['any', 'timeout'],
  // The same through the global object; these four have no other use than the members above.
  globalThis: [...ambient, 'Math', 'process', 'crypto', 'AbortSignal'],
};

/** Everywhere in src, `core` included. */
const noSideEffects = [
  {
    selector:
      ':matches(AwaitExpression, ForOfStatement[await=true], VariableDeclaration[kind="await using"]):not(:function *)',
    message: 'No top-level await: it breaks require() of an ES module.',
  },
  { selector: 'ExportAllDeclaration', message: 'Name the exports: the diff of an index.ts is the diff of the API.' },
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
];

export default defineConfig(
  globalIgnores([
    'dist/',
    'coverage/',
    'docs/api/',
    'reports/',
    '.stryker-tmp/',
    '.cache/',
    // The peers' types are needed to lint the benchmark: `npm --prefix bench install` brings them.
    ...(existsSync('bench/node_modules') ? ['bench/node_modules/'] : ['bench/']),
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions', 'methods'] }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An abort reason is `unknown` and is passed on as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowRethrowing: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // noUncheckedIndexedAccess cannot see that an index was checked; `!` is the short way to say so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `async` without `await` is how a function turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-console': 'error', 'no-restricted-syntax': ['error', ...noSideEffects] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/core/**'],
    rules: {
      'no-restricted-globals': ['error', ...ambient.map((name) => ({ name, message: seam }))],
      'no-restricted-properties': [
        'error',
        ...Object.entries(ambientMembers).flatMap(([object, properties]) =>
          properties.map((property) => ({ object, property, message: seam })),
        ),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...['timers', 'timers/promises', 'perf_hooks'].map((name) => ({ name: `node:${name}`, message: seam })),
            { name: 'node:process', importNames: ['default', ...ambientMembers.process], message: seam },
            { name: 'node:crypto', importNames: ['default', ...ambientMembers.crypto], message: seam },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests take methods apart and make odd classes on purpose.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
  {
    files: ['examples/**/*.ts', 'simulations/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/src/**'], message: 'An example imports what a user would: holdfast/…' }] },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [...Object.getOwnPropertyNames(globalThis), 'module', 'require'].map((name) => [name, 'readonly']),
      ),
    },
  },
);
