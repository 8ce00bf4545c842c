/** A file system that fails, or in which others are busy, between two steps of a store. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LeaseRecord } from 'holdfast/election';
import { FileLeaseStore } from 'holdfast/election/file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemUnique } from '../../../src/core/random.ts';
import { FileLog } from '../../../src/election/stores/file-log.ts';
import { folderOf } from '../../../src/election/stores/file-name.ts';

const calls = ['link', 'open', 'readdir', 'readFile'] as const;
type Call = (typeof calls)[number];
/** What happens right before a call of the file system, or right after: it fails when this does. */
type Step = (path: string, result?: unknown) => unknown;
const steps = new Map<string, Step>();
const really = { ...files };

/** The file system's own, with a step before and after; not a mock, which tests that share modules would share, too. */
function faulty(call: Call) {
  return async (path: string, ...rest: never[]): Promise<unknown> => {
    await steps.get(`before ${call}`)?.(path);
    const result: unknown = await (really[call] as (...args: unknown[]) => unknown)(path, ...rest);
    await steps.get(`after ${call}`)?.(path, result);
    return result;
  };
}

const { signal } = new AbortController();
const candidacy = { key: 'key', holder: 'ann', nonce: 'a', ttlMs: 1000 };
let folder = '';
let store: FileLeaseStore;
const inside = (name: string): string => join(folder, folderOf('key'), name);
const left = (): string[] => readdirSync(inside('')).sort();

beforeEach(() => {
  Object.assign(files, Object.fromEntries(calls.map((call) => [call, faulty(call)])));
  syncBuiltinESMExports();
  folder = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
  store = new FileLeaseStore(folder);
});
afterEach(() => {
  steps.clear();
  Object.assign(files, really);
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true });
});

function always(when: `${'before' | 'after'} ${Call}`, step: Step): void {
  steps.set(when, step);
}

/** The first time only; what the step itself does meets no fault. */
function once(when: `${'before' | 'after'} ${Call}`, step: Step): void {
  always(when, (path, result) => {
    steps.delete(when);
    return step(path, result);
  });
}

function fails(code: string): Step {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

async function taken(): Promise<LeaseRecord> {
  const answer = await store.acquire(candidacy, signal);
  if (!answer.granted) throw new Error('denied');
  return answer.record;
}

async function renewed(held: LeaseRecord): Promise<LeaseRecord> {
  const [record] = await store.renew([held], { ttlMs: 1000 }, signal);
  return record!;
}

describe('a link', () => {
  it('is known as its own when the file system has forgotten that it made it', async () => {
    always('after link', fails('EEXIST'));
    const held = await taken();
    expect(await store.release(held, signal)).toBe(true);
    expect(left()).toEqual(['1.json', '2.json']);
  });

  it('that cannot be made leaves nothing', async () => {
    always('before link', fails('EPERM'));
    await expect(taken()).rejects.toMatchObject({ message: 'EPERM' });
    expect(left()).toEqual([]);
  });

  it('is made anew when the draft was removed under its hands', async () => {
    const held = await taken();
    for (const code of ['ENOENT', 'EEXIST']) {
      once('before link', (draft) => {
        unlinkSync(draft);
        fails(code)(draft);
      });
      await renewed(held);
    }
    expect(left()).toEqual(['1.json', '2.json', '3.json']);
    expect((await store.read('key', signal))?.version).toMatch(/^3-/);
  });

  it('that comes second is none', async () => {
    const other = new FileLeaseStore(folder);
    once('before link', () => other.acquire({ ...candidacy, nonce: 'b' }, signal));
    const answer = await store.acquire(candidacy, signal);
    expect(answer).toMatchObject({ granted: false, current: { nonce: 'b' } });
  });
});

describe('an entry that is the newest when it is linked', () => {
  it('is one, also when the next comes at once', async () => {
    mkdirSync(inside(''), { recursive: true });
    const log = new FileLog<unknown>(inside(''), systemUnique, (value) => value ?? undefined);
    once('after link', async () => {
      await log.append(await log.end(signal), 'second', signal);
    });
    expect(await log.append(await log.end(signal), 'first', signal)).toMatchObject({ seq: 1, value: 'first' });
    expect((await log.end(signal)).entry).toMatchObject({ seq: 2, value: 'second' });
  });

  it('is one, whatever somebody writes behind it', async () => {
    const held = await taken();
    once('after link', () => {
      writeFileSync(inside('3.json'), 'torn');
    });
    expect((await renewed(held)).version).toMatch(/^2-/);
    expect(left()).toEqual(['1.json', '2.json', '3.json']);
  });
});

describe('a draft', () => {
  it('has another name where its own is taken', async () => {
    await taken();
    once('before open', fails('EEXIST'));
    expect((await renewed(await taken())).version).toMatch(/^3-/);
  });

  it('that cannot be made is none', async () => {
    await taken();
    once('before open', fails('EACCES'));
    await expect(taken()).rejects.toMatchObject({ message: 'EACCES' });
    expect(left()).toEqual(['1.json']);
  });

  it('is closed, whatever comes of it', async () => {
    const opened: FileHandle[] = [];
    const closed: boolean[] = [];
    always('after open', (_, file) => opened.push(file as FileHandle));
    always('before link', () => {
      closed.push(opened.at(-1)!.fd === -1);
    });
    await renewed(await taken());
    expect(closed).toEqual([true, true]);
    once('after open', (_, file) => {
      opened.push(file as FileHandle);
      Object.assign(file as FileHandle, { writeFile: () => Promise.reject(new Error('no space')) });
    });
    await expect(taken()).rejects.toMatchObject({ message: 'no space' });
    expect(opened.map(({ fd }) => fd)).toEqual([-1, -1, -1]);
    expect(left()).toEqual(['1.json', '2.json']);
  });
});

describe('a look', () => {
  it('is a new one when what it was about to read was removed', async () => {
    const held = await taken();
    await store.release(held, signal);
    const seen: string[] = [];
    always('before readFile', (path) => {
      if (seen.push(path) === 1) fails('ENOENT')(path);
    });
    expect(await store.read('key', signal)).toMatchObject({ holder: null });
    expect(seen).toEqual([inside('2.json'), inside('2.json')]);
  });

  it.each(['readFile', 'readdir'] as const)('that the file system refuses is none: %s', async (call) => {
    await taken();
    once(`before ${call}`, fails('EIO'));
    await expect(store.read('key', signal)).rejects.toMatchObject({ message: 'EIO' });
  });
});

describe('what is tidied', () => {
  const long = Date.now() / 1000 - 90;

  it('is drafts only, however old the entries are', async () => {
    const held = await taken();
    writeFileSync(inside('old.tmp'), '{}');
    for (const name of ['1.json', 'old.tmp']) utimesSync(inside(name), long, long);
    await renewed(held);
    expect(left()).toEqual(['1.json', '2.json']);
  });

  it('is all but the last entries, though nobody could tidy for long', async () => {
    const held = await taken();
    for (let seq = 2; seq <= 100; seq++) writeFileSync(inside(`${String(seq)}.json`), 'torn');
    await renewed(held);
    const numbers = Array.from({ length: 32 }, (_, i) => `${String(70 + i)}.json`);
    expect(left()).toEqual(numbers.sort());
  });
});
