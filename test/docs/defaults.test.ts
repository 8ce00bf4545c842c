/** What the guides list is what the sources have: defaults that are numbers, and the codes of errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

/** Which guides have the options of a folder. */
const guidesOf: Readonly<Record<string, readonly string[]>> = {
  balancing: ['balancing'],
  calls: ['calls', 'deadlines'],
  election: ['election'],
  flow: ['flow'],
  hashing: ['hashing'],
  live: ['live'],
  scatter: ['scatter'],
  sharding: ['sharding'],
};

interface Default {
  readonly option: string;
  readonly value: string;
}

/** The properties whose `@defaultValue` begins with a number, without thousands' commas. */
function defaultsIn(text: string): Default[] {
  const found: Default[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node) && ts.isIdentifier(node.name)) {
      const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === 'defaultValue');
      const value = /^-?\d[\d,.]*n?/.exec(ts.getTextOfJSDocComment(tag?.comment) ?? '')?.[0];
      if (value !== undefined)
        found.push({ option: node.name.text, value: value.replaceAll(',', '').replace(/\.$/, '') });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('options.ts', text, ts.ScriptTarget.ES2022, true));
  return found;
}

/** Those that no row of a table has, option and number. */
function missingIn(guide: string, defaults: readonly Default[]): Default[] {
  const rows = guide
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((row) => row.replaceAll(/(?<=\d),(?=\d{3})/g, ''));
  return defaults.filter(({ option, value }) => {
    const name = new RegExp(`\\b${option}\\b`);
    const number = new RegExp(`(?<![\\w.-])${value.replaceAll('.', '\\.')}(?![\\w]|\\.\\d)`);
    return !rows.some((row) => name.test(row) && number.test(row));
  });
}

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

test.each(Object.entries(guidesOf))('the defaults of %s are in its guide', (folder, guides) => {
  const files = readdirSync(join(root, 'src', folder), { recursive: true, encoding: 'utf8' });
  const defaults = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => defaultsIn(read('src', folder, file)));
  expect(defaults.length).toBeGreaterThan(0);
  expect(missingIn(guides.map((guide) => read('docs/guides', `${guide}.md`)).join('\n'), defaults)).toEqual([]);
});

test('every code of an error is in the guide, with a guard that there is', () => {
  const union = /export type ErrorCode =(?<codes>[^;]+);/.exec(read('src/core/errors.ts'))!.groups!['codes']!;
  const rows = [...read('docs/guides/deadlines.md').matchAll(/^\| `(?<code>[A-Z_]+)` +\| `(?<guard>is\w+)` +\|/gm)];
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(20);
  expect(rows.map(({ groups }) => groups!['code']!).sort()).toEqual(codes.sort());
  const reports = readdirSync(join(root, 'etc')).map((file) => read('etc', file));
  const guards = new Set(rows.map(({ groups }) => groups!['guard']!));
  expect([...guards].filter((guard) => !reports.some((report) => report.includes(`export function ${guard}`)))).toEqual(
    [],
  );
});

test('the check finds a number that is another, and an option that is not there', () => {
  const source = `interface Options {
    /** @defaultValue 10,000 */ readonly aMs?: number;
    /** @defaultValue 0.5, or more */ readonly b?: {
      /** @defaultValue 3 */ readonly c?: number;
    };
    /** @defaultValue none */ readonly d?: number;
  }`;
  const defaults = defaultsIn(source);
  expect(defaults).toEqual([
    { option: 'aMs', value: '10000' },
    { option: 'b', value: '0.5' },
    { option: 'c', value: '3' },
  ]);
  expect(missingIn('| `aMs` | ms, 10,000 |\n| `b` | 0.5 |\n| `b.c` | 3 |', defaults)).toEqual([]);
  expect(missingIn('| `aMs` | ms, 100,000 |\n| `b` | 10.5 |\n| `e` | 3 |\nc is 3', defaults)).toEqual(defaults);
});
