/*
 * Tables and marked blocks, as Markdown.
 */

export type Cells = readonly string[];

export interface Table {
  readonly head: Cells;
  /** Which columns hold numbers. */
  readonly right: readonly number[];
  readonly rows: readonly Cells[];
}

/** A table as Markdown, columns aligned: easy to read as it is. */
export function tableLines({ head, right, rows }: Table): string[] {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: Cells): string =>
    `| ${cells.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (right.includes(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)];
}

const marks = (name: string): readonly [begin: string, end: string] => [
  `<!-- bench:${name} -->`,
  `<!-- /bench:${name} -->`,
];

/** Text between the marks of a name, by which it is found again. */
export function marked(name: string, text: string): string {
  const [begin, end] = marks(name);
  return `${begin}\n\n${text}\n\n${end}`;
}

/**
 * A document with other text between the marks of a name.
 *
 * @throws `Error` when the document does not have both marks, in order
 */
export function withMarked(document: string, name: string, text: string): string {
  const [begin, end] = marks(name);
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the document has no block between ${begin} and ${end}`);
  return document.slice(0, from) + marked(name, text) + document.slice(to + end.length);
}
