/** The guides, and which of them are not of one pattern. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../.ci/subpaths.ts';

const folder = join(root, 'docs/guides');
export const textOf = (guide: string): string => readFileSync(join(folder, guide), 'utf8');
export const guides: readonly string[] = readdirSync(folder).filter((name) => name.endsWith('.md'));

/** Guides that are not of one pattern, and why they have neither promises with ids nor the whole skeleton. */
export const general: Readonly<Record<string, string>> = {
  'README.md': 'only lists the other guides',
  'getting-started.md': 'one program that grows over several patterns',
  'choosing.md': 'leads from a problem to a pattern',
  'migrating.md': 'compares with peers, one after the other',
  'telemetry.md': 'what the events and stats of all patterns become elsewhere',
  'writing-a-store.md': 'for those who write a store: its promises are those of the conformance suites',
};

/** The guides that have to have ids and skeleton. */
export const ofPatterns: readonly string[] = guides.filter((name) => general[name] === undefined);
