import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../.ci/subpaths.ts';
import { command } from './command.ts';
import type { Mutant } from './mutants.ts';

/** What the mutation tester writes, as far as it is read here. */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

/**
 * Tries the mutants of some files, or of ranges of them (`file:line:column-line:column`), by the tests of a module. The answer
 * leaves out a file without mutants. Undefined: its time was over.
 */
export async function mutantsOf(
  module: string,
  targets: readonly string[],
  concurrency: number,
  timeoutMs: number,
): Promise<Readonly<Record<string, readonly Mutant[]>> | undefined> {
  const folder = join(root, 'reports/mutation');
  mkdirSync(folder, { recursive: true });
  const [config, report] = [join(folder, `${module}.config.json`), join(folder, `${module}.json`)];
  const longest = join(folder, `${module}.longest.txt`);
  for (const file of [report, longest]) rmSync(file, { force: true });
  const base = JSON.parse(readFileSync(join(root, 'stryker.config.json'), 'utf8')) as Record<string, unknown>;
  const own = {
    mutate: targets,
    concurrency,
    // One that hangs is ended by `mutation-setup.ts`: who survives on a busy machine is not to be taken for one.
    timeoutFactor: 6,
    timeoutMS: 30_000,
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
    env: { HOLDFAST_MODULE: module, HOLDFAST_LONGEST: longest },
  });
  rmSync(join(root, '.stryker-tmp', module), { recursive: true, force: true });
  if (timedOut) return undefined;
  if (code !== 0) throw new Error(`stryker has failed:\n${output.slice(-4_000)}`);
  const { files } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return Object.fromEntries(Object.entries(files).map(([file, { mutants }]) => [file, mutants]));
}
