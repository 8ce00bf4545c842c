/** Runs the tests against known-bad variants of the code. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Variant } from '../test/zoo/variant.ts';
import { variants } from '../test/zoo/variants.ts';
import { type FailureKind, isJudgement, type Verdict } from '../test/zoo/verdict.ts';
import { command } from './command.ts';
import { commitOf, read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { count, median, source, table } from './text.ts';

/** What came of one run of the tests on a variant. */
interface Hunt {
  /** `caught`: a test has judged it wrong. `hang`: no test did, but one, or all, did not end. */
  readonly outcome: 'caught' | 'hang' | 'missed' | 'broken';
  /** Tests that failed, as far as they were run. */
  readonly failed: number;
  /** By what it was judged wrong. */
  readonly kind?: FailureKind;
  /** After how many runs of a property or seeds of a simulation. */
  readonly after?: number;
  readonly seconds: number;
  /** What a person needs who looks for the reason, when it was not caught. */
  readonly why: string;
}

/** A whole run of the named tests. */
const patienceMs = 240_000;

/** Runs the tests of a variant, once. `seed`: that of properties and simulations; absent: the suite's own. */
async function hunt(variant: Variant, seed?: number): Promise<Hunt> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-zoo-'));
  const file = join(folder, 'verdict.json');
  try {
    const { timedOut, output, seconds } = await command(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/zoo/vitest.config.ts'],
      {
        timeoutMs: patienceMs,
        env: {
          HOLDFAST_VARIANT: variant.id,
          HOLDFAST_VERDICT: file,
          ...(seed !== undefined && { FC_SEED: String(seed), SIM_SEED: String(seed) }),
        },
      },
    );
    const verdict = verdictIn(file);
    const failed = verdict?.failures.length ?? 0;
    const about = { failed, seconds: Math.round(seconds * 10) / 10 };
    if (timedOut) return { ...about, outcome: 'hang', why: `not ended after ${String(patienceMs / 1_000)} s` };
    if (verdict === undefined) return { ...about, outcome: 'broken', why: output.slice(-2_000) };
    if (!verdict.isLoaded || verdict.broken.length > 0) {
      const why = verdict.isLoaded ? verdict.broken.join('\n') : 'the tests do not load the file';
      return { ...about, outcome: 'broken', why };
    }
    const judged = verdict.failures.filter(({ kind }) => isJudgement(kind));
    const why = verdict.failures.map(({ kind, test }) => `${kind}: ${test}`).join('\n');
    if (judged.length === 0) {
      const hangs = verdict.failures.some(({ kind }) => kind === 'timeout');
      return { ...about, outcome: hangs ? 'hang' : 'missed', why };
    }
    const [first] = judged;
    return {
      ...about,
      outcome: 'caught',
      why,
      kind: first!.kind,
      ...(first!.after !== undefined && { after: first!.after }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verdictIn(file: string): Verdict | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Verdict;
  } catch {
    return undefined;
  }
}

interface ZooEntry {
  readonly outcome: Hunt['outcome'];
  readonly kind?: FailureKind;
  readonly seconds: number;
  /** For each seed, after how many runs of a property or seeds of a simulation it was found. */
  readonly after: readonly number[];
}

interface ZooResult {
  readonly stamp: Stamp;
  readonly variants: Readonly<Record<string, ZooEntry>>;
}

/** A variant of which one hunt takes long is hunted under fewer seeds. */
const enoughSeconds = 20;
/** The suite's own seed, and then others. */
const freshSeeds = [undefined, 11, 22, 33, 44, 55, 66];

async function measure({ only = '', seeds, minutes = Infinity }: Options): Promise<void> {
  const stamp = stampOf(`npm run evidence -- zoo --seeds ${String(seeds)}`);
  const known: Record<string, ZooEntry> = { ...(read('zoo') as ZooResult | undefined)?.variants };
  const untilMs = performance.now() + minutes * 60_000;
  for (const variant of variants.filter(({ id }) => id.startsWith(only))) {
    if (performance.now() > untilMs) break;
    const hunts: Hunt[] = [];
    let spent = 0;
    for (const seed of freshSeeds.slice(0, seeds)) {
      const one = await hunt(variant, seed);
      hunts.push(one);
      spent += one.seconds;
      // A worked example shows it each time.
      if (one.after === undefined || spent > enoughSeconds) break;
    }
    const worst = hunts.find(({ outcome }) => outcome === 'broken' || outcome === 'missed') ?? hunts[0]!;
    const after = hunts.flatMap(({ outcome, after }) => (outcome === 'caught' ? (after ?? []) : []));
    const { kind, seconds } = hunts[0]!;
    known[variant.id] = { outcome: worst.outcome, ...(kind !== undefined && { kind }), seconds, after };
    console.log(`${variant.id}: ${JSON.stringify(known[variant.id])}`);
    if (worst.outcome === 'missed' || worst.outcome === 'broken') console.log(worst.why);
    write('zoo', { stamp, variants: inOrder(known) } satisfies ZooResult);
  }
  const bad = Object.entries(known).filter(([, { outcome }]) => outcome === 'missed' || outcome === 'broken');
  if (bad.length > 0) throw new Error(`not caught: ${bad.map(([id]) => id).join(', ')}`);
}

/** Those that there are, in their order. */
function inOrder(known: Readonly<Record<string, ZooEntry>>): Record<string, ZooEntry> {
  return Object.fromEntries(variants.flatMap(({ id }) => (known[id] === undefined ? [] : [[id, known[id]]])));
}

/**
 * Hunts some of them, others with each commit, as long as there is time. For those whose time is known only.
 *
 * @returns what is wrong
 */
export async function sample(seconds: number): Promise<string[]> {
  const known = (read('zoo') as ZooResult | undefined)?.variants ?? {};
  const untilMs = performance.now() + seconds * 1_000;
  const commit = commitOf();
  const order = variants
    .map((variant) => ({
      variant,
      place: createHash('sha256')
        .update(commit + variant.id)
        .digest('hex'),
    }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const wrong: string[] = [];
  let hunted = 0;
  for (const { variant } of order) {
    // On a machine that is half as fast.
    const needMs = 2_000 * (known[variant.id]?.seconds ?? Infinity);
    if (performance.now() + needMs > untilMs) continue;
    const { outcome, why } = await hunt(variant);
    hunted++;
    if (outcome === 'missed' || outcome === 'broken') wrong.push(`${variant.id} is ${outcome}:\n${why}`);
  }
  console.log(`${String(hunted)} of ${String(variants.length)} variants hunted, by commit ${commit}`);
  return wrong;
}

function tell(): string | undefined {
  const result = read('zoo') as ZooResult | undefined;
  if (result === undefined) return undefined;
  const entries = variants.map((variant) => ({ variant, entry: result.variants[variant.id] }));
  const of = (outcome: Hunt['outcome']): number => entries.filter(({ entry }) => entry?.outcome === outcome).length;
  const rows = entries.map(({ variant, entry }) => [
    variant.id,
    variant.mistake + (variant.known === undefined ? '' : ` (${variant.known})`),
    variant.tests.map((test) => `\`${test.replace(/^test\//, '')}\``).join(', '),
    entry === undefined ? 'not hunted yet' : entry.outcome,
    entry === undefined ? '–' : detection(entry),
  ]);
  const known = variants.filter((variant) => variant.known !== undefined).length;
  return [
    `${count(variants.length)} mistakes that a good engineer could make, each planted into our own code, one at a time; ${count(known)} of them were made, by us or by others. The tests that are named must fail, by an expectation, not by a crash: a suite that has never failed has not been tested. Caught: **${count(of('caught'))}**; by a hang alone: ${count(of('hang'))}; missed: ${count(of('missed') + of('broken'))}.`,
    'The last column says after how many runs of the property, or seeds of the simulation, the mistake shows: the median over several seeds, and the worst. Worked examples and conformance suites show it each time.',
    table(['variant', 'the mistake', 'tests', 'is', 'after'], rows),
    source(result.stamp),
  ].join('\n\n');
}

function detection({ kind, after }: ZooEntry): string {
  if (after.length === 0) return kind === 'law' ? 'each time, by a conformance suite' : 'each time, by an example';
  const unit = kind === 'simulation' ? 'seeds' : 'runs';
  const worst = Math.max(...after);
  const middle = median(after);
  return worst === middle ? `${count(middle)} ${unit}` : `${count(middle)} ${unit}, at most ${count(worst)}`;
}

export const zoo: Section = { name: 'zoo', measure, tell };
