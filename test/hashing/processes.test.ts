import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answers, question, starts } from './processes.ts';

const root = join(import.meta.dirname, '../..');
const consumers = join(root, 'test/package/consumers');

/** Before Node 22 the loader of TypeScript does not reach ES modules of a worker. The tarball needs none: see test/package. */
const loadable = starts.filter(({ program, thread }) => program !== 'placed.mjs' || thread !== 'worker');

describe('placements rebuilt from JSON', () => {
  it.each(loadable)('answer alike in another process: $flags $program, $thread thread', (start) => {
    const { flags, program, thread, self } = start;
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...flags, '--import', 'tsx', join(consumers, program), thread],
      { cwd: root, input: question, encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ ...self, ...answers });
  });
});
