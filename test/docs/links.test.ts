/** Links of the documents lead somewhere, and README leads to every pattern's guide, example and proof. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import sizeLimits from '../../.size-limit.ts';
import { sectionsOf } from './promises.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  ...['docs', 'docs/guides', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

/** Without code, in which a bracket is no link. */
const prose = (text: string): string => text.replaceAll(/^ *```.*?^ *```/gms, '').replaceAll(/`[^`\n]*`/g, '');

/** As GitHub makes them of headings: letters, digits, dashes and underscores of any script, in lower case. */
const slugsOf = (text: string): Set<string> =>
  new Set(
    [...text.replaceAll(/^ *```.*?^ *```/gms, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

/** A digit within a name is none of a figure. */
const numbersIn = (text: string): string[] =>
  [...text.matchAll(/(?<![\w.,])\d+(?:[.,]\d+)*/g)].map(([number]) => number);

/** Numbers that a report does not have. */
const strangeIn = (numbers: readonly string[], report: string): string[] =>
  numbers.filter((number) => !new RegExp(`(?<![\\d.,])${number.replaceAll('.', '\\.')}(?!\\d|[.,]\\d)`).test(report));

/** Relative links that lead nowhere. */
function brokenIn(page: string, text: string, at: (path: string) => string | undefined): string[] {
  const links = [...prose(text).matchAll(/\]\((?!https?:)(?<link>[^)\s]+)\)/g)].map(({ groups }) => groups!['link']!);
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? text : at(posix.join(posix.dirname(page), path));
    return target === undefined || (anchor !== undefined && !slugsOf(target).has(anchor));
  });
}

const onDisk = (path: string): string | undefined => {
  if (!existsSync(join(root, path))) return undefined;
  return path.endsWith('.md') ? read(path) : '';
};

test.each(pages)('%s: every link leads somewhere', (page) => {
  expect(brokenIn(page, read(page), onDisk)).toEqual([]);
});

test('the check finds a file that is not there, and a heading', () => {
  const files: Record<string, string> = {
    'docs/a.md': '# Top\n\n## What you “see”: a/b\n\n```sh\n# no heading\n```\n',
  };
  const broken = (link: string): string[] => brokenIn('docs/guides/x.md', `# X\n\n[x](${link})`, (path) => files[path]);
  expect(['../a.md', '../a.md#top', '../a.md#what-you-see-ab', '#x'].flatMap(broken)).toEqual([]);
  const bad = ['../b.md', '../a.md#bottom', '../a.md#no-heading', '#y'];
  expect(bad.flatMap(broken)).toEqual(bad);
});

test('the figures of choosing a pattern are those of the reports that it links', () => {
  const costs = read('docs/guides/choosing.md').match(/^- \*\*Costs\*\*.*(?:\n {2}.*)*/gm)!;
  const measured = costs.filter((cost) => /\d (?:ns|µs|bytes|times)\b/.test(cost));
  expect(measured.length).toBeGreaterThan(6);
  const strange = measured.flatMap((cost) => {
    const report = /\]\(\.\.\/\.\.\/(?<path>bench\/reports\/[^)]+)\)/.exec(cost)?.groups!['path'];
    if (report === undefined) return [`no report: ${cost}`];
    const figures = [...cost.matchAll(/(?:[\d.,]+ (?:to|and) )?[\d.,]+ (?:ns|µs|bytes|times)\b/g)].flatMap(([text]) =>
      numbersIn(text),
    );
    return strangeIn(figures, read(report)).map((number) => `${number} is not in ${report}: ${cost}`);
  });
  expect(strange).toEqual([]);
});

describe('README', () => {
  const readme = read('README.md');
  const rows = readme.split('\n').filter((line) => line.startsWith('| '));

  test('has 150 to 220 lines', () => {
    const lines = readme.trimEnd().split('\n').length;
    expect(lines).toBeGreaterThanOrEqual(150);
    expect(lines).toBeLessThanOrEqual(220);
  });

  test.each(
    sectionsOf(read('docs/guarantees.md')).flatMap(({ guide, title }) =>
      guide === undefined ? [] : [[guide, title] as const],
    ),
  )('leads to %s, an example of it and its proof', (guide, title) => {
    const row = rows.find((line) => line.includes(`](${guide})`)) ?? '';
    expect(row).toMatch(/\]\(examples\//);
    const [slug] = slugsOf(`# ${title}`);
    expect(row).toContain(`](docs/guarantees.md#${slug!})`);
  });

  test('takes its figures from the reports that it links', () => {
    const [table = ''] = readme.slice(readme.indexOf('## Figures')).split('\n\nAlso:');
    const figures = table.split('\n').filter((line) => line.startsWith('| '));
    const strange = figures.slice(2).flatMap((line) => {
      const [, , ours = '', theirs = '', report = ''] = line.split('|');
      const numbers = numbersIn(`${ours} ${theirs}`);
      expect(numbers, line).not.toEqual([]);
      const text = read(/\]\(([^)]+)\)/.exec(report)![1]!);
      return strangeIn(numbers, text).map((number) => `${number} is not in the report: ${line}`);
    });
    expect(figures.length).toBeGreaterThan(10);
    expect(strange).toEqual([]);
  });

  test('names each subpath with its size budget', () => {
    const budgets = sizeLimits as readonly { readonly name: string; readonly limit: string }[];
    const subpaths = budgets.filter(({ name }) => /^holdfast[\w/]*$/.test(name));
    const shown = rows.flatMap((line) => {
      const [, name, limit] = /^\| `(holdfast[\w/]*)` +\|.*\| *([\d.]+ kB) +\|$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, limit] as const];
    });
    expect(subpaths.length).toBeGreaterThan(20);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(subpaths.map(({ name, limit }) => [name, limit])));
    const hedge = budgets.find(({ name }) => name === 'holdfast { hedge }')!;
    expect(readme).toContain(`\`hedge\` ${hedge.limit}`);
  });
});
