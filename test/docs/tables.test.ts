/** Each table of the documents is one to GFM: its rows have as many cells as its head, and its second line is of dashes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
    (path) => `${folder}/${path.replaceAll('\\', '/')}`,
  );
const pages = [...readdirSync(root), ...['docs', 'bench', 'examples', 'simulations', 'evidence'].flatMap(below)].filter(
  (path) => path.endsWith('.md') && !/\/node_modules\/|^docs\/api\//.test(path),
);

/** A pipe divides also within a code span, unless a backslash is before it. */
const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** What is wrong with the tables, which are the runs of lines that begin with a pipe. */
function faultsOf(text: string): string[] {
  const lines = text.replaceAll(/^ *(?<fence>`{3,}|~{3,}).*?^ *\k<fence> *$/gms, (code) =>
    code.replaceAll(/[^\n]+/g, '.'),
  );
  let table: { readonly cells: number; readonly line: number } | undefined;
  return lines.split('\n').flatMap((line, index) => {
    if (!line.trimStart().startsWith('|')) {
      table = undefined;
      return [];
    }
    const cells = cellsOf(line);
    if (table === undefined) {
      table = { cells: cells.length, line: index };
      return [];
    }
    const at = `${String(index + 1)}: `;
    const dashes = cells.every((cell) => /^:?-+:?$/.test(cell));
    return [
      ...(index === table.line + 1 && !dashes ? [`${at}a head has no line of dashes below it`] : []),
      ...(cells.length === table.cells ? [] : [`${at}${String(cells.length)} cells, not ${String(table.cells)}`]),
    ];
  });
}

test.each(pages)('%s: each table has as many cells in each row as its head', (page) => {
  expect(faultsOf(readFileSync(join(root, page), 'utf8'))).toEqual([]);
});

describe('the check itself', () => {
  test('passes tables, and pipes that are in none', () => {
    const table = '| a | `b \\| c` |\n| --- | :-: |\n| 1 |  |\n';
    expect(faultsOf(`${table}\nx | y\n\n\`\`\`text\n| a\n| b | c\n\`\`\`\n\n| d |\n| - |\n`)).toEqual([]);
  });

  test.each([
    ['a head of other cells than its line of dashes', '| id | id | a |\n| --- | --- |\n', '2: 2 cells, not 3'],
    ['a row with a cell too many', '| a |\n| --- |\n| 1 | 2 |\n', '3: 2 cells, not 1'],
    ['a pipe in a code span', '| a |\n| --- |\n| `b | c` |\n', '3: 2 cells, not 1'],
    ['no line of dashes', '| a |\n| b |\n', '2: a head has no line of dashes below it'],
  ])('finds %s', (_, text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });
});
