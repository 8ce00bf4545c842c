/** What a journal says after its files were cut or changed: a beginning of what was promised, or that it cannot say it. */
import fc from 'fast-check';
import { isHoldfastError } from 'holdfast/core';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import type { JobLease } from '../../../src/queue/queue-store.ts';
import type { Fsync } from '../../../src/queue/stores/journal/group-commit.ts';
import { linesIn } from '../../../src/queue/stores/journal/line.ts';
import { recordIn } from '../../../src/queue/stores/journal/record.ts';
import { runs, seed } from '../../support/properties.ts';
import { recordWarnings, warningsSettled } from '../../support/warnings.ts';
import { FakeDisk, losses } from './fake-disk.ts';
import { folder, journalOn, jobsOn, opened, room, settled, type Survivor, type TestJournal } from './support.ts';

const warnings = recordWarnings();

type Step = readonly [
  'reopen' | 'put' | 'pull' | 'done' | 'retry' | 'dead' | 'release' | 'cancel' | 'redrive' | 'purge',
  number,
];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    'put',
    'put',
    'put',
    'pull',
    'pull',
    'done',
    'retry',
    'dead',
    'release',
    'cancel',
    'redrive',
    'purge',
  ),
  fc.nat(1_000),
);

type Expected = Omit<Survivor, 'fence'>;

/** The jobs as they should be: one step is one entry. */
class Model {
  readonly jobs = new Map<string, Expected & { readonly isLeased: boolean }>();

  set(id: string, change: Partial<Expected & { readonly isLeased: boolean }>): void {
    this.jobs.set(id, { ...this.jobs.get(id)!, ...change });
  }

  /** What is there after a restart. */
  get afterRestart(): Map<string, Expected> {
    const survivors = [...this.jobs].map(([id, { data, attempts, crashes, isDead, isLeased }]) => {
      return [id, { data, attempts, crashes: crashes + (isLeased ? 1 : 0), isDead }] as const;
    });
    return new Map(survivors);
  }
}

interface History {
  readonly journal: TestJournal;
  /** What should be there after a restart, after each step. */
  readonly states: Map<string, Expected>[];
  readonly highestFence: number;
}

/** Takes steps, each acknowledged before the next. */
async function history(disk: FakeDisk, fsync: Fsync, steps: readonly Step[]): Promise<History> {
  let { journal } = await opened(disk, { fsync });
  const model = new Model();
  const leases: JobLease[] = [];
  const states = [model.afterRestart];
  let highestFence = 0;
  for (const [i, [kind, draw]] of steps.entries()) {
    const id = `job-${String(i)}`;
    const dead = [...model.jobs].filter(([, { isDead }]) => isDead).map(([name]) => name);
    const some = dead[draw % dead.length];
    const lease = leases[draw % leases.length];
    if (kind === 'reopen') {
      if (draw % 2 === 0) await journal.close();
      await settled();
      ({ journal } = await opened(disk, { fsync }));
      leases.length = 0;
      for (const [name, { crashes, isLeased }] of model.jobs)
        if (isLeased) model.set(name, { isLeased: false, crashes: crashes + 1 });
      continue; // no entry
    }
    if (kind === 'put') {
      const data = { text: 'é'.repeat(draw % 60) };
      await journal.put([{ id, data }], room);
      model.jobs.set(id, { data, attempts: 0, crashes: 0, isDead: false, isLeased: false });
    } else if (kind === 'pull') {
      const [job] = await journal.pull(1, 1e9);
      if (job === undefined) continue;
      leases.push(job);
      highestFence = Math.max(highestFence, Number(job.fence));
      model.set(job.id, { attempts: job.attempt, isLeased: true });
    } else if (kind === 'cancel') {
      const waiting = [...model.jobs].filter(([, { isDead, isLeased }]) => !isDead && !isLeased);
      const victim = waiting[draw % waiting.length]?.[0];
      if (victim === undefined || !(await journal.cancel([victim]))[0]!) continue;
      model.jobs.delete(victim);
    } else if (kind === 'redrive' || kind === 'purge') {
      if (some === undefined) continue;
      expect(await journal[kind]([some])).toBe(1);
      if (kind === 'purge') model.jobs.delete(some);
      else model.set(some, { isDead: false, attempts: 0, crashes: 0 });
    } else {
      if (lease === undefined) continue;
      leases.splice(leases.indexOf(lease), 1);
      const outcome =
        kind === 'dead'
          ? ({ kind, reason: 'poison', error: 'e', crashed: true } as const)
          : ({ kind, delayMs: 0, error: 'e' } as const);
      expect(await journal.settle([{ id: lease.id, fence: lease.fence, ...outcome }])).toEqual([true]);
      const { attempts, crashes } = model.jobs.get(lease.id)!;
      if (kind === 'done') model.jobs.delete(lease.id);
      else if (kind === 'dead') model.set(lease.id, { isLeased: false, isDead: true, crashes: crashes + 1 });
      else model.set(lease.id, { isLeased: false, attempts: kind === 'release' ? attempts - 1 : attempts });
    }
    states.push(model.afterRestart);
  }
  return { journal, states, highestFence };
}

