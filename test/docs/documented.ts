/** The documents and sources whose code blocks a reader can see. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../.ci/subpaths.ts';
import { type Block, extract } from './blocks.ts';

/** Paths from the root. */
export const documented: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'examples', 'src']
    .filter((name) => existsSync(join(root, name)))
    .flatMap((name) =>
      readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
        .map((path) => `${name}/${path.replaceAll('\\', '/')}`)
        .filter((path) => !/^docs\/api\/|\/node_modules\//.test(path))
        .filter((path) => (name === 'src' ? path.endsWith('.ts') : path.endsWith('.md'))),
    ),
].sort();

export const blocksOf = (file: string): Block[] => extract(file, readFileSync(join(root, file), 'utf8'));

/** Whether this process can run it: it needs nothing, and no other file beside it. */
export const runsHere = ({ needs, savedAs }: Block): boolean => needs === undefined && savedAs === undefined;

/** Blocks with the files beside them, which are the blocks before that are saved under a name. */
export function withFiles(blocks: readonly Block[]): { readonly block: Block; readonly files: readonly Block[] }[] {
  let files: Block[] = [];
  return blocks.flatMap((block) => {
    if (block.savedAs !== undefined) {
      files.push(block);
      return [];
    }
    const own = files;
    files = [];
    return [{ block, files: own }];
  });
}

/** What names a block in the title of a test. */
export const titleOf = ({ file, line }: Block): string => `${file}:${String(line)}`;

/** What names the module of a block: its place in the documentation. */
export const moduleOf = ({ file, line }: Block): string => `${file.replaceAll(/[^\w.]/g, '_')}_${String(line)}.ts`;
