/**
 * Mutation testing, a module at a time, by its own tests: in batches of a few files, each kept as soon as it is over, so that a
 * run may be ended at any moment and gone on with later. With `again` only what no test had noticed is tried.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../.ci/subpaths.ts';
import { lineOf, mutatorOf, rangeOf, type Tally, tallyOf, triedAgain } from './mutants.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { mutantsOf } from './stryker.ts';
import { explained } from './survivors.ts';
import { count, percent, source, table } from './text.ts';

interface FileResult extends Tally {
  /** Of its text: another text is another file. */
  readonly hash: string;
}

interface ModuleResult {
  readonly stamp: Stamp;
  readonly seconds: number;
  /** How many files the module had. */
  readonly of: number;
  readonly files: Readonly<Record<string, FileResult>>;
}

export type MutationResult = Readonly<Record<string, ModuleResult>>;

const modules = ['core', 'hashing', 'sharding', 'calls', 'balancing', 'scatter', 'election', 'queue', 'flow', 'live'];
/** A batch ends with the file that makes it longer. */
const batchLines = 1_000;

async function measure(options: Options): Promise<void> {
  const { module } = options;
  if (module !== undefined && !modules.includes(module))
    throw new Error(`--module must be one of ${modules.join(', ')}, got ${module}`);
  for (const one of module === undefined ? modules : [module]) await measureModule(one, options);
}

async function measureModule(module: string, { minutes = 120, concurrency, only = '', again }: Options): Promise<void> {
  const stamp = stampOf(`npm run evidence -- mutation --module ${module}`);
  const untilMs = performance.now() + minutes * 60_000;
  const all = sourcesOf(module);
  const before = (read('mutation') as MutationResult | undefined)?.[module];
  let seconds = before?.seconds ?? 0;
  // What is not there any more, or reads otherwise by now, is not known.
  const files = Object.fromEntries(
    Object.entries(before?.files ?? {}).filter(([file, { hash }]) => all.includes(file) && hash === hashOf(file)),
  );
  const survivorsOf = (file: string): readonly string[] => files[file]?.survivors ?? [];
  const wanted = (file: string): boolean => (again ? survivorsOf(file).length > 0 : files[file] === undefined);
  const todo = batchesOf(all.filter((file) => file.includes(only) && wanted(file)));
  for (const [i, batch] of todo.entries()) {
    const leftMs = untilMs - performance.now();
    if (leftMs < 60_000) break;
    console.log(`batch ${String(i + 1)} of ${String(todo.length)}: ${batch.join(' ')}`);
    const start = performance.now();
    const hashes = new Map(batch.map((file) => [file, hashOf(file)])); // of what is tried, whatever is written meanwhile
    const targets = again
      ? batch.flatMap((file) => survivorsOf(file).map((record) => `${file}:${rangeOf(record)}`))
      : batch;
    const found = await mutantsOf(module, [...new Set(targets)], concurrency, leftMs);
    if (found === undefined) break;
    seconds += (performance.now() - start) / 1_000;
    for (const file of batch) {
      const mutants = found[file] ?? []; // a file of types has none
      files[file] = { hash: hashes.get(file)!, ...(again ? triedAgain(files[file]!, mutants) : tallyOf(mutants)) };
    }
    const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
    const own: ModuleResult = { stamp, seconds: Math.round(seconds), of: all.length, files: sorted };
    const others = (read('mutation') as MutationResult | undefined) ?? {};
    write('mutation', { ...others, [module]: own });
  }
  const left = all.filter((file) => files[file] === undefined).length;
  console.log(left === 0 ? `${module} is complete` : `${String(left)} files of ${module} are left: run it again`);
}

/** Whose tests need the server: `mutation.vitest.config.ts` leaves them out. */
const adapters = /\/stores\/(?:redis|postgres|etcd|bullmq)/;

/** The files that say something, where a test can notice: an index only names, and what a program has written is its own. */
function sourcesOf(module: string): string[] {
  return readdirSync(join(root, 'src', module), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${module}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('/index.ts') && !adapters.test(file))
    .filter((file) => !readFileSync(join(root, file), 'utf8').startsWith('// Written by '))
    .sort();
}

/** Of what a file reads by now. */
export function hashOf(file: string): string {
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
    'Small changes are made to the code, one at a time, and the tests of its module are run. The score is the share of the changes that a test notices; a change that only makes a test run too long is counted apart, in the second column. “Explained” are survivors that change nothing which can be seen. The adapters of servers (Redis, PostgreSQL, etcd, BullMQ) are left out: what tries them needs the server.',
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
    explained.some((one) => one.file === file && one.line === lineOf(survivor) && one.mutator === mutatorOf(survivor)),
  ).length;
}

export const mutation: Section = { name: 'mutation', measure, tell };
