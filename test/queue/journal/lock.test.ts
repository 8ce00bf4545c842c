/** The lock of a folder: one holder, whoever comes, dies, sleeps or gives it back, and whenever. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { isHoldfastError, isUnsupported } from 'holdfast/core';
import { seededRandom } from 'holdfast/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeFiles } from '../../../src/queue/stores/journal/files.ts';
import { FolderLock } from '../../../src/queue/stores/journal/lock.ts';
import { processes, type Processes } from '../../../src/queue/stores/journal/owner.ts';
import { runs } from '../../support/properties.ts';
import { FakeDisk } from './fake-disk.ts';

describe('among processes that come and go', () => {
  it('has one holder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 6 }), async (draw, takers) => {
        const random = seededRandom(draw).stream('pace');
        const disk = new FakeDisk();
        // Now and then an operation takes very long: its process sleeps.
        disk.pace = async () => {
          for (let turns = Math.floor(random() * (random() < 0.1 ? 300 : 10)); turns > 0; turns--)
            await Promise.resolve();
        };
        const living = new Set<number>();
        let [holder, held, pids] = [0, 0, 0];
        const live = async (): Promise<void> => {
          const pid = ++pids;
          living.add(pid);
          const own: Processes = {
            self: async () => ({ pid, boot: 'b', start: 's' }),
            isAlive: async (owner) => living.has(owner.pid),
          };
          const lock = new FolderLock(disk, '/jobs', own, random);
          try {
            await lock.take();
          } catch (error) {
            expect(isUnsupported(error)).toBe(true);
            living.delete(pid);
            return;
          }
          expect(holder, 'somebody holds it').toBe(0);
          [holder, held] = [pid, held + 1];
          await disk.pace!();
          holder = 0;
          if (random() < 0.5) await lock.release();
          living.delete(pid);
        };
        const taker = async (): Promise<void> => {
          for (let lives = 0; lives < 4; lives++) await live();
        };
        await Promise.all(Array.from({ length: takers }, taker));
        await live(); // alone: nothing that was left is in the way
        expect(held).toBeGreaterThan(0);
        expect([...disk.names.keys()].filter((path) => path.endsWith('.tmp'))).toEqual([]);
        const before = held;
        await live();
        expect(held).toBe(before + 1);
      }),
      { numRuns: runs(5) },
    );
  });
});

describe('among real processes', () => {
  let folder = '';
  const children: ChildProcess[] = [];
  const lock = (): FolderLock => new FolderLock(nodeFiles, folder, processes, Math.random);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const sleeper = (): ChildProcess => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const owned = async (owner: object): Promise<void> => {
    writeFileSync(join(folder, 'lock-7'), JSON.stringify({ ...(await processes.self()), ...owner }));
  };

  it('is refused while its owner lives, and told who that is', async () => {
    const first = lock();
    await first.take();
    const error = await lock()
      .take()
      .catch((reason: unknown) => reason);
    expect(isUnsupported(error)).toBe(true);
    expect((error as Error).message).toContain(`in use by process ${String(process.pid)}`);
    await first.release();
    await lock().take();
    expect(readdirSync(folder)).toEqual(['lock-3']);
  });

  it.skipIf(process.platform !== 'linux')(
    'is taken over from one that was killed, or whose number is another’s',
    async () => {
      const child = sleeper();
      const start = readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8').split(' ')[21]!;
      await owned({ pid: child.pid, start });
      await expect(lock().take()).rejects.toThrow(String(child.pid));
      await owned({ pid: child.pid, start: String(Number(start) - 1) });
      await lock().take();

      rmSync(join(folder, 'lock-8'));
      await owned({ pid: child.pid, start });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await lock().take();
    },
  );

  it('is taken over from before the last start of the machine', async () => {
    await owned({ boot: 'another' });
    await lock().take();
  });

  it.each(['', '{', '[]', '{"pid":"1"}', '7'])('is not taken when it is not said whose it is: %j', async (text) => {
    writeFileSync(join(folder, 'lock-1'), text);
    const error = await lock()
      .take()
      .catch((reason: unknown) => reason);
    expect(isHoldfastError(error, 'UNSUPPORTED')).toBe(true);
    expect((error as Error).message).toContain('lock-1 does not say whose lock it is');
  });

  it('is taken by one of twenty at once', async () => {
    await owned({ boot: 'another' });
    const takes = await Promise.allSettled(Array.from({ length: 20 }, () => lock().take()));
    expect(takes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(readdirSync(folder)).toEqual(['lock-8']);
  });
});
