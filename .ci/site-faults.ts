/** What is wrong with the links of a built site, and with what its pages load. */
import { posix } from 'node:path';

/** What a page refers to: where a link leads, what an image or a script is. */
const references = /<(?:a|img|script|link)\b[^>]*?\s(?:href|src)="(?<to>[^"]*)"/g;
const loaded = /<(?:img|script|link)\b[^>]*?\s(?:href|src)="(?<from>(?:https?:)?\/\/[^"]*)"/g;

const decoded = (text: string): string => decodeURIComponent(text.replaceAll('&amp;', '&'));

/**
 * Links that lead nowhere, documents that are no pages, diagrams that nothing draws, and what would be loaded from elsewhere.
 *
 * @param pages - the HTML of each page by its path
 * @param exists - whether the site has a file
 */
export function faultsOf(pages: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  const anchors = new Map(
    [...pages].map(([path, html]) => [
      path,
      new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => decoded(id!))),
    ]),
  );
  return [...pages].flatMap(([page, html]) => [
    ...[...html.matchAll(references)].flatMap(({ groups }) => {
      const to = groups!['to']!;
      if (/^[a-z]+:/.test(to) || to === '#') return [];
      const [path = '', anchor] = decoded(to).split('#');
      const target = path === '' ? page : posix.join(posix.dirname(page), path.replace(/(?<=^|\/)$/, 'index.html'));
      const broken =
        !exists(target) || (anchor !== undefined && anchors.has(target) && !anchors.get(target)!.has(anchor));
      if (broken) return [`${page}: ${to} leads nowhere`];
      return /\.md(?:\.txt)?$/.test(target) ? [`${page}: ${to} is no page`] : [];
    }),
    ...[...html.matchAll(loaded)].map(({ groups }) => `${page}: loads ${groups!['from']!}`),
    ...(html.includes('<code class="mermaid">') ? [`${page}: has the source of a diagram`] : []),
    ...(html.includes('<pre class="mermaid">') && !/<script[^>]*\/mermaid\.js"/.test(html)
      ? [`${page}: has a diagram that nothing draws`]
      : []),
  ]);
}
