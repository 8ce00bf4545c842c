import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLeaseStore } from 'holdfast/election/file';
import { leaseStoreSuite } from 'holdfast/testing';
import { afterAll, describe, it } from 'vitest';
import { folderOf } from '../../../src/election/stores/file-name.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('FileLeaseStore', () => {
  leaseStoreSuite(
    () => new FileLeaseStore(folder),
    { describe, it },
    {
      ttlMs: 20,
      remove: (key) => rmSync(join(folder, folderOf(key)), { recursive: true }),
      wipe: () => rmSync(folder, { recursive: true }),
    },
  );
});
