import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../.ci/subpaths.ts';

/** Where, when and how figures were measured. */
export interface Stamp {
  readonly command: string;
  readonly node: string;
  /** The day. */
  readonly date: string;
  /** The commit that was checked out. */
  readonly commit: string;
}

export function stampOf(command: string): Stamp {
  const date = new Date().toISOString().slice(0, 10);
  return { command, node: process.version, date, commit: commitOf() };
}

/** The commit that is checked out, short; `unknown` outside of a repository. */
export function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** What is committed in these folders, as one name: the same for the same files. */
export function contentOf(...folders: readonly string[]): string {
  const names = folders.map((one) => `HEAD:${one}`);
  const trees = execFileSync('git', ['rev-parse', ...names], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n');
  return trees.map((tree) => tree.slice(0, 10)).join('-');
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'results');

/** The figures of a section as they were measured last; undefined: never. */
export function read(name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Keeps the figures of a section: indented, so that a change of them can be read. */
export function write(name: string, result: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
}
