/** What all small examples have in common. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const folder = join(root, 'examples');
/** All but the large one, and what the small ones share. */
const small = readdirSync(folder).filter((name) => name !== 'search' && existsSync(join(folder, name, 'main.ts')));
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');

test('there are some', () => expect(small.length).toBeGreaterThan(1));

test.each(small)('%s has at most 150 lines', (name) => {
  const files = readdirSync(join(folder, name)).filter((file) => /\.m?[jt]s$/.test(file));
  const lines = files.reduce((sum, file) => sum + read(name, file).trimEnd().split('\n').length, 0);
  expect(lines).toBeLessThanOrEqual(150);
});

test.each(small)('%s is run by one command, which its README names, and has a test', (name) => {
  const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
    .scripts;
  expect(scripts['example']).toBe('tsx examples/run.ts');
  expect(read(name, 'README.md')).toContain(`npm run example -- ${name}\n`);
  expect(readdirSync(join(root, 'test/examples'))).toContain(`${name}.test.ts`);
});

test.each(small)('%s is in the README and in the map of the book', (name) => {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`(examples/${name}/README.md)`);
  expect(readFileSync(join(root, 'docs/book-map.md'), 'utf8')).toContain(`(../examples/${name}/README.md)`);
});

test('the map of the book names what there is', () => {
  const rows = readFileSync(join(root, 'docs/book-map.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  const named = rows
    .slice(1)
    .flatMap((row) => Array.from(row.split('|')[3]!.matchAll(/`(\w+)`/g), ([, name]) => name!));
  const reports = readdirSync(join(root, 'etc')).map((file) => readFileSync(join(root, 'etc', file), 'utf8'));
  const isExported = (name: string): boolean =>
    reports.some((report) =>
      new RegExp(`^export .*\\b(?:class|function|interface|type|const) ${name}\\b`, 'm').test(report),
    );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !isExported(name))).toEqual([]);
});
