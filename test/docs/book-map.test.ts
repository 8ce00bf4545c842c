/** The map of the book has each chapter that shows a pattern, of the edition that it names. What it names there is, says `test/examples`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const map = readFileSync(join(root, 'docs/book-map.md'), 'utf8');

test('names the edition', () => {
  expect(map).toContain("second edition (O'Reilly, 2024)");
});

test.each([
  ...['distributed system concepts', 'sidecar', 'ambassador', 'adapter'],
  ...['replicated load-balanced services', 'sharded services', 'scatter/gather', 'functions', 'ownership election'],
  ...['work queue systems', 'event-driven batch', 'coordinated batch'],
  ...['monitoring and observability', 'AI inference and serving', 'common failure patterns'],
])('has %s, with exports, a guide and an example', (chapter) => {
  const row = map.split('\n').find((line) => line.split('|')[2]?.trim().startsWith(chapter));
  const [, , , exported = '', guide = '', example = ''] = row?.split('|') ?? [];
  expect(exported).toMatch(/`\w+`/);
  expect(guide).toMatch(/\]\(guides\//);
  expect(example).toMatch(/\]\(\.\.\/examples\//);
});
