/** Analysed documents in a folder: a file for each, named after its id. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnalysedDocument } from './analysis.ts';

const ending = '.json';
const readAtOnce = 16;

/**
 * Keeps a document, whole or not at all: whoever is killed here leaves a draft, of which nobody takes notice. One of the same
 * id is replaced, so it may be done again. It is on the disk when this returns, for what was acknowledged nobody brings again.
 *
 * @returns whether it was there before
 */
export function keepAnalysis(folder: string, document: AnalysedDocument): boolean {
  const path = join(folder, `${createHash('sha256').update(document.id).digest('hex')}${ending}`);
  const wasThere = existsSync(path);
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(document), { flush: true });
  renameSync(draft, path);
  return wasThere;
}

/** All that are kept, in the order of their ids. */
export async function readAnalyses(folder: string): Promise<AnalysedDocument[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  const documents: AnalysedDocument[] = [];
  for (let next = 0; next < names.length; next += readAtOnce) {
    const group = names.slice(next, next + readAtOnce);
    const texts = await Promise.all(group.map((name) => readFile(join(folder, name), 'utf8')));
    for (const text of texts) documents.push(JSON.parse(text) as AnalysedDocument);
  }
  return documents.sort((a, b) => (a.id < b.id ? -1 : 1));
}
