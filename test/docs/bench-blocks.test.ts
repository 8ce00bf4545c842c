/** What a guide shows as measured is what the benchmark reports. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

interface Block {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

function blocksIn(folder: string): Block[] {
  const marked = /<!-- bench:(?<name>[\w-]+) -->\n(?<text>.*?)<!-- \/bench:\k<name> -->/gs;
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...readFileSync(join(root, folder, file), 'utf8').matchAll(marked)].map(({ groups }) => ({
        file,
        name: groups!['name']!,
        text: groups!['text']!,
      })),
    );
}

const reported = blocksIn('bench/reports');

test('every block of a guide is word for word the report’s, and every block of a report is in a guide', () => {
  const shown = blocksIn('docs/guides');
  const texts = (blocks: readonly Block[]): Record<string, string> =>
    Object.fromEntries(blocks.map(({ name, text }) => [name, text]));
  expect(shown.length).toBeGreaterThan(0);
  expect(texts(shown)).toEqual(texts(reported));
});

test('the plot of the balance shows the figures of the table', () => {
  const plot = readFileSync(join(root, 'docs/guides/images/placement-balance.svg'), 'utf8');
  const table = reported.find(({ name }) => name === 'balance')!.text.split('\n\n')[1]!;
  const [head = [], , ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const points = rows.flatMap((row) =>
    head
      .map((name, column) => ({ name, peak: row[column]!.split(' ')[0]! }))
      .slice(2, -1)
      .map(({ name, peak }) => `<title>${name}, ${row[1]!} nodes: ${peak}</title>`),
  );
  expect(points.length).toBeGreaterThan(30);
  expect(points.filter((point) => !plot.includes(point))).toEqual([]);
});
