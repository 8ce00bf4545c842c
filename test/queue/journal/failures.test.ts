/** A file system that fails: nothing is said to be done that is not, and nothing is tried again. */
import fc from 'fast-check';
import { isHoldfastError } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import type { Fsync } from '../../../src/queue/stores/journal/group-commit.ts';
import { runs } from '../../support/properties.ts';
import { FakeDisk } from './fake-disk.ts';
import { journalOn, jobsOn, opened, room, type TestJournal } from './support.ts';

const job = (id: string): { id: string; data: string } => ({ id, data: 'x'.repeat(80) });
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isHoldfastError(error) ? error.code : error),
  );

/** Every call of a journal. */
const calls: Readonly<Record<string, (journal: TestJournal) => Promise<unknown>>> = {
  put: (journal) => journal.put([job('late')], room),
  pull: (journal) => journal.pull(1, 1_000),
  extend: (journal) => journal.extend([{ id: 'a', fence: 1n }], 1),
  settle: (journal) => journal.settle([{ id: 'a', fence: 1n, kind: 'done' }]),
  cancel: (journal) => journal.cancel(['a']),
  counts: (journal) => journal.counts(),
  list: (journal) => journal.listDead().next(),
  redrive: (journal) => journal.redrive(),
  purge: (journal) => journal.purge(),
};

describe.each(['write', 'sync'])('after a %s that failed', (operation) => {
  it.each(Object.keys(calls))('%s rejects, whatever the disk does then', async (name) => {
    const disk = new FakeDisk();
    const { journal } = await opened(disk);
    await journal.put([job('a')], room);
    disk.fault = (what) => (what === operation ? 'EIO' : undefined);
    expect(await codeOf(journal.put([job('b')], room))).toBe('STORE_FAILED');
    disk.fault = undefined;
    const before = disk.operations;
    expect(await codeOf(calls[name]!(journal))).toBe('STORE_FAILED');
    expect(disk.operations, 'the disk is left alone').toBe(before);
    await journal.close();
    expect([...(await jobsOn(disk)).keys()]).toContain('a');
  });
});

it('rejects all that waits for a sync that fails, and what came meanwhile', async () => {
  const disk = new FakeDisk();
  const { journal } = await opened(disk);
  disk.fault = (what) => (what === 'sync' ? 'EIO' : undefined);
  const puts = Array.from({ length: 30 }, async (_, i) => {
    for (let turns = 0; turns < i; turns++) await Promise.resolve();
    return await codeOf(journal.put([job(String(i))], room));
  });
  expect(new Set(await Promise.all(puts))).toEqual(new Set(['STORE_FAILED']));
  expect(disk.log.filter((line) => line.startsWith('sync ') && line.endsWith('.journal')).length).toBe(2);
});

it('says what has failed, and why', async () => {
  const disk = new FakeDisk();
  const { journal } = await opened(disk);
  disk.fault = () => 'ENOSPC';
  const error = await journal.put([job('a')], room).catch((reason: unknown) => reason);
  expect((error as Error).message).toContain('/jobs has failed: ENOSPC');
  expect((error as Error).cause).toMatchObject({ code: 'ENOSPC' });
});

it('rejects to open on a disk that fails, and lets go of the folder', async () => {
  const whole = new FakeDisk();
  await opened(whole);
  for (let at = 0; at <= whole.operations; at++) {
    const disk = new FakeDisk();
    disk.fault = () => (disk.operations > at ? 'EIO' : undefined);
    const code = await codeOf(journalOn(disk).open());
    expect(code).toBe(at < whole.operations ? 'STORE_FAILED' : 'done');
    disk.fault = undefined;
    await opened(disk);
  }
});

it('holds what it has accepted when the disk is full, at whichever operation, and goes on when there is room', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Fsync>('batch', 'always', 'os'),
      fc.integer({ min: 8, max: 90 }),
      fc.integer({ min: 1, max: 6 }),
      async (fsync, roomFor, together) => {
        const disk = new FakeDisk();
        disk.fault = (what) => (disk.operations > roomFor && ['write', 'create'].includes(what) ? 'ENOSPC' : undefined);
        const journal = journalOn(disk, { fsync });
        await journal.open();
        const [accepted, ended] = [new Set<string>(), new Set<string>()];
        try {
          for (let i = 0; ; i += together) {
            const ids = Array.from({ length: together }, (_, n) => String(i + n));
            await Promise.all(ids.map((id) => journal.put([job(id)], room).then(() => accepted.add(id))));
            for (const lease of await journal.pull(together - 1, 1e9)) {
              ended.add(lease.id);
              await journal.settle([{ ...lease, kind: 'done' }]);
            }
          }
        } catch (error) {
          expect(isHoldfastError(error, 'STORE_FAILED')).toBe(true);
        }
        disk.fault = undefined;
        await journal.close();
        const left = await jobsOn(disk);
        for (const id of accepted) expect(left.has(id) || ended.has(id), id).toBe(true);
        const { journal: next } = await opened(disk);
        expect((await next.put([job('new')], room))[0]!.status).toBe('added');
      },
    ),
    { numRuns: runs(1) },
  );
});
