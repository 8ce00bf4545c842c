/** Every guide of a pattern has one skeleton: who knows one finds his way in all. */
import { describe, expect, test } from 'vitest';
import { general, guides, ofPatterns, textOf } from './guides.ts';

/** In this order; others may stand between. */
const skeleton = [
  'The problem',
  'An example',
  'What is promised',
  'How it works',
  'Options',
  'Events and stats',
  'Tuning',
  'Failure behaviour',
  'Testing it',
  'When not to use it',
  'References',
] as const;
type Heading = (typeof skeleton)[number];

/** Guides that lack a heading, and why. */
const exceptions: Readonly<Record<string, Partial<Record<Heading, string>>>> = {};

interface Part {
  readonly heading: string;
  readonly text: string;
}

/** The parts of the second level; a line in a fence is no heading. */
function partsOf(guide: string): Part[] {
  const parts: { heading: string; text: string }[] = [];
  let isFenced = false;
  for (const line of guide.split('\n')) {
    if (/^\s*(?:```|~~~)/.test(line)) isFenced = !isFenced;
    if (!isFenced && line.startsWith('## ')) parts.push({ heading: line.slice(3).trim(), text: '' });
    else if (parts.length > 0) parts.at(-1)!.text += `${line}\n`;
  }
  return parts;
}

/** What is missing or out of place, in words. */
function faultsOf(guide: string, excepted: Partial<Record<Heading, string>> = {}): string[] {
  const parts = partsOf(guide);
  const headings = parts.map(({ heading }) => heading);
  const textOf = (heading: Heading): string => parts.find((part) => part.heading === heading)?.text ?? '';
  const asked = skeleton.filter((heading) => excepted[heading] === undefined);
  const missing = asked.filter((heading) => !headings.includes(heading));
  const there = skeleton.filter((heading) => headings.includes(heading));
  const inPlace = headings.filter((heading) => (there as readonly string[]).includes(heading));
  const faults = missing.map((heading) => `lacks "${heading}"`);
  for (const heading of there) if (excepted[heading] !== undefined) faults.push(`has "${heading}", which is excepted`);
  if (inPlace.join() !== there.join()) faults.push(`has its headings in another order: ${inPlace.join(', ')}`);
  const table = /^\|(?<head>.*)\|\n\|[ :|-]+\|$/m;
  const demand = (heading: Heading, isMet: boolean, what: string): void => {
    if (headings.includes(heading) && !isMet) faults.push(`has no ${what} in "${heading}"`);
  };
  demand('An example', /^```ts/m.test(textOf('An example')), 'code');
  demand('What is promised', textOf('What is promised').includes('**not** promised'), 'limits');
  demand('How it works', /^```(?:mermaid|text)$/m.test(textOf('How it works')), 'diagram');
  demand('Options', table.exec(textOf('Options'))?.groups!['head']?.includes('default') === true, 'table of defaults');
  demand('Failure behaviour', table.test(textOf('Failure behaviour')), 'table');
  demand('Testing it', /^```ts/m.test(textOf('Testing it')), 'code');
  return faults;
}

test.each(ofPatterns)('%s has the skeleton', (name) => {
  expect(faultsOf(textOf(name), exceptions[name])).toEqual([]);
});

test('what is excepted is there, and says why', () => {
  expect(Object.keys(exceptions).filter((name) => !guides.includes(name))).toEqual([]);
  const reasons = [...Object.values(general), ...Object.values(exceptions).flatMap((each) => Object.values(each))];
  expect(reasons.filter((reason) => reason.length < 20)).toEqual([]);
});

describe('the check itself', () => {
  const whole = [
    '# A pattern',
    '## The problem',
    '## An example\n```ts\n```',
    '## What is promised\nWhat is **not** promised:',
    '## How it works\n```text\n## not a heading\n```',
    '## Options\n| option | default |\n| --- | --- |\n| `a` | 1 |',
    '## Which store',
    '## Events and stats',
    '## Tuning',
    '## Failure behaviour\n| when | you see |\n| --- | --- |\n| a | b |',
    '## Testing it\n```ts\n```',
    '## When not to use it',
    '## References',
  ];
  const without = (text: string, put = ''): string => whole.join('\n').replace(text, put);

  test('passes a guide that has all, and others between', () => {
    expect(faultsOf(whole.join('\n'))).toEqual([]);
    expect(partsOf(whole.join('\n')).map(({ heading }) => heading)).not.toContain('not a heading');
  });

  test.each(skeleton)('finds that "%s" is missing, unless it is excepted', (heading) => {
    const guide = without(`## ${heading}`);
    expect(faultsOf(guide)).toContain(`lacks "${heading}"`);
    expect(faultsOf(guide, { [heading]: 'a reason' })).not.toContain(`lacks "${heading}"`);
  });

  test.each([
    ['another order', without('## The problem').concat('\n## The problem'), 'has its headings in another order'],
    ['an example without code', without('## An example\n```ts\n```', '## An example\n'), 'has no code in "An example"'],
    ['no limits', without('**not** promised'), 'has no limits in "What is promised"'],
    ['no diagram', without('```text', '```ts'), 'has no diagram in "How it works"'],
    [
      'a table without defaults',
      without('| option | default |', '| option | a |'),
      'has no table of defaults in "Options"',
    ],
    ['no table of failures', without('| when | you see |', ''), 'has no table in "Failure behaviour"'],
    ['a test without code', without('## Testing it\n```ts\n```', '## Testing it\n'), 'has no code in "Testing it"'],
  ])('finds %s', (_, guide, fault) => {
    expect(faultsOf(guide).join('; ')).toContain(fault);
  });

  test('finds an exception that is not needed', () => {
    expect(faultsOf(whole.join('\n'), { Tuning: 'a reason' })).toEqual(['has "Tuning", which is excepted']);
  });
});
