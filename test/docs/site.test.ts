/** The check of the built site, which `npm run docs` runs, finds what would be broken for a reader. */
import { expect, test } from 'vitest';
import { faultsOf } from '../../.ci/site-faults.ts';

const files = [
  'index.html',
  'documents/a.html',
  'assets/main.js',
  'assets/mermaid.js',
  'media/a.test.ts.txt',
  'media/a.md.txt',
];
const faults = (html: string): string[] =>
  faultsOf(
    new Map([
      ['index.html', '<h1 id="top">'],
      ['documents/a.html', html],
    ]),
    (path) => files.includes(path),
  );

test('passes links to pages, their headings, sources and other sites, and a diagram that a script draws', () => {
  expect(
    faults(
      '<script src="../assets/main.js"></script><h2 id="here"><a href="#here">x</a></h2><a href="../index.html#top">x</a>' +
        '<a href="../">x</a><a href="../media/a.test.ts.txt">x</a><a href="https://example.org/">x</a>' +
        '<script defer src="../assets/mermaid.js"></script><pre class="mermaid">flowchart LR</pre>',
    ),
  ).toEqual([]);
});

test.each([
  ['a page that is not there', '<a href="b.html">', 'b.html leads nowhere'],
  ['an image that is not there', '<img src="../media/a.svg">', '../media/a.svg leads nowhere'],
  ['a heading that is not there', '<a href="../index.html#bottom">', '../index.html#bottom leads nowhere'],
  ['a document that is no page', '<a href="../media/a.md.txt">', '../media/a.md.txt is no page'],
  ['what comes from elsewhere', '<script src="https://cdn.example/x.js">', 'loads https://cdn.example/x.js'],
  ['the source of a diagram', '<code class="mermaid">', 'has the source of a diagram'],
  ['a diagram without its script', '<pre class="mermaid">', 'has a diagram that nothing draws'],
])('finds %s', (_, html, fault) => {
  expect(faults(html)).toEqual([`documents/a.html: ${fault}`]);
});
