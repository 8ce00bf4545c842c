/**
 * Mutation testing, a module at a time, by its own tests: in batches of a few files, each kept as soon as it is over, so that a
 * run may be ended at any moment and gone on with later.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../.ci/subpaths.ts';
import { command } from './command.ts';
import { explained } from './survivors.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { count, percent, source, table } from './text.ts';

/** What came of the mutants of a file. */
interface FileResult {
  /** Of its text: another text is another file. */
  readonly hash: string;
  readonly killed: number;
  readonly timeout: number;
  readonly survived: number;
  readonly noCoverage: number;
  /** Left out by a comment that says why, or because they run once at import. */
  readonly ignored: number;
  /** Line, kind of change and what was written instead, of each that no test has noticed. */
  readonly survivors: readonly string[];
}

interface ModuleResult {
  readonly stamp: Stamp;
  readonly seconds: number;
  /** How many files the module had. */
  readonly of: number;
  readonly files: Readonly<Record<string, FileResult>>;
}

type MutationResult = Readonly<Record<string, ModuleResult>>;

const modules = ['core', 'hashing', 'sharding', 'calls', 'balancing', 'scatter', 'election', 'queue', 'flow', 'live'];
/** A batch ends with the file that makes it longer. */
const batchLines = 1_000;

async function measure({ module, minutes = 60, concurrency, only = '' }: Options): Promise<void> {
  if (module === undefined || !modules.includes(module))
    throw new Error(`--module must be one of ${modules.join(', ')}, got ${String(module)}`);
  const stamp = stampOf(`npm run evidence -- mutation --module ${module}`);
  const untilMs = performance.now() + minutes * 60_000;
  const all = sourcesOf(module);
  const before = (read('mutation') as MutationResult | undefined)?.[module];
  let seconds = before?.seconds ?? 0;
  // What is not there any more, or reads otherwise by now, is not known.
  const files = Object.fromEntries(
    Object.entries(before?.files ?? {}).filter(([file, { hash }]) => all.includes(file) && hash === hashOf(file)),
  );
  const todo = batchesOf(all.filter((file) => file.includes(only) && files[file] === undefined));
  for (const [i, batch] of todo.entries()) {
    const leftMs = untilMs - performance.now();
    if (leftMs < 60_000) break;
    console.log(`batch ${String(i + 1)} of ${String(todo.length)}: ${batch.join(' ')}`);
    const start = performance.now();
    const found = await mutate(module, batch, concurrency, leftMs);
    if (found === undefined) break;
    seconds += (performance.now() - start) / 1_000;
    for (const file of batch) files[file] = found[file] ?? none(file);
    const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
    const own: ModuleResult = { stamp, seconds: Math.round(seconds), of: all.length, files: sorted };
    const others = (read('mutation') as MutationResult | undefined) ?? {};
    write('mutation', { ...others, [module]: own });
  }
  const left = all.filter((file) => files[file] === undefined).length;
  console.log(left === 0 ? `${module} is complete` : `${String(left)} files of ${module} are left: run it again`);
}

/** The files that say something: an index only names. */
function sourcesOf(module: string): string[] {
  return readdirSync(join(root, 'src', module), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${module}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('/index.ts'))
    .sort();
}

function hashOf(file: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, file)))
    .digest('hex')
    .slice(0, 12);
}

function batchesOf(files: readonly string[]): string[][] {
  const batches: string[][] = [];
  let lines = Infinity;
  for (const file of files) {
    if (lines >= batchLines) {
      batches.push([]);
      lines = 0;
    }
    batches.at(-1)!.push(file);
    lines += readFileSync(join(root, file), 'utf8').split('\n').length;
  }
  return batches;
}

/** A file of types has no mutants. */
function none(file: string): FileResult {
  return { hash: hashOf(file), killed: 0, timeout: 0, survived: 0, noCoverage: 0, ignored: 0, survivors: [] };
}

/** What the mutation tester writes, as far as it is read here. */
interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly mutants: readonly {
          readonly status: string;
          readonly mutatorName: string;
          readonly replacement?: string;
          readonly location: { readonly start: { readonly line: number } };
        }[];
      }
    >
  >;
}

