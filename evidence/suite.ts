/** The whole suite once, counted: how often properties were run, how many processes were killed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerKind, LedgerLine } from '../test/support/ledger.ts';
import { command } from './command.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Section } from './section.ts';
import { count, source, table } from './text.ts';

/** How many tests a run of the suite had, by its closing line. */
export interface Tests {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface SuiteResult {
  readonly stamp: Stamp;
  readonly tests: Tests;
  readonly seconds: number;
  /** By folder of `test`. */
  readonly runs: Readonly<Record<string, number>>;
  readonly killed: Readonly<Record<string, number>>;
}

/** So long the suite may take on a busy machine. */
export const suiteMs = 45 * 60_000;

/** The closing line of a run; undefined: it has none. */
export function testsIn(output: string): Tests | undefined {
  const line = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(output);
  return line === null
    ? undefined
    : { passed: Number(line[1]), failed: Number(line[2]), skipped: Number(line[3] ?? 0) };
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'));
  const ledger = join(folder, 'ledger');
  try {
    const { output, seconds } = await command('npx', ['vitest', 'run'], {
      timeoutMs: suiteMs,
      env: { HOLDFAST_LEDGER: ledger },
    });
    const tests = testsIn(output);
    if (tests === undefined || tests.failed > 0) throw new Error(`the suite does not pass:\n${output.slice(-4_000)}`);
    const lines = readFileSync(ledger, 'utf8').trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as LedgerLine);
    const result: SuiteResult = {
      stamp: stampOf('npm run evidence -- properties'),
      tests,
      seconds: Math.round(seconds),
      runs: byFolder(entries, 'runs'),
      killed: byFolder(entries, 'killed'),
    };
    write('properties', result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function byFolder(lines: readonly LedgerLine[], kind: LedgerKind): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of lines) {
    if (line.kind !== kind) continue;
    const folder = line.test.split('/')[1] ?? '';
    sums[folder] = (sums[folder] ?? 0) + line.count;
  }
  return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function tell(): string | undefined {
  const result = read('properties') as SuiteResult | undefined;
  if (result === undefined) return undefined;
  const { stamp, tests, runs, killed } = result;
  const sum = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((all, one) => all + one, 0);
  const folders = [...new Set([...Object.keys(runs), ...Object.keys(killed)])].sort();
  const rows = folders.map((folder) => [
    `\`test/${folder}\``,
    count(runs[folder] ?? 0),
    killed[folder] === undefined ? '–' : count(killed[folder]),
  ]);
  const skipped = tests.skipped === 0 ? '' : `, ${count(tests.skipped)} skipped`;
  return [
    `One run of the suite: ${count(tests.passed)} tests passed, ${String(tests.failed)} failed${skipped}. Counted while it ran: each run of a property, and each real process that was ended by \`kill -9\` in the midst of its work, after which nothing that was promised may be missing and nobody may lead beside another.`,
    table(
      ['', 'runs of properties', 'processes killed'],
      [...rows, ['**all**', `**${count(sum(runs))}**`, `**${count(sum(killed))}**`]],
    ),
    'The seed is fixed, so that a failure can be repeated; each night another one is run, with twenty times the runs.',
    source(stamp),
  ].join('\n\n');
}

export const properties: Section = { name: 'properties', measure, tell };
