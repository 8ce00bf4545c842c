import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

export interface Subpath {
  /** As a user imports it: `holdfast`, `holdfast/hashing`. */
  readonly specifier: string;
  /** File name without extension in `dist` and in `etc`: `index`, `hashing`. */
  readonly name: string;
  /** Entry file, relative to the root of the repository. */
  readonly source: string;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/**
 * The library's entry points. `exports` in package.json is the one list: what builds, measures, documents or aliases
 * entry points takes them from here.
 */
export const subpaths: readonly Subpath[] = Object.keys(manifest.exports)
  .filter((key) => key !== './package.json')
  .map((key) => {
    const path = key.slice(2);
    return {
      specifier: path === '' ? manifest.name : `${manifest.name}/${path}`,
      name: path === '' ? 'index' : path,
      source: sourceOf(path),
    };
  });

/** `election` → src/election/index.ts; `election/redis` → src/election/stores/redis.ts; `queue/threads` → src/queue/pools/threads.ts;
 * `election/watchdog` → src/election/watchdog.ts. */
function sourceOf(path: string): string {
  if (path === '') return 'src/index.ts';
  const [folder = '', file] = path.split('/');
  if (file === undefined) return `src/${folder}/index.ts`;
  const places = ['pools/', 'stores/', ''].map((place) => `src/${folder}/${place}${file}.ts`);
  return places.find((path) => existsSync(join(root, path)))!;
}

/** `election/redis` → `election-redis.api.md`, in `etc`. */
export const reportName = (name: string): string => `${name.replace('/', '-')}.api.md`;