/** Undefined: its time was over. */
async function mutate(
  module: string,
  files: readonly string[],
  concurrency: number,
  timeoutMs: number,
): Promise<Record<string, FileResult> | undefined> {
  const folder = join(root, 'reports/mutation');
  mkdirSync(folder, { recursive: true });
  const [config, report] = [join(folder, `${module}.config.json`), join(folder, `${module}.json`)];
  rmSync(report, { force: true });
  const base = JSON.parse(readFileSync(join(root, 'stryker.config.json'), 'utf8')) as Record<string, unknown>;
  const own = {
    mutate: files,
    concurrency,
    incremental: false,
    reporters: ['json'],
    jsonReporter: { fileName: report },
    thresholds: { high: 90, low: 85, break: null },
    vitest: { configFile: 'evidence/mutation.vitest.config.ts' },
    tempDirName: `.stryker-tmp/${module}`,
    cleanTempDir: 'always',
  };
  writeFileSync(config, JSON.stringify({ ...base, ...own, $schema: undefined, incrementalFile: undefined }));
  const { code, output, timedOut } = await command('npx', ['stryker', 'run', config], {
    timeoutMs,
    env: { HOLDFAST_MODULE: module },
  });
  rmSync(join(root, '.stryker-tmp', module), { recursive: true, force: true });
  if (timedOut) return undefined;
  if (code !== 0) throw new Error(`stryker has failed:\n${output.slice(-4_000)}`);
  const { files: found } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return Object.fromEntries(Object.entries(found).map(([file, { mutants }]) => [file, resultOf(file, mutants)]));
}

function resultOf(file: string, mutants: Report['files'][string]['mutants']): FileResult {
  const of = (...statuses: readonly string[]): number =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  return {
    hash: hashOf(file),
    killed: of('Killed'),
    timeout: of('Timeout'),
    survived: of('Survived'),
    noCoverage: of('NoCoverage'),
    ignored: of('Ignored'),
    survivors: mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .map(({ status, mutatorName, replacement = '', location }) => {
        const written = replacement.replaceAll(/\s+/g, ' ').slice(0, 60);
        return `${String(location.start.line)} ${mutatorName}: ${written}${status === 'Survived' ? '' : ' (not reached)'}`;
      }),
  };
}

/** Of the mutants that a test could have noticed, the share that one has; those that only made it run too long apart. */
function tell(): string | undefined {
  const result = read('mutation') as MutationResult | undefined;
  if (result === undefined) return undefined;
  const parts = modules.flatMap((module) => (result[module] === undefined ? [] : [{ module, ...result[module] }]));
  const rows = parts.map(({ module, files, of, stamp }) => {
    const sum = (of: (file: FileResult) => number): number =>
      Object.values(files).reduce((all, file) => all + of(file), 0);
    const [killed, timeout, survived, noCoverage] = [
      sum((file) => file.killed),
      sum((file) => file.timeout),
      sum((file) => file.survived),
      sum((file) => file.noCoverage),
    ];
    const known = Object.entries(files).reduce((all, [file, { survivors }]) => all + explainedOf(file, survivors), 0);
    const measured = Object.keys(files).length;
    return [
      `\`${module}\``,
      percent(killed, killed + survived + noCoverage),
      percent(killed + timeout, killed + timeout + survived + noCoverage),
      count(killed),
      count(timeout),
      count(survived),
      count(noCoverage),
      count(known),
      measured === of ? 'all' : `${String(measured)} of ${String(of)}`,
      `${stamp.date}, ${stamp.commit}`,
    ];
  });
  const reasons = explained.map(
    ({ file, line, mutator, reason }) => `- \`${file}\`, line ${String(line)}, ${mutator}: ${reason}`,
  );
  const head = [
    'module',
    'score',
    'with timeouts',
    'killed',
    'timeouts',
    'survived',
    'not reached',
    'explained',
    'files',
    'measured',
  ];
  return [
    'Small changes are made to the code, one at a time, and the tests of its module are run. The score is the share of the changes that a test notices; a change that only makes a test run too long is counted apart, in the second column. “Explained” are survivors that change nothing which can be seen.',
    table(head, rows),
    ...(reasons.length === 0 ? [] : [reasons.join('\n')]),
    source(
      { ...parts[0]!.stamp, command: 'npm run evidence -- mutation --module <name>' },
      'the last columns say what was measured when',
    ),
  ].join('\n\n');
}

function explainedOf(file: string, survivors: readonly string[]): number {
  return survivors.filter((survivor) =>
    explained.some((one) => one.file === file && survivor.startsWith(`${String(one.line)} ${one.mutator}:`)),
  ).length;
}

export const mutation: Section = { name: 'mutation', measure, tell };
