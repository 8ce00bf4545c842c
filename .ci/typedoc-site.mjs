/*
 * What makes the repository's documents pages of the site: names and groups, diagrams that are drawn without a network, and
 * sources that a browser shows.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The first that matches a document's path. */
const groups = [
  [/^docs\/guides\//, 'Guides'],
  [/^docs\/decisions\//, 'Decisions'],
  [/^examples\//, 'Examples'],
  [/^bench|^simulations|report|reliability/, 'Reports'],
  [/^docs\//, 'Documents'],
  [/^/, 'Project'],
];

/** As the toolbar's choice of a theme says when the page is loaded. */
const draw = `const theme = document.documentElement.dataset.theme;
const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
mermaid.initialize({ startOnLoad: true, theme: dark ? 'dark' : 'default' });
`;

const block = /<pre><code class="mermaid">(?<source>.*?)<\/code><button[^>]*>[^<]*<\/button><\/pre>/gs;

/** What a browser would save instead of showing it is served as text; the package names no host to link to. */
const shown = (name) => (name === undefined || /\.(?:svg|png|jpg|txt)$/.test(name) ? name : `${name}.txt`);

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on('createDocument', (_, document) => {
    const { files } = document.project;
    const path = files.getReflectionPath(document);
    // As a host of repositories does with a link to a folder.
    if (path.endsWith('/README.md'))
      for (const folder of [path.slice(0, -'/README.md'.length), path.slice(0, -'README.md'.length)])
        files.registerReflectionPath(folder, document);
    document.frontmatter.group ??= groups.find(([path]) => path.test(document.name))[1];
    document.name = document.name.replace(/^docs\//, '').replace(/\/README$/, '');
  });

  app.renderer.on('beginRender', ({ project: { files } }) => {
    const [nameOf, named] = [files.getName.bind(files), files.getNameToAbsoluteMap.bind(files)];
    files.getName = (id) => shown(nameOf(id));
    files.getNameToAbsoluteMap = () => new Map([...named()].map(([name, path]) => [shown(name), path]));
  });

  app.renderer.on('endPage', (page) => {
    const drawn = page.contents?.replaceAll(block, '<pre class="mermaid">$<source></pre>');
    if (drawn === page.contents) return;
    const assets = `${'../'.repeat(page.url.split('/').length - 1)}assets`;
    const scripts = ['mermaid.js', 'diagrams.js']
      .map((name) => `<script defer src="${assets}/${name}"></script>`)
      .join('');
    page.contents = drawn.replace('</head>', () => `${scripts}</head>`);
  });

  app.renderer.on('endRender', ({ outputDirectory }) => {
    const mermaid = fileURLToPath(import.meta.resolve('@mermaid-js/tiny'));
    copyFileSync(mermaid, join(outputDirectory, 'assets/mermaid.js'));
    writeFileSync(join(outputDirectory, 'assets/diagrams.js'), draw);
  });
}
