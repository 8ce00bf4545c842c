/** The guides, and which of them are not of one pattern. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../.ci/subpaths.ts';

export const guides: readonly string[] = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md'));

/** Guides that are not of one pattern, and why they have neither promises with ids nor the whole skeleton. */
export const general: Readonly<Record<string, string>> = {
  'getting-started.md': 'one program that grows over several patterns',
  'choosing.md': 'leads from a problem to a pattern',
  'migrating.md': 'compares with peers, one after the other',
  'telemetry.md': 'what the events and stats of all patterns become elsewhere',
  'writing-a-store.md': 'for those who write a store: its promises are those of the conformance suites',
};

/** Guides of a pattern that are still to be brought to the skeleton, their promises without ids. */
export const pending: ReadonlySet<string> = new Set([
  'elastic.md',
  'flow.md',
  'live.md',
  'queue-pools.md',
  'queue.md',
  'testing.md',
]);
