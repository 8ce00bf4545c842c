/** Whether what was accepted is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { readAnalyses } from './analyses.ts';
import { type AnalysedDocument, analyse } from './analysis.ts';
import type { Document } from './documents.ts';
import { patienceMs } from './faults.ts';
import type { Intake } from './intake.ts';
import { analysesIn } from './places.ts';
import { plural } from './report.ts';

/** The ids of documents that were accepted and are not kept, that are kept and were not accepted, and that are kept wrongly. */
export interface Completeness {
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  readonly wrong: readonly string[];
}

/** Holds what is kept against what this process makes of the same documents. */
export function compareAnalyses(documents: readonly Document[], kept: readonly AnalysedDocument[]): Completeness {
  const expected = new Map(documents.map((document) => [document.id, document]));
  const found = new Set(kept.map(({ id }) => id));
  return {
    missing: [...expected.keys()].filter((id) => !found.has(id)),
    unknown: kept.flatMap(({ id }) => (expected.has(id) ? [] : id)),
    wrong: kept.flatMap((one) => {
      const document = expected.get(one.id);
      return document === undefined || isDeepStrictEqual(one, analyse(document)) ? [] : one.id;
    }),
  };
}

interface TakenIn {
  readonly documents: readonly Document[];
  readonly intake: Intake;
  /** Where they are kept. */
  readonly folder: string;
}

/**
 * Says how many of the documents that were accepted are there, how many were analysed again, and how the number of threads went
 * up and down. Waits for the last of them to go.
 *
 * @returns whether all documents are there, and nothing else
 */
export async function judgeIntake(
  { intake, folder, documents }: TakenIn,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { missing, unknown, wrong } = compareAnalyses(documents, await readAnalyses(analysesIn(folder)));
  const { accepted, again } = intake.status;
  print(
    `${plural(accepted, 'document')} accepted: ${missing.length} missing, ${unknown.length} unknown, ${wrong.length} wrong; ` +
      `${again} analysed again`,
  );
  const end = performance.now() + patienceMs;
  while (intake.status.threads.at(-1) !== 0 && performance.now() < end) await sleep(100, undefined, { signal });
  print(`threads, one number after the other: ${intake.status.threads.join(' ')}`);
  return accepted === documents.length && missing.length + unknown.length + wrong.length === 0;
}
