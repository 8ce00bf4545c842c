/**
 * Runs the simulations and writes the reports and their plots: `run.ts [--check] [--seeds N] [name …]`.
 *
 * `--check` writes nothing and fails when the files differ. With names, only these run, and their report goes to the
 * screen.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { runAll } from './pool.ts';
import { plotsOf, reportOf, usualSeeds } from './report.ts';
import { reports } from './reports.ts';

const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs');

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false }, seeds: { type: 'string', default: String(usualSeeds) } },
  allowPositionals: true,
});
const scenarios = reports.flatMap((report) => report.scenarios);
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0)
  throw new Error(`unknown: ${unknown.join(', ')}; there are: ${scenarios.map(({ name }) => name).join(', ')}`);
const seeds = Number(values.seeds);
if (!Number.isInteger(seeds) || seeds < 1)
  throw new Error(`--seeds must be a whole number above 0, got ${values.seeds}`);

const wanted = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const results = await runAll(wanted, seeds);
const written = await Promise.all(
  reports.map(async (report) => {
    const own = new Map([...results].filter(([scenario]) => report.scenarios.includes(scenario)));
    const file = join(docs, report.file);
    const text = await format(reportOf(report, own, seeds), { ...(await resolveConfig(file)), parser: 'markdown' });
    return { file, own, text };
  }),
);

if (positionals.length > 0) {
  for (const { own, text } of written) if (own.size > 0) console.log(text);
} else {
  const files = new Map(written.map(({ file, text }) => [file, text]));
  for (const [name, plot] of plotsOf(results, seeds)) files.set(join(docs, 'simulations', name), plot);
  const stale = [...files].filter(([file, text]) => textOf(file) !== text);
  if (values.check && stale.length > 0) {
    for (const [file, text] of stale)
      console.log(`${file} is not what the simulations give:\n${firstDifference(textOf(file), text)}`);
    console.log('npm run simulate writes them');
    process.exitCode = 1;
  } else {
    mkdirSync(join(docs, 'simulations'), { recursive: true });
    for (const [file, text] of stale) writeFileSync(file, text);
    console.log(
      `${String(files.size)} files, ${stale.length === 0 ? 'all as they were' : `${String(stale.length)} written`}`,
    );
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function firstDifference(before: string, after: string): string {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const at = fresh.findIndex((line, i) => line !== old[i]);
  return `line ${String(at + 1)}\n- ${old[at] ?? ''}\n+ ${fresh[at] ?? ''}`;
}