const textOf = (jobs: ReadonlyMap<string, Expected>): string =>
  JSON.stringify(
    [...jobs]
      .map(([id, { data, attempts, crashes, isDead }]) => [id, data, attempts, crashes, isDead] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

interface Spot {
  readonly path: string;
  readonly offset: number;
}

/** Where the entries begin, in order; marks and headers are none. */
function entriesOf(disk: FakeDisk): Spot[] {
  return disk.segments.flatMap((path) =>
    [...linesIn(disk.bytesOf(path))]
      .filter(({ payload }) => !['header', 'mark', undefined].includes(recordIn(payload ?? '')?.kind))
      .map(({ offset }) => ({ path, offset })),
  );
}

/** All bytes from a place on. */
function spotsFrom(disk: FakeDisk, from: Spot): Spot[] {
  return disk.segments.flatMap((path) => {
    if (path < from.path) return [];
    const first = path === from.path ? from.offset : 0;
    return Array.from({ length: disk.bytesOf(path).length - first }, (_, i) => ({ path, offset: first + i }));
  });
}

function cutAt(disk: FakeDisk, { path, offset }: Spot): FakeDisk {
  const copy = disk.copy();
  copy.setBytes(path, copy.bytesOf(path).subarray(0, offset));
  for (const later of copy.segments) if (later > path) copy.names.delete(later);
  return copy;
}

function changedAt(disk: FakeDisk, { path, offset }: Spot, mask: number): FakeDisk {
  const copy = disk.copy();
  const bytes = Buffer.from(copy.bytesOf(path));
  bytes[offset]! ^= mask;
  copy.setBytes(path, bytes);
  return copy;
}

const fsync = fc.constantFrom<Fsync>('batch', 'always', 'os');

describe('damage to the last three entries', () => {
  it('leaves a beginning of what was acknowledged, at every byte, cut or changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 12, maxLength: 60, size: 'max' }),
        fsync,
        fc.boolean(),
        fc.integer({ min: 1, max: 255 }),
        async (steps, policy, isClosed, mask) => {
          const disk = new FakeDisk();
          const { journal, states, highestFence } = await history(disk, policy, steps);
          if (isClosed) await journal.close();
          const entries = entriesOf(disk);
          const from = entries.at(-3) ?? entries[0];
          if (from === undefined) return;
          const known = states.slice(-4).map(textOf);
          for (const spot of spotsFrom(disk, from)) {
            for (const damaged of [cutAt(disk, spot), changedAt(disk, spot, mask)]) {
              const jobs = await jobsOn(damaged);
              const where = `${spot.path} at ${String(spot.offset)}`;
              expect(known, where).toContain(textOf(jobs));
              for (const { fence } of jobs.values()) expect(fence, where).toBeGreaterThan(highestFence);
            }
          }
        },
      ),
      { numRuns: runs(0.1) },
    );
  }, 300_000);
});

/** Jobs that were put one after the other, each synced before the next. */
async function journalOf(jobs: number): Promise<FakeDisk> {
  const disk = new FakeDisk();
  const { journal } = await opened(disk);
  for (let i = 0; i < jobs; i++) await journal.put([{ id: `job-${String(i)}`, data: i }], room);
  await journal.close();
  return disk;
}

