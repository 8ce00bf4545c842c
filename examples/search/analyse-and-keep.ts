/** What the analyser's threads do with a job: a document is analysed, and kept in the folder that they were started with. */
import { keepAnalysis } from './analyses.ts';
import { analyse } from './analysis.ts';
import type { Document } from './documents.ts';

const folder = process.argv[2]!;

/**
 * The job is acknowledged when this has returned, and not before: a document is kept by then.
 *
 * @returns whether it was kept before
 */
export function analyseAndKeep(document: Document): boolean {
  return keepAnalysis(folder, analyse(document));
}
