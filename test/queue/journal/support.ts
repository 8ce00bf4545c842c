import { seededRandom, VirtualClock } from 'holdfast/testing';
import { Journal, type JournalSettings } from '../../../src/queue/stores/journal/journal.ts';
import type { Damage } from '../../../src/queue/stores/journal/recovery.ts';
import { deadProcesses, type FakeDisk } from './fake-disk.ts';

export const folder = '/jobs';
export const room = { max: 1_000_000, overflow: 'reject' } as const;

export const settings: JournalSettings = {
  agingMs: undefined,
  keyLimit: 1,
  keyOrder: 'strict',
  maxDead: 10_000,
  fsync: 'batch',
  segmentBytes: 1_024,
  maxDataBytes: 100_000,
  salvage: false,
};

export type TestJournal = Journal<unknown>;

/** A journal on a disk in memory, not open yet. */
export function journalOn(disk: FakeDisk, own: Partial<JournalSettings> = {}, clock = new VirtualClock()): TestJournal {
  return new Journal(
    folder,
    { ...settings, ...own },
    { clock, random: seededRandom(1).stream('locks'), files: disk, processes: deadProcesses },
  );
}

/** A journal that was opened, and what was wrong with it. */
export async function opened(
  disk: FakeDisk,
  own: Partial<JournalSettings> = {},
  clock?: VirtualClock,
): Promise<{ readonly journal: TestJournal; readonly damage: Damage }> {
  const journal = journalOn(disk, own, clock);
  return { journal, damage: await journal.open() };
}

/** All jobs that a journal on this disk holds, the delayed and the dead too: id → what is known of it. It is opened for that. */
export async function jobsOn(disk: FakeDisk, own?: Partial<JournalSettings>): Promise<Map<string, Survivor>> {
  const clock = new VirtualClock();
  const { journal } = await opened(disk, own, clock);
  const jobs = new Map<string, Survivor>();
  await clock.advance(1e9);
  for await (const { id, data, attempts, crashes } of journal.listDead())
    jobs.set(id, { data, attempts, crashes, isDead: true, fence: Infinity });
  for (const { id, data, attempt, crashes, fence } of await journal.pull(Infinity, 1e9))
    jobs.set(id, { data, attempts: attempt - 1, crashes, isDead: false, fence: Number(fence) });
  return jobs;
}

export interface Survivor {
  readonly data: unknown;
  readonly attempts: number;
  readonly crashes: number;
  readonly isDead: boolean;
  /** Of its next lease. */
  readonly fence: number;
}

/** Resolves when nothing is left that can go on without time or real I/O. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
