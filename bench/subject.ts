/*
 * What is measured: the built package, found as a user's import finds it, through `exports`. The types are the source's,
 * so that the benchmark can be checked before anything is built.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as balancing from '../src/balancing/index.ts';
import type * as calls from '../src/calls/index.ts';
import type * as flow from '../src/flow/index.ts';
import type * as hashing from '../src/hashing/index.ts';
import type * as queue from '../src/queue/index.ts';
import type * as scatter from '../src/scatter/index.ts';
import type * as sharding from '../src/sharding/index.ts';
import type * as testing from '../src/testing/index.ts';

export interface Subject {
  readonly version: string;
  readonly hashing: typeof hashing;
  readonly calls: typeof calls;
  readonly balancing: typeof balancing;
  readonly flow: typeof flow;
  readonly queue: typeof queue;
  readonly scatter: typeof scatter;
  readonly sharding: typeof sharding;
  readonly testing: typeof testing;
}

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly import: { readonly default: string } } | undefined>>;
}

/**
 * Imports the package.
 *
 * @param root - the folder of its package.json
 */
export async function loadSubject(root: string): Promise<Subject> {
  const { version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const load = async (subpath: string): Promise<unknown> => {
    const file = exports[`./${subpath}`]?.import.default;
    if (file === undefined) throw new Error(`the package does not export ./${subpath}`);
    return await import(pathToFileURL(join(root, file)).href);
  };
  return {
    version,
    hashing: (await load('hashing')) as typeof hashing,
    calls: (await load('calls')) as typeof calls,
    balancing: (await load('balancing')) as typeof balancing,
    flow: (await load('flow')) as typeof flow,
    queue: (await load('queue')) as typeof queue,
    scatter: (await load('scatter')) as typeof scatter,
    sharding: (await load('sharding')) as typeof sharding,
    testing: (await load('testing')) as typeof testing,
  };
}
