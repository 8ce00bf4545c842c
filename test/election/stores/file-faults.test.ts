/** A file system that fails between a draft and its link. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLeaseStore } from 'holdfast/election/file';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { folderOf } from '../../../src/election/stores/file-name.ts';

type Link = typeof import('node:fs/promises').link;
const fault = vi.hoisted(() => ({ of: undefined as ((really: Link) => Link) | undefined }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const link: Link = (from, to) => (fault.of?.(real.link) ?? real.link)(from, to);
  return { ...real, link };
});

const { signal } = new AbortController();
const candidacy = { key: 'key', holder: 'ann', nonce: 'a', ttlMs: 1000 };
let folder = '';
const left = (): string[] => readdirSync(join(folder, folderOf('key'))).sort();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
});
afterEach(() => {
  fault.of = undefined;
  rmSync(folder, { recursive: true });
});

const failing = (code: string): Error => Object.assign(new Error(code), { code });

it('knows its own entry when the file system has forgotten that it linked it', async () => {
  const store = new FileLeaseStore(folder);
  fault.of = (really) => async (from, to) => {
    await really(from, to);
    throw failing('EEXIST');
  };
  const answer = await store.acquire(candidacy, signal);
  if (!answer.granted) throw new Error('denied');
  expect(await store.release(answer.record, signal)).toBe(true);
  expect(left()).toEqual(['1.json', '2.json']);
});

it('leaves nothing when it cannot link', async () => {
  fault.of = () => () => Promise.reject(failing('EPERM'));
  await expect(new FileLeaseStore(folder).acquire(candidacy, signal)).rejects.toThrow('EPERM');
  expect(left()).toEqual([]);
});

it('writes again when its draft was removed under its hands', async () => {
  let times = 0;
  fault.of = (really) => (from, to) => (++times === 1 ? Promise.reject(failing('ENOENT')) : really(from, to));
  expect((await new FileLeaseStore(folder).acquire(candidacy, signal)).granted).toBe(true);
  expect([times, left()]).toEqual([2, ['1.json']]);
});

it('looks again when another was faster', async () => {
  const other = new FileLeaseStore(folder);
  let times = 0;
  fault.of = (really) => async (from, to) => {
    if (++times === 1) await other.acquire({ ...candidacy, nonce: 'b' }, signal);
    await really(from, to);
  };
  const answer = await new FileLeaseStore(folder).acquire(candidacy, signal);
  expect(answer).toMatchObject({ granted: false, current: { nonce: 'b' } });
});
