/** Every promise has a proof: `docs/guarantees.md` cites tests that there are, and each guide names its promises as that page does. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { ofPatterns } from './guides.ts';
import { faultsOf, type Guarantee, promisesOf, sectionsOf, wordsOf } from './promises.ts';
import { titlesIn } from './titles.ts';

const texts = new Map<string, string | undefined>();
const read = (path: string): string | undefined => {
  if (!texts.has(path))
    texts.set(path, existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined);
  return texts.get(path);
};

const sections = sectionsOf(read('docs/guarantees.md')!).filter(({ guarantees }) => guarantees.length > 0);
const all = sections.flatMap(({ guarantees }) => guarantees);

test('there are promises, and each id is there once, of its section, and counted from 1', () => {
  expect(all.length).toBeGreaterThan(120);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { title, guarantees } of sections) {
    const [prefix] = guarantees[0]!.id.split('-');
    expect(
      guarantees.map(({ id }) => id),
      title,
    ).toEqual(guarantees.map((_, i) => `${prefix!}-${String(i + 1)}`));
  }
});

test.each(all.map((each) => [each.id, each] as const))('%s says what it assumes, and its proof is there', (_, each) => {
  expect(each.promise).not.toBe('');
  expect(each.assumes).not.toBe('');
  expect(faultsOf(each, read)).toEqual([]);
});

test('each section of a pattern says what is not promised', () => {
  expect(sections.filter(({ guide, hasLimits }) => guide !== undefined && !hasLimits)).toEqual([]);
});

describe('guides', () => {
  test.each(ofPatterns)('%s has the promises of its section, word for word, and leads there', (name) => {
    const path = `docs/guides/${name}`;
    const section = sections.find(({ guide }) => guide === path);
    const shown = promisesOf(read(path)!);
    const meant = new Map(section?.guarantees.map(({ id, promise }) => [id, promise]));
    const words = (promises: ReadonlyMap<string, string>): Record<string, string> =>
      Object.fromEntries([...promises].map(([id, promise]) => [id, wordsOf(promise)]));
    expect(section, 'a section of docs/guarantees.md').toBeDefined();
    expect(words(shown)).toEqual(words(meant));
    expect(read(path)!.includes('](../guarantees.md#'), 'leads to it').toBe(true);
  });
});

describe('the check itself', () => {
  const files: Record<string, string> = {
    'test/a.test.ts': `
      describe.each([['x', 1]])('of %s', () => {
        it('holds', () => {});
        it.skip('is skipped', () => {});
        it.todo('is to come');
        test.each(['one', 'two'] as const)('case %s of them', () => {});
        test(\`made of \${what}\`, () => {});
      });
      describe.skip('skipped as a whole', () => it('within', () => {}));
      describeWith(['redis-server'], 'on a server', () => it('too', () => {}));
      placementSuite();`,
    'src/testing/placement-x.ts': `export const laws = { 'keeps its word'() {} };`,
    'test/b.test.ts': `it('runs no suite', () => {});`,
  };
  const faults = (proof: string): string[] =>
    faultsOf({ id: 'X-1', promise: 'p', assumes: '—', proof } satisfies Guarantee, (path) => files[path]);
  const a = '[a.test.ts](../test/a.test.ts)';
  const law = '[placement-x.ts](../src/testing/placement-x.ts): “keeps its word”';

  test('finds the titles of a file, and none that does not run', () => {
    expect(titlesIn(files['test/a.test.ts']!)).toEqual([
      'of %s',
      'of x',
      'holds',
      'case %s of them',
      'case one of them',
      'case two of them',
      'made of …',
      'on a server',
      'too',
    ]);
  });

  test.each([`${a}: “holds”`, `${a}: “holds”, “case two”`, `${law}, run by ${a}`])('passes %s', (proof) => {
    expect(faults(proof)).toEqual([]);
  });

  test.each([
    ['no proof', 'obviously', ['X-1: no test is cited']],
    ['a file without a title', a, ['X-1: no test is cited']],
    [
      'a file that is not there',
      '[c.test.ts](../test/c.test.ts): “holds”',
      ['X-1: there is no test/c.test.ts', 'X-1: no test is cited'],
    ],
    ['a title that is not there', `${a}: “held”`, ['X-1: test/a.test.ts has no test “held”', 'X-1: no test is cited']],
    ['one of two that is not there', `${a}: “holds”, “held”`, ['X-1: test/a.test.ts has no test “held”']],
    [
      'a test that is skipped',
      `${a}: “is skipped”`,
      ['X-1: test/a.test.ts has no test “is skipped”', 'X-1: no test is cited'],
    ],
    ['a law that nothing runs', law, ['X-1: nothing that is cited runs src/testing/placement-x.ts']],
    [
      'a law beside a test that does not run it',
      `${law}, [b.test.ts](../test/b.test.ts)`,
      ['X-1: nothing that is cited runs src/testing/placement-x.ts'],
    ],
  ])('finds %s', (_, proof, found) => {
    expect(faults(proof)).toEqual(found);
  });

  test('reads sections, ids and guides', () => {
    const page =
      '# G\n\n## One\n\n[Guide](guides/one.md).\n\n| id | p |\n| --- | --- |\n| ONE-1 | a \\| b | — | c |\n\nNot promised: d.\n';
    expect(sectionsOf(page)).toEqual([
      {
        title: 'One',
        guide: 'docs/guides/one.md',
        guarantees: [{ id: 'ONE-1', promise: 'a \\| b', assumes: '—', proof: 'c' }],
        hasLimits: true,
      },
    ]);
    expect(promisesOf('| ONE-1 | see [a](x.md) | t |')).toEqual(new Map([['ONE-1', 'see [a](x.md)']]));
    expect(wordsOf('see [a](x.md)')).toBe('see [a]');
  });
});
