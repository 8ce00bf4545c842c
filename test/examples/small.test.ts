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

const isCode = (file: string): boolean => /\.m?[jt]s$/.test(file);
const linesOf = (...path: string[]): number =>
  read(...path)
    .trimEnd()
    .split('\n').length;
const codeOf = (name: string): string[] => readdirSync(join(folder, name)).filter(isCode);
/** The files of `support` that an example imports, by itself or through others of them. */
function supportOf(name: string): Set<string> {
  const found = new Set<string>();
  const look = (...path: string[]): void => {
    for (const [, file = ''] of read(...path).matchAll(/from '\.\.?\/(?:support\/)?([\w-]+\.ts)'/g))
      if (existsSync(join(folder, 'support', file)) && !existsSync(join(folder, name, file)) && !found.has(file)) {
        found.add(file);
        look('support', file);
      }
  };
  for (const file of codeOf(name)) look(name, file);
  return found;
}

/** What one example alone imports of `support`, and is not counted all the same; why. */
const uncounted: Readonly<Record<string, string>> = {
  'redis-server.ts': 'to start a server is not what is shown: who has a Redis starts none',
  'json-lines.ts':
    'a file that survives kills is a part by itself, with a test of its own; the adapter is what is beside it',
};
/** What one example alone imports is its own, wherever it lies. */
const own = new Map(
  small.map((name) => {
    const others = small.filter((other) => other !== name).map(supportOf);
    return [name, [...supportOf(name)].filter((file) => !others.some((files) => files.has(file)))] as const;
  }),
);

test.each(small)('%s has at most 150 lines, and what it alone has in support counts', (name) => {
  const counted = own.get(name)!.filter((file) => uncounted[file] === undefined);
  const lines = [
    ...codeOf(name).map((file) => linesOf(name, file)),
    ...counted.map((file) => linesOf('support', file)),
  ].reduce((sum, n) => sum + n, 0);
  expect(lines).toBeLessThanOrEqual(150);
});

test('support is used, and what is not counted is named for nothing else', () => {
  const used = new Set(small.flatMap((name) => [...supportOf(name)]));
  expect([...used].sort()).toEqual(readdirSync(join(folder, 'support')).sort());
  expect(Object.keys(uncounted).sort()).toEqual(
    [...own.values()]
      .flat()
      .filter((file) => uncounted[file])
      .sort(),
  );
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
