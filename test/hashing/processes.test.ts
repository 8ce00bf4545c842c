import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocating, answers, countingFlags, question, starts } from './processes.ts';

const root = join(import.meta.dirname, '../..');

/** Runs a program of a user's on the sources, and gives what it prints. */
function run(flags: readonly string[], program: string, thread = 'main', input = ''): string {
  const file = join(root, 'test/package/consumers', program);
  const options = { cwd: root, input, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, '--import', 'tsx', file, thread], options);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** Before Node 22 the loader of TypeScript does not reach ES modules of a worker. The tarball needs none: see test/package. */
const loadable = starts.filter(({ program, thread }) => program !== 'placed.mjs' || thread !== 'worker');

describe('placements rebuilt from JSON', () => {
  it.each(loadable)('answer alike in another process: $flags $program, $thread thread', (start) => {
    const { flags, program, thread, self } = start;
    expect(JSON.parse(run(flags, program, thread, question))).toEqual({ ...self, ...answers });
  });
});

describe('a lookup', () => {
  it('of a key of 20 ASCII characters allocates nothing: N = 200,000 in the best of 40 rounds, less than a byte each', () => {
    expect(allocating(run(countingFlags, 'allocation.mjs'))).toEqual([]);
  });
});
