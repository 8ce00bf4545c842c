/**
 * Crash points, all of them: a machine that stops after any operation of its file system, or in the middle of it, and then
 * has what was synced and, of the rest, all, nothing or some. What was accepted is done, or there.
 */
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import type { JobLease } from '../../../src/queue/queue-store.ts';
import type { Fsync } from '../../../src/queue/stores/journal/group-commit.ts';
import { seed } from '../../support/properties.ts';
import { FakeDisk, losses } from './fake-disk.ts';
import { journalOn, jobsOn, opened, room, settled, type Survivor, type TestJournal } from './support.ts';

/** What the world outside knows when the machine stops. */
interface Known {
  /** Answered `added`. */
  readonly accepted: Set<string>;
  /** Asked to be ended: whether they are is not known. */
  readonly ending: Set<string>;
  /** Answered to be ended. */
  readonly ended: Set<string>;
  /** How often each was handed out, without the leases that were to be given back uncharged. */
  readonly attempts: Map<string, number>;
  highestFence: number;
}

const unknown = (): Known => ({
  accepted: new Set(),
  ending: new Set(),
  ended: new Set(),
  attempts: new Map(),
  highestFence: 0,
});

/**
 * A day in the life of a journal: all that is written, several files, states written again, files removed.
 *
 * @param isKept - whether some jobs stay for all the time
 */
async function live(journal: TestJournal, known: Known, isKept: boolean): Promise<void> {
  await journal.open();
  const put = async (ids: readonly string[], more: object = {}): Promise<void> => {
    const jobs = ids.map((id) => ({ id, data: { id, text: 'x'.repeat(60) }, ...more }));
    for (const { id, status } of await journal.put(jobs, room)) if (status === 'added') known.accepted.add(id);
  };
  const pull = async (max: number): Promise<readonly JobLease[]> => {
    const leases = await journal.pull(max, 60_000);
    for (const { id, fence } of leases) {
      known.attempts.set(id, (known.attempts.get(id) ?? 0) + 1);
      known.highestFence = Math.max(known.highestFence, Number(fence));
    }
    return leases;
  };
  const end = async (leases: readonly JobLease[]): Promise<void> => {
    for (const { id } of leases) known.ending.add(id);
    const held = await journal.settle(leases.map((lease) => ({ ...lease, kind: 'done' })));
    for (const [i, { id }] of leases.entries()) if (held[i]!) known.ended.add(id);
  };

  if (isKept) await put(['old-1', 'old-2'], { delayMs: 1 });
  for (let round = 0; round < 10; round++) {
    const ids = Array.from({ length: 5 }, (_, i) => `job-${String(round)}-${String(i)}`);
    await Promise.all([put(ids.slice(0, 2)), put(ids.slice(2))]);
    const leases = await pull(5);
    if (!isKept) {
      await end(leases);
      continue;
    }
    const [retried, ...others] = leases;
    await journal.settle([{ ...retried!, kind: 'retry', delayMs: 1_000, error: 'e' }]);
    const [given, up, ...done] = others;
    if (given !== undefined) known.attempts.set(given.id, known.attempts.get(given.id)! - 1);
    await journal.settle([
      { ...given!, kind: 'release', delayMs: 1_000 },
      { ...up!, kind: 'dead', reason: 'failed', error: 'e' },
    ]);
    if (round % 3 === 2) {
      for await (const { id } of journal.listDead()) known.attempts.delete(id);
      await journal.redrive();
    }
    await end(done);
  }
  const gone = ['job-9-0', 'nobody'];
  for (const id of gone) known.ending.add(id);
  const answers = await journal.cancel(gone);
  for (const [i, id] of gone.entries()) if (answers[i]!) known.ended.add(id);
  await journal.close();
}

/** Goes on with what a crash has left, until none of its files is there any more. */
async function goOn(disk: FakeDisk, fsync: Fsync): Promise<void> {
  const clock = new VirtualClock();
  const { journal } = await opened(disk, { fsync }, clock);
  const before = disk.segments.slice(0, -1);
  await clock.advance(1e9);
  await journal.redrive();
  for (let round = 0; round < 30; round++) {
    await journal.put([{ id: `new-${String(round)}`, data: 'x'.repeat(60) }], room);
    const leases = await journal.pull(10, 60_000);
    await journal.settle(leases.map((lease) => ({ ...lease, kind: 'done' })));
  }
  await journal.close();
  expect(disk.segments.filter((path) => before.includes(path))).toEqual([]);
}

function judge(known: Known, jobs: ReadonlyMap<string, Survivor>, isCounted: boolean, where: string): void {
  for (const id of known.accepted)
    if (!known.ending.has(id)) expect(jobs.has(id), `${where}: ${id} was accepted`).toBe(true);
  for (const id of known.ended) expect(jobs.has(id), `${where}: ${id} was ended`).toBe(false);
  for (const [id, { data, fence, attempts }] of jobs) {
    if (isCounted) expect(attempts, `${where}: attempts of ${id}`).toBeGreaterThanOrEqual(known.attempts.get(id) ?? 0);
    expect(data, where).toEqual({ id, text: 'x'.repeat(60) });
    expect(fence > known.highestFence, `${where}: fence of ${id}`).toBe(true);
  }
}

describe.each([
  ['batch', true],
  ['always', true],
  ['batch', false],
  ['os', true],
] as const)('with fsync %s, and old jobs %s', (fsync, isKept) => {
  it('loses nothing, wherever the machine stops', async () => {
    const random = seededRandom(seed).stream(fsync);
    const whole = new FakeDisk();
    await live(journalOn(whole, { fsync }), unknown(), isKept);
    const removed = whole.log.filter((line) => line.startsWith('remove') && line.endsWith('.journal'));
    expect(removed.length, 'files were removed').toBeGreaterThan(5);
    expect(whole.segments.length, 'and not all').toBeGreaterThan(0);

    for (let stop = 0; stop <= whole.operations; stop++) {
      const disk = new FakeDisk();
      disk.stopAfter = stop;
      const known = unknown();
      void live(journalOn(disk, { fsync }), known, isKept);
      await settled();
      for (const loss of fsync === 'os' ? (['all'] as const) : losses) {
        const where = `${loss} after ${String(stop)}`;
        // What the machine takes along when it falls may be leases, but not for `always`.
        const isCounted = fsync === 'always' || loss === 'all';
        const left = disk.afterLoss(loss, random);
        await expect(goOn(left.copy(), fsync), where).resolves.toBe(undefined);
        if (random() < 0.5) {
          const jobs = await jobsOn(left);
          judge(known, jobs, isCounted, where);
          // What was found there counts from now on.
          await settled();
          expect(new Set((await jobsOn(left)).keys()), where).toEqual(new Set(jobs.keys()));
          continue;
        }
        // It stops again while it recovers.
        left.stopAfter = Math.floor(random() * 16);
        void journalOn(left, { fsync }).open();
        await settled();
        const again = left.afterLoss(fsync === 'os' ? 'all' : losses[Math.floor(random() * losses.length)]!, random);
        const there = `${where}, again after ${String(left.stopAfter)}`;
        await expect(goOn(again.copy(), fsync), there).resolves.toBe(undefined);
        judge(known, await jobsOn(again), isCounted, there);
      }
    }
  }, 300_000);
});
