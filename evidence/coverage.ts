/** Lines and branches that the tests reach, by folder. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../.ci/subpaths.ts';
import { command } from './command.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Section } from './section.ts';
import { suiteMs } from './suite.ts';
import { count, percent, source, table } from './text.ts';

interface Share {
  readonly total: number;
  readonly covered: number;
}

interface Covered {
  readonly lines: Share;
  readonly branches: Share;
}

interface CoverageResult {
  readonly stamp: Stamp;
  readonly folders: Readonly<Record<string, Covered>>;
}

async function measure(): Promise<void> {
  const { code, output } = await command('npm', ['run', '--silent', 'coverage'], { timeoutMs: suiteMs });
  if (code !== 0) throw new Error(`npm run coverage has failed:\n${output.slice(-4_000)}`);
  keep();
}

/** Takes what the last coverage run has left in `coverage/`. */
function keep(): void {
  const text = readFileSync(join(root, 'coverage/coverage-summary.json'), 'utf8');
  const { total, ...files } = JSON.parse(text) as Record<string, Covered>;
  const folders: Record<string, Covered> = {};
  for (const [path, file] of Object.entries(files)) {
    const [, folder = ''] = relative(root, path).replaceAll('\\', '/').split('/');
    const known = folders[folder];
    folders[folder] = {
      lines: plus(known?.lines, file.lines),
      branches: plus(known?.branches, file.branches),
    };
  }
  const sorted = Object.fromEntries(Object.entries(folders).sort(([a], [b]) => (a < b ? -1 : 1)));
  const all = { lines: plus(undefined, total!.lines), branches: plus(undefined, total!.branches) };
  write('coverage', { stamp: stampOf('npm run evidence -- coverage'), folders: { ...sorted, all } });
}

function plus(one: Share | undefined, { total, covered }: Share): Share {
  return { total: (one?.total ?? 0) + total, covered: (one?.covered ?? 0) + covered };
}

function tell(): string | undefined {
  const result = read('coverage') as CoverageResult | undefined;
  if (result === undefined) return undefined;
  const rows = Object.entries(result.folders).map(([folder, { lines, branches }]) => [
    folder === 'all' ? '**all**' : `\`src/${folder}\``,
    `${percent(lines.covered, lines.total)} of ${count(lines.total)}`,
    `${percent(branches.covered, branches.total)} of ${count(branches.total)}`,
  ]);
  return [
    'Of the tests within one process; those among real processes, and the examples, run code in children that nobody counts.',
    table(['', 'lines', 'branches'], rows),
    source(result.stamp),
  ].join('\n\n');
}

export const coverage: Section = { name: 'coverage', measure, tell };
