/** Each plot says in its caption of which seeds it is and which command draws it again, in the picture and wherever a page shows it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => !/\/node_modules\/|^docs\/api\//.test(path));
const files = ['docs', 'bench', 'examples', 'simulations', 'evidence'].flatMap(below);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const plots = files.filter((path) => path.endsWith('.svg'));
const pages = ['README.md', ...files.filter((path) => path.endsWith('.md'))];
const shown = pages.flatMap((page) => embeddedIn(page, read(page)));

interface Embedded {
  readonly page: string;
  readonly plot: string;
  /** The paragraph below, as a reader sees it; empty when that is none of emphasis. */
  readonly caption: string;
}

function embeddedIn(page: string, text: string): Embedded[] {
  return [...text.matchAll(/!\[[^\]]*\]\((?<link>[^)\s]+\.svg)\)(?:\n\n_(?<caption>[^\n]+)_\n)?/g)].map(
    ({ groups }) => ({
      page,
      plot: posix.join(posix.dirname(page), groups!['link']!),
      caption: (groups!['caption'] ?? '').replaceAll('`', ''),
    }),
  );
}

const captionOf = (svg: string): string => /class="caption">(?<text>[^<]*)</.exec(svg)?.groups!['text'] ?? '';

/** What a caption lacks. */
const faultsOf = (caption: string): string[] => [
  ...(/\bseeds? \d/.test(caption) ? [] : ['no seed']),
  ...(/\bnpm run \S/.test(caption) ? [] : ['no command']),
];

test.each(plots)('%s has seed and command, and a page shows it', (plot) => {
  expect(faultsOf(captionOf(read(plot)))).toEqual([]);
  expect(shown.map((each) => each.plot)).toContain(plot);
});

test.each(shown.map((each) => [each.page, each.plot, each.caption] as const))(
  '%s: the caption below %s is its own',
  (_, plot, caption) => {
    expect(caption).toBe(captionOf(read(plot)));
  },
);

describe('guides', () => {
  test.each([
    ['docs/guides/balancing.md', 'docs/simulations/slow-server.svg'],
    ['docs/guides/balancing.md', 'docs/simulations/recovery.svg'],
    ['docs/guides/calls.md', 'docs/simulations/overload.svg'],
  ])('%s shows %s', (page, plot) => {
    expect(shown.filter((each) => each.page === page).map((each) => each.plot)).toContain(plot);
  });
});

test('the check finds a caption that is missing, or lacks a part', () => {
  expect(embeddedIn('docs/a.md', '![x](b.svg)\n\n_Seed 1, by `npm run x`._\n')).toEqual([
    { page: 'docs/a.md', plot: 'docs/b.svg', caption: 'Seed 1, by npm run x.' },
  ]);
  expect(embeddedIn('docs/a.md', '![x](b.svg)\n\nText.\n')[0]!.caption).toBe('');
  expect(faultsOf('Of seed 1, by npm run x.')).toEqual([]);
  expect(faultsOf('Medians.')).toEqual(['no seed', 'no command']);
});
