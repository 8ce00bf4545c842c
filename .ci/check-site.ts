/** Whether the site that TypeDoc has written hangs together: `check-site.ts`, after `typedoc`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultsOf } from './site-faults.ts';
import { root } from './subpaths.ts';

const site = join(root, 'docs/api');
const pages = new Map(
  readdirSync(site, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.html'))
    .map((path) => [path, readFileSync(join(site, path), 'utf8')]),
);
const faults = [...new Set(faultsOf(pages, (path) => existsSync(join(site, path))))];
for (const fault of faults) console.log(fault);
const diagrams = [...pages.values()].reduce((sum, html) => sum + html.split('<pre class="mermaid">').length - 1, 0);
console.log(`site: ${String(pages.size)} pages, ${String(diagrams)} diagrams, ${String(faults.length)} faults`);
if (faults.length > 0) process.exitCode = 1;
