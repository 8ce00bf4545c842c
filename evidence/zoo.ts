/** Runs the tests against known-bad variants of the code. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Variant } from '../test/zoo/variant.ts';
import { isJudgement, type Verdict } from '../test/zoo/verdict.ts';
import { command } from './command.ts';

/** What came of one run of the tests on a variant. */
interface Hunt {
  /** `caught`: a test has judged it wrong. `hang`: no test did, but one, or all, did not end. */
  readonly outcome: 'caught' | 'hang' | 'missed' | 'broken';
  /** Tests that failed, as far as they were run. */
  readonly failed: number;
  /** After how many runs or seeds, where the variant says what is counted. */
  readonly after?: number;
  readonly seconds: number;
  /** What a person needs who looks for the reason, when it was not caught. */
  readonly why: string;
}

/** A whole run of the named tests. */
const patienceMs = 240_000;

/** Runs the tests of a variant, once. `seed`: that of properties and simulations; absent: the suite's own. */
export async function hunt(variant: Variant, seed?: number): Promise<Hunt> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-zoo-'));
  const file = join(folder, 'verdict.json');
  try {
    const { timedOut, output, seconds } = await command(
      'npx',
      ['vitest', 'run', '--config', 'test/zoo/vitest.config.ts'],
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
    const counts = judged.flatMap(({ after }) => after ?? []);
    return { ...about, outcome: 'caught', why, ...(counts.length > 0 && { after: Math.min(...counts) }) };
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
