import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { leavings } from './trials.ts';

describe('elections among processes, on files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-election-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  leavings(() => ({ kind: 'file', url: folder }));
});
