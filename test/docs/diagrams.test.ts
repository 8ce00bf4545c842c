/** Every diagram of the documents is one to Mermaid: the reader of the site, or of the repository at its host, sees it drawn. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const diagrams = [
  ...readdirSync(root),
  ...['docs', 'bench', 'examples', 'simulations'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
      (path) => `${folder}/${path.replaceAll('\\', '/')}`,
    ),
  ),
]
  .filter((path) => path.endsWith('.md') && !/\/node_modules\/|^docs\/api\//.test(path))
  .flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return [...text.matchAll(/^```mermaid\n(?<source>.*?)^```$/gms)].map(
      ({ index, groups }) =>
        [`${path}:${String(text.slice(0, index).split('\n').length)}`, groups!['source']!] as const,
    );
  });

interface Mermaid {
  parse(source: string): Promise<unknown>;
}

/** The script of the site, in a window that is enough to parse. */
function load(): Mermaid {
  const element = (): object => ({ style: {}, setAttribute: () => undefined, appendChild: () => undefined });
  const context: Record<string, unknown> = {
    ...{ console, setTimeout, clearTimeout, structuredClone, URL, TextEncoder, TextDecoder },
    addEventListener: () => undefined,
    Element: class {},
    document: {
      ...{ nodeType: 9, body: {}, documentElement: element(), createElement: element, createElementNS: element },
      ...{ querySelector: () => null, addEventListener: () => undefined },
      implementation: { createHTMLDocument: () => ({}) },
    },
  };
  context['window'] = createContext(context);
  runInContext(readFileSync(createRequire(import.meta.url).resolve('@mermaid-js/tiny'), 'utf8'), context);
  return context['mermaid'] as Mermaid;
}

describe('diagrams', () => {
  const mermaid = load();

  test.each(diagrams)('%s is one', async (_, source) => {
    await mermaid.parse(source);
  });

  test('the check finds one that is none', async () => {
    await expect(mermaid.parse('sequenceDiagram\n  A->>B: no; not so\n')).rejects.toThrow('Parse error');
  });
});