describe('damage to what was synced', () => {
  const jobs = fc.integer({ min: 5, max: 50 });

  it('is refused, with file and byte, and nothing is changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        jobs,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (count, which, where, mask) => {
          const whole = await journalOf(count);
          const [spot, next] = entriesOf(whole).slice(which % (count - 3));
          const length = (next!.path === spot!.path ? next!.offset : whole.bytesOf(spot!.path).length) - spot!.offset;
          const hit = { path: spot!.path, offset: spot!.offset + (where % length) };
          const disk = changedAt(whole, hit, mask);
          const before = disk.segments.map((path) => disk.bytesOf(path));
          const error = await journalOn(disk)
            .open()
            .then(
              () => undefined,
              (reason: unknown) => reason as Error,
            );
          expect(isHoldfastError(error, 'STORE_FAILED')).toBe(true);
          const [, file, offset] = /: (\d+\.journal) at byte (\d+),/.exec(error!.message)!;
          expect(`${folder}/${file!}`).toBe(hit.path);
          expect(Number(offset)).toBeLessThanOrEqual(hit.offset);
          expect(Number(offset)).toBeGreaterThanOrEqual(spot!.offset);
          expect(disk.segments.map((path) => disk.bytesOf(path))).toEqual(before);
        },
      ),
    );
  });

  it('costs no more than what it hit, when the journal is salvaged, and once only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(49), { minLength: 1, maxLength: 4 }), async (hits) => {
        const whole = await journalOf(50);
        const entries = entriesOf(whole);
        let disk = whole;
        for (const which of hits) {
          disk = changedAt(disk, { path: entries[which]!.path, offset: entries[which]!.offset + 3 }, 0x40);
        }
        const { journal, damage } = await opened(disk, { salvage: true });
        expect(damage.skipped.length).toBe(hits.length);
        const survivors = Array.from({ length: 50 }, (_, i) => i).filter((i) => !hits.includes(i));
        await journal.put([{ id: 'new', data: 50 }], room);
        await journal.close();
        const again = await opened(disk);
        expect(again.damage).toEqual({ cut: undefined, skipped: [] });
        const jobs = await again.journal.pull(100, 1);
        expect(jobs.map(({ data }) => data)).toEqual([...survivors, 50]);
      }),
    );
  });

  it('is a file that is missing, too', async () => {
    const disk = await journalOf(50);
    disk.names.delete(disk.segments[1]!);
    await expect(journalOn(disk).open()).rejects.toThrow('000000000003.journal at byte 0');
    const { journal } = await opened(disk, { salvage: true });
    expect((await journal.counts()).waiting).toBeGreaterThan(20);
    await journal.close();
    await opened(disk);
  });

  it('is told of where it is cut off', async () => {
    const whole = await journalOf(50);
    const last = entriesOf(whole).at(-2)!;
    const { damage } = await opened(changedAt(whole, last, 1));
    expect(damage).toEqual({
      cut: { file: last.path.slice(folder.length + 1), offset: last.offset, entries: 1 },
      skipped: [],
    });
    await warningsSettled();
    const { file, offset } = damage.cut!;
    expect(warnings.at(-1)!.message).toBe(
      `holdfast: the journal in /jobs was damaged: cut off: the end of ${file} from byte ${String(offset)} on`,
    );
  });
});

it('never tells of jobs that were not put, whatever is done to its bytes', async () => {
  const whole = await journalOf(40);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 30 })), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (changes, salvage) => {
        const disk = whole.copy();
        for (const [file, where, bytes] of changes) {
          const path = disk.segments[file % disk.segments.length]!;
          const old = disk.bytesOf(path);
          const at = where % (old.length + 1);
          disk.setBytes(path, Buffer.concat([old.subarray(0, at), bytes, old.subarray(at + bytes.length)]));
        }
        const journal = journalOn(disk, { salvage });
        try {
          await journal.open();
        } catch (error) {
          expect(isHoldfastError(error, 'STORE_FAILED')).toBe(true);
          expect(salvage).toBe(false);
          return;
        }
        for (const { id, data } of await journal.pull(100, 1)) expect(id).toBe(`job-${String(data)}`);
      },
    ),
    { numRuns: runs(5) },
  );
});

it('cuts off what it cuts for good, wherever the machine stops meanwhile', async () => {
  const random = seededRandom(seed).stream('cuts');
  const whole = await journalOf(9);
  const { journal } = await opened(whole);
  await journal.put([{ id: 'later', data: 9 }], room);
  await journal.close();
  const damaged = changedAt(whole, { path: whole.segments[0]!, offset: entriesOf(whole)[8]!.offset }, 1);
  for (let stop = 0; stop < 14; stop++) {
    for (let times = 0; times < 20; times++) {
      const disk = damaged.copy();
      disk.stopAfter = stop;
      void journalOn(disk).open();
      await settled();
      const left = disk.afterLoss(losses[times % losses.length]!, random);
      expect([...(await jobsOn(left)).values()].map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  }
});

it('gives no fence again, though the file that knew of it is lost', async () => {
  const disk = await journalOf(2);
  const { journal } = await opened(disk);
  const [leased] = await journal.pull(1, 1e9);
  await journal.close();
  const damaged = changedAt(disk, { path: disk.segments.at(-1)!, offset: 0 }, 1);
  const { journal: after, damage } = await opened(damaged);
  expect(damage.cut).toMatchObject({ offset: 0, entries: 1 });
  for (const { fence } of await after.pull(2, 1e9)) expect(fence).toBeGreaterThan(leased!.fence);
});

it('refuses a format that it does not know', async () => {
  const disk = await journalOf(1);
  const { lineOf } = await import('../../../src/queue/stores/journal/line.ts');
  disk.setBytes(disk.segments[0]!, Buffer.from(lineOf('["#",2,1,0,0]')));
  const error = await journalOn(disk)
    .open()
    .catch((reason: unknown) => reason);
  expect(isHoldfastError(error, 'UNSUPPORTED')).toBe(true);
});
