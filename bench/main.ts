/*
 * The process that measures one suite: `main.js bench-folder suite argument …`, started by run.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type Effort,
  measureCase,
  type Measured,
  type MeasuredCase,
  type MeasuredHolding,
  measureHolding,
  processorShare,
} from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';
import { options } from './options.ts';
import { type Conditions, markdown, missed, type Results, terminalText } from './report.ts';
import { selfCheck } from './self-check.ts';
import { randomFrom } from './statistics.ts';
import { loadSubject } from './subject.ts';
import { withMarked } from './table.ts';
import { contestant, type MakeSuite, type Suite } from './vocabulary.ts';

/** A report needs so much at least; less is a trial run. */
const least = { rounds: 9, sampleMs: 50 };

const [bench = '', name = '', ...args] = process.argv.slice(2);
const { values } = parseArgs({ args, options, allowPositionals: true });
const { check, quick } = values;
const root = dirname(bench);

function whole(option: 'rounds' | 'sample-ms' | 'seed', otherwise: number): number {
  const text = values[option];
  if (text === undefined) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${option} must be a whole number, got ${text}`);
  process.exit(1);
}

const trial = check ? { rounds: 1, sampleMs: 1 } : quick ? { rounds: 5, sampleMs: 10 } : undefined;
const rounds = Math.max(1, whole('rounds', trial?.rounds ?? 15));
const sampleMs = Math.max(1, whole('sample-ms', trial?.sampleMs ?? 60));
const seed = whole('seed', Date.now() % 1e9);
const effort: Effort = {
  rounds,
  sampleMs,
  collect: !check,
  warmUpMs: check ? 1 : quick ? 50 : 300,
  allocations: check ? 1 : 5,
  heldItems: check ? 50 : 2_000,
  heldPoints: check ? 2 : 6,
  random: randomFrom(seed),
};

/** What an empty operation costs: part of every figure. */
async function measureFloor(): Promise<Measured[]> {
  const empty = [contestant('empty operation', (i) => i), contestant('empty operation, awaited', async (i) => i)];
  const rows: Measured[] = [];
  for (const entry of empty) rows.push(...(await measureCase({ name: entry.name, contestants: [entry] }, effort)).rows);
  return rows;
}

async function measure(suite: Suite): Promise<Results> {
  const cases: MeasuredCase[] = [];
  for (const entry of suite.cases) cases.push(await measureCase(typeof entry === 'function' ? entry() : entry, effort));
  const holdings: MeasuredHolding[] = [];
  for (const entry of suite.holdings ?? []) holdings.push(await measureHolding(entry, effort));
  const { figures = [], excerpts = [], files = [] } = (await suite.findings?.(check ? 0.001 : quick ? 0.1 : 1)) ?? {};
  return { name, title: suite.title, about: suite.about, cases, holdings, figures, excerpts, files };
}

function write(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`written: ${path}`);
}

function writeAll(results: Results, conditions: Conditions): void {
  write(`bench/reports/${name}.md`, markdown(results, conditions));
  for (const { path, text } of results.files) write(path, text);
  for (const { document, name: block, text } of results.excerpts)
    write(document, withMarked(readFileSync(join(root, document), 'utf8'), block, text));
}

console.log(`── ${name}`);
if (check) selfCheck();
const machine = describeMachine();
const subject = await loadSubject(root);
const { suite } = (await import(pathToFileURL(join(import.meta.dirname, 'suites', `${name}.js`)).href)) as {
  readonly suite: MakeSuite;
};
const made = await suite(subject);
const floor = await measureFloor();
const results = await measure(made);

if (check) {
  console.log('answers agree; no time is judged');
} else {
  console.log(terminalText(results));
  const share = processorShare();
  if (share < 0.9)
    console.log(`the machine was busy (processor time ÷ wall time ${share.toFixed(2)}): times are inflated`);
  for (const miss of missed(results)) console.log(`target missed: ${miss}`);
  if (rounds >= least.rounds && sampleMs >= least.sampleMs) {
    const packages = [`holdfast ${subject.version}`, ...made.peers.map((peer) => versionOf(bench, peer))];
    const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
    const date = new Date().toISOString().slice(0, 10);
    writeAll(results, { machine, packages, command, date, rounds, sampleMs, seed, processorShare: share, floor });
  }
}
console.log();
