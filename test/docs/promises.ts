/** Reads the promises of `docs/guarantees.md` and of the guides, and says what is wrong with their proofs. */
import { posix } from 'node:path';
import { titlesIn } from './titles.ts';

export interface Guarantee {
  readonly id: string;
  readonly promise: string;
  readonly assumes: string;
  readonly proof: string;
}

export interface Section {
  readonly title: string;
  /** The guide's path from the root; the section of the package has none. */
  readonly guide: string | undefined;
  readonly guarantees: readonly Guarantee[];
  /** Whether it says what is not promised. */
  readonly hasLimits: boolean;
}

/** Which suites a file of laws belongs to: a test that runs one names it. */
const suites: readonly (readonly [prefix: string, name: string])[] = [
  ['src/testing/placement-', 'placementSuite'],
  ['src/testing/lease-', 'leaseStoreSuite'],
  ['src/testing/queue-', 'queueStoreSuite'],
  ['test/election/real/trials.ts', './trials.ts'],
  ['test/queue/pools/contract.ts', './contract.ts'],
];

const folder = 'docs';
const pathOf = (link: string): string => posix.join(folder, link);
const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
const isId = (cell: string | undefined): boolean => /^[A-Z]+-[1-9]\d*$/.test(cell ?? '');

export function sectionsOf(page: string): Section[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const link = /\[Guide\]\(([^)]+)\)/.exec(part)?.[1];
      return {
        title: part.split('\n')[0]!,
        guide: link === undefined ? undefined : pathOf(link),
        guarantees: part
          .split('\n')
          .map(cellsOf)
          .filter(([id]) => isId(id))
          .map(([id = '', promise = '', assumes = '', proof = '']) => ({ id, promise, assumes, proof })),
        hasLimits: part.includes('\nNot promised:'),
      };
    });
}

/** The promises of a guide by their ids: the rows whose first cell is one. */
export function promisesOf(guide: string): Map<string, string> {
  const rows = guide.split('\n').map(cellsOf);
  return new Map(rows.filter(([id]) => isId(id)).map(([id = '', promise = '']) => [id, promise]));
}

/** The words of a promise without its links, which differ from page to page. */
export const wordsOf = (promise: string): string => promise.replaceAll(/\]\([^)]*\)/g, ']');

/**
 * What is wrong with the proof, in words; nothing when every cited title is one of its file and something is cited.
 *
 * @param read - the text of a file by its path from the root; undefined where there is none
 */
export function faultsOf({ id, proof }: Guarantee, read: (path: string) => string | undefined): string[] {
  const faults: string[] = [];
  const links = [...proof.matchAll(/\[[^\]]*\]\((?<link>[^)]+)\)(?::(?<titles>(?:,?\s*“[^”]*”)+))?/g)].map((match) => ({
    path: pathOf(match.groups!['link']!),
    titles: [...(match.groups!['titles'] ?? '').matchAll(/“([^”]*)”/g)].map(([, title]) => title!),
  }));
  let proved = 0;
  for (const { path, titles } of links) {
    const text = read(path);
    if (text === undefined) {
      faults.push(`${id}: there is no ${path}`);
      continue;
    }
    const known = titles.length === 0 ? [] : titlesIn(text);
    for (const title of titles)
      if (title !== '' && known.some((each) => each.includes(title))) proved++;
      else faults.push(`${id}: ${path} has no test “${title}”`);
    if (titles.length > 0 && !path.endsWith('.test.ts')) {
      const suite = suites.find(([prefix]) => path.startsWith(prefix))?.[1];
      const runs = links.some((each) => each.path.endsWith('.test.ts') && read(each.path)?.includes(suite ?? path));
      if (!runs) faults.push(`${id}: nothing that is cited runs ${path}`);
    }
  }
  if (proved === 0) faults.push(`${id}: no test is cited`);
  return faults;
}
