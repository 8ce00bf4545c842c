/** The journal of a long life is no larger than its living jobs, about. */
import fc from 'fast-check';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { Segments } from '../../../src/queue/stores/journal/segments.ts';
import { runs } from '../../support/properties.ts';
import { FakeDisk } from './fake-disk.ts';
import { opened, room, settled } from './support.ts';

const segmentBytes = 4_096;

describe('in a long run', () => {
  it.each(['batch', 'always', 'os'] as const)('files stay few and small, with fsync %s', async (fsync) => {
    const disk = new FakeDisk();
    const { journal } = await opened(disk, { fsync, segmentBytes });
    const data = 'x'.repeat(200);
    const old = Array.from({ length: 10 }, (_, i) => ({ id: `old-${String(i)}`, data, delayMs: 1e9 }));
    await journal.put(old, room);
    let [largest, written, files] = [0, 0, 0];
    for (let i = 0; i < 3_000; i++) {
      await journal.put([{ id: String(i), data }], room);
      const [job] = await journal.pull(1, 1_000);
      await journal.settle([{ id: job!.id, fence: job!.fence, kind: 'done' }]);
      written += 450;
      largest = Math.max(largest, disk.size);
      files = Math.max(files, disk.segments.length);
    }
    expect(written).toBeGreaterThan(50 * largest);
    expect(largest).toBeLessThan(5 * segmentBytes);
    expect(files).toBeLessThan(6);
    await journal.close();
    const clock = new VirtualClock();
    const { journal: after } = await opened(disk, { fsync, segmentBytes }, clock);
    expect(await after.counts()).toMatchObject({ waiting: 0, delayed: 10, leased: 0 });
  });

  it('openings leave few files, too', async () => {
    const disk = new FakeDisk();
    let { journal } = await opened(disk, { segmentBytes });
    await journal.put([{ id: 'old', data: 1, delayMs: 1e9 }], room);
    for (let i = 0; i < 200; i++) {
      await journal.put([{ id: String(i), data: i }], room);
      const [job] = await journal.pull(1, 1_000);
      await journal.settle([{ id: job!.id, fence: job!.fence, kind: 'done' }]);
      if (i % 2 === 0) await journal.close();
      await settled();
      ({ journal } = await opened(disk, { segmentBytes }));
    }
    expect(disk.segments.length).toBeLessThan(12);
    expect([...disk.names.keys()].filter((path) => path.includes('lock')).length).toBe(1);
    expect((await journal.counts()).delayed).toBe(1);
  });

  it('writes states again no more often than the dead weight pays for', async () => {
    const disk = new FakeDisk();
    const { journal } = await opened(disk, { segmentBytes });
    let bytes = 0;
    const puts = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        await journal.put([{ id: String(i), data: 'x'.repeat(200), delayMs: 1e9 }], room);
        bytes += 330;
      }
    };
    await puts(0, 500); // nothing is dead: nothing is written again
    expect(disk.log.filter((line) => line.startsWith('remove') && line.endsWith('.journal'))).toEqual([]);
    expect(disk.size).toBeLessThan(1.2 * bytes);
    const half = Array.from({ length: 300 }, (_, i) => String(i * 1.5 === Math.floor(i * 1.5) ? i * 1.5 : i));
    await journal.cancel(half);
    await puts(500, 520);
    await settled();
    const { delayed } = await journal.counts();
    expect(disk.size).toBeLessThan(2.5 * 330 * delayed + 3 * segmentBytes);
  });
});

describe('which file may go', () => {
  type Step = readonly ['keep' | 'note' | 'forget' | 'begin', number];
  const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('keep', 'keep', 'note', 'forget', 'begin'), fc.nat(8));

  it('is the oldest, when no newest state of a key is in it and what made it so is synced and not of the last three', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(80), (steps, synced) => {
        const segments = new Segments(100);
        segments.begin(1);
        /** Per file: the keys that live in it, and after how many entries the last of them went. */
        const files = [{ keys: new Set<number>(), emptied: 0 }];
        let entries = 0;
        const leave = (key: number): void => {
          const file = files.find(({ keys }) => keys.delete(key));
          if (file?.keys.size === 0) file.emptied = entries;
        };
        for (const [kind, key] of steps) {
          if (kind === 'begin') {
            segments.begin(segments.current + 1);
            files.push({ keys: new Set(), emptied: entries });
            continue;
          }
          entries++;
          if (kind !== 'note') leave(key);
          if (kind === 'keep') {
            segments.keep(String(key), 10);
            files.at(-1)!.keys.add(key);
          } else if (kind === 'note') segments.note(10);
          else segments.forget(String(key), 10);
        }
        const newest = files.length;
        const first = files[0]!;
        const mayGo = newest > 1 && first.keys.size === 0 && synced >= first.emptied + 3;
        expect(segments.superfluous(synced, newest)).toBe(mayGo ? 1 : undefined);
        const oldest = files.find(({ keys }) => keys.size > 0);
        const again = oldest === files.at(-1) ? [] : [...(oldest?.keys ?? [])];
        expect([...segments.oldest()].map(Number).sort()).toEqual(again.sort());
      }),
      { numRuns: runs(10) },
    );
  });
});
