/** The guides, and which of them are not of one pattern. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../.ci/subpaths.ts';
import { promisesOf } from './promises.ts';

const folder = join(root, 'docs/guides');
export const textOf = (guide: string): string => readFileSync(join(folder, guide), 'utf8');
export const guides: readonly string[] = readdirSync(folder).filter((name) => name.endsWith('.md'));

/** Guides that are not of one pattern, and why they have neither promises with ids nor the whole skeleton. */
export const general: Readonly<Record<string, string>> = {
  'getting-started.md': 'one program that grows over several patterns',
  'choosing.md': 'leads from a problem to a pattern',
  'migrating.md': 'compares with peers, one after the other',
  'telemetry.md': 'what the events and stats of all patterns become elsewhere',
  'writing-a-store.md': 'for those who write a store: its promises are those of the conformance suites',
};

/** Guides of a pattern that were written before there were ids. As soon as one has some, all is asked of it but the link. */
export const pending: ReadonlySet<string> = new Set([
  'elastic.md',
  'flow.md',
  'live.md',
  'queue-pools.md',
  'queue.md',
  'testing.md',
]);

/** The guides that have to have ids and skeleton. */
export const ofPatterns: readonly string[] = guides.filter((name) => {
  if (general[name] !== undefined) return false;
  return !pending.has(name) || promisesOf(textOf(name)).size > 0;
});
