import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalQueueStore } from '../../src/queue/stores/journal.ts';
import type { Figure, MakeSuite } from '../vocabulary.ts';

const about = `Jobs of 120 bytes on the disk of the machine's temporary folder, bundled from \`src\`. An add counts when it is
acknowledged: with \`batch\` and \`always\` after the sync. By hand is the least that could do it: lines of the same size
appended to a file and \`fdatasync\`, without checksum, memory or anything to open again. Single adds wait for each other.
A job that is done is added, leased and settled, so it is written three times.`;

const data = 'x'.repeat(118); // 120 bytes as JSON
const line = Buffer.from(`${'x'.repeat(190)}\n`);
const room = { max: Infinity, overflow: 'reject' } as const;

type Fsync = 'batch' | 'always' | 'os';

/** Runs `work` on a folder of its own; how often it was done a second. */
async function perSecond(times: number, work: (folder: string) => Promise<() => Promise<unknown>>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const run = await work(folder);
    const start = performance.now();
    await run();
    return (times / (performance.now() - start)) * 1000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openStore(folder: string, fsync: Fsync): Promise<JournalQueueStore<string>> {
  const store = new JournalQueueStore<string>(folder, { fsync });
  await store.open();
  return store;
}

/** Single adds, so many of them waiting at a time. */
const adds = (fsync: Fsync, count: number, inFlight: number): Promise<number> =>
  perSecond(count, async (folder) => {
    const store = await openStore(folder, fsync);
    let id = 0;
    const lane = async (): Promise<void> => {
      while (id < count) await store.put([{ id: String(id++), data }], room);
    };
    return async () => {
      await Promise.all(Array.from({ length: inFlight }, lane));
      await store.close();
    };
  });

/** Adds of many jobs in one call, one call after the other. */
const calls = (count: number, together: number): Promise<number> =>
  perSecond(count, async (folder) => {
    const store = await openStore(folder, 'batch');
    return async () => {
      for (let id = 0; id < count; id += together)
        await store.put(
          Array.from({ length: together }, (_, i) => ({ id: String(id + i), data })),
          room,
        );
      await store.close();
    };
  });

/** Jobs from add to done, by so many workers that each take one at a time. */
const done = (fsync: Fsync, count: number, workers: number): Promise<number> =>
  perSecond(count, async (folder) => {
    const store = await openStore(folder, fsync);
    await store.put(
      Array.from({ length: count }, (_, i) => ({ id: String(i), data })),
      room,
    );
    const worker = async (): Promise<void> => {
      for (;;) {
        const [job] = await store.pull(1, 60_000);
        if (job === undefined) return;
        await store.settle([{ id: job.id, fence: job.fence, kind: 'done' }]);
      }
    };
    return async () => {
      await Promise.all(Array.from({ length: workers }, worker));
      await store.close();
    };
  });

/** Lines appended and synced by hand, so many at a time. */
const byHand = (count: number, together: number): Promise<number> =>
  perSecond(count, async (folder) => {
    const file = await open(join(folder, 'log'), 'a');
    const bytes = Buffer.concat(Array.from({ length: together }, () => line));
    return async () => {
      for (let at = 0; at < count; at += together) {
        await file.write(bytes);
        await file.datasync();
      }
      await file.close();
    };
  });

/** Reading a journal of so many waiting jobs. */
const opening = (jobs: number): Promise<number> =>
  perSecond(jobs, async (folder) => {
    const store = await openStore(folder, 'os');
    for (let id = 0; id < jobs; id += 1_000)
      await store.put(
        Array.from({ length: 1_000 }, (_, i) => ({ id: String(id + i), data })),
        room,
      );
    await store.close();
    return async () => (await openStore(folder, 'os')).close();
  });

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** The journal's group commit. */
export const suite: MakeSuite = () => ({
  title: 'Jobs that are on the disk',
  about,
  peers: [],
  cases: [],
  findings: async (scale) => {
    const scaled = (count: number): number => Math.max(1, Math.ceil((count * scale) / 1_000)) * 1_000;
    const few = Math.max(20, Math.ceil(2_000 * scale));
    const measure = async (work: () => Promise<number>): Promise<number> => {
      const values: number[] = [];
      for (let i = 0; i < (scale < 1 ? 1 : 5); i++) values.push(await work());
      return median(values);
    };
    const figure = (name: string, contestant: string, perSecond: number, least?: number): Figure => ({
      name,
      contestant,
      value: `${Math.round(perSecond).toLocaleString('en')}/s`,
      ...(least !== undefined && { target: `≥ ${Math.round(least).toLocaleString('en')}/s`, met: perSecond >= least }),
    });
    const hand = await measure(() => byHand(few, 1));
    const single = await measure(() => adds('batch', few, 1));
    return {
      figures: [
        figure('single adds, one after the other', 'by hand', hand),
        figure('single adds, one after the other', 'holdfast, batch', single, hand),
        figure('single adds, one after the other', 'holdfast, os', await measure(() => adds('os', few, 1))),
        figure('single adds, 16 in flight', 'holdfast, batch', await measure(() => adds('batch', scaled(20_000), 16))),
        figure('single adds, 4,096 in flight', 'by hand', await measure(() => byHand(scaled(200_000), 4_000))),
        figure(
          'single adds, 4,096 in flight',
          'holdfast, batch',
          await measure(() => adds('batch', scaled(200_000), 4_096)),
          1e5,
        ),
        figure(
          'single adds, 4,096 in flight',
          'holdfast, always',
          await measure(() => adds('always', scaled(200_000), 4_096)),
        ),
        figure(
          'adds of 1,000 jobs, one after the other',
          'holdfast, batch',
          await measure(() => calls(scaled(200_000), 1_000)),
          1e5,
        ),
        figure('leased and done, 1 worker', 'holdfast, batch', await measure(() => done('batch', few, 1))),
        figure('leased and done, 1 worker', 'holdfast, always', await measure(() => done('always', few, 1))),
        figure(
          'leased and done, 64 workers',
          'holdfast, batch',
          await measure(() => done('batch', scaled(20_000), 64)),
        ),
        figure('opened', 'holdfast', await measure(() => opening(scaled(100_000)))),
      ],
    };
  },
});
