/** What the file system tells of a folder, played: it tells of what it likes to, and names it or not. */
import { EventEmitter, getEventListeners } from 'node:events';
import fs, { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLeaseStore } from 'holdfast/election/file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderOf } from '../../../src/election/stores/file-name.ts';

type Tell = (event: string, name: string | null) => void;
class Watcher extends EventEmitter {
  readonly path: string;
  readonly options: unknown;
  readonly tell: Tell;
  closed = 0;

  constructor(path: string, options: unknown, tell: Tell) {
    super();
    this.path = path;
    this.options = options;
    this.tell = tell;
  }

  close(): void {
    this.closed++;
  }
}

const watchers: Watcher[] = [];
const really = fs.watch;
const played = (path: string, options: unknown, tell: Tell): Watcher => {
  const watcher = new Watcher(path, options, tell);
  watchers.push(watcher);
  return watcher;
};

/** In place of the file system's own; not a mock, which tests that share modules would share, too. */
function watchBy(watch: unknown): void {
  Object.assign(fs, { watch });
  syncBuiltinESMExports();
}

const hint = { done: false, value: undefined };
const done = { done: true, value: undefined };
let folder = '';

beforeEach(() => {
  watchBy(played);
  folder = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
});
afterEach(() => {
  watchBy(really);
  watchers.length = 0;
  rmSync(folder, { recursive: true, force: true });
});

/** A watch that has begun, and what it is told by. */
async function begun(signal: AbortSignal) {
  const reader = new FileLeaseStore(folder).watch('key', signal)[Symbol.asyncIterator]() as AsyncIterator<undefined>;
  expect(await reader.next()).toEqual(hint);
  const watcher = watchers.at(-1)!;
  /** Whether there is a hint, once that was said of the name. */
  const hintsAt = async (name: string | null): Promise<boolean> => {
    const hinted = reader.next().then(() => true);
    watcher.tell('rename', name);
    return await Promise.race([hinted, new Promise<false>((resolve) => setImmediate(resolve, false))]);
  };
  return { reader, watcher, hintsAt };
}

describe('a watch of a folder', () => {
  it('keeps no process alive, and is of the folder of its key', async () => {
    const { watcher } = await begun(new AbortController().signal);
    expect(watcher).toMatchObject({ path: join(folder, folderOf('key')), options: { persistent: false } });
  });

  it.each([
    ['1.json', true],
    ['a-draft.tmp', false],
    ['1.json.bak', false],
    [null, true],
  ])('hints at what may be an entry: %j %s', async (name, expected) => {
    const { hintsAt } = await begun(new AbortController().signal);
    expect(await hintsAt(name)).toBe(expected);
  });

  it.each(['folder of its key', 'folder of the leases'])(
    'may begin before there is the %s, or after',
    async (which) => {
      if (which === 'folder of the leases') rmSync(folder, { recursive: true });
      await begun(new AbortController().signal);
      expect(existsSync(join(folder, folderOf('key')))).toBe(true);
      await begun(new AbortController().signal);
      expect(watchers).toHaveLength(2);
    },
  );

  it('ends with what the file system says of it', async () => {
    const { signal } = new AbortController();
    const { reader, watcher } = await begun(signal);
    const next = reader.next();
    watcher.emit('error', new Error('the folder is gone'));
    await expect(next).rejects.toMatchObject({ message: 'the folder is gone' });
    expect(watcher.closed).toBe(1);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('lets go of the folder when it ends', async () => {
    const controller = new AbortController();
    const { reader, watcher } = await begun(controller.signal);
    expect(watcher.closed).toBe(0);
    controller.abort();
    expect(await reader.next()).toEqual(done);
    expect(watcher.closed).toBe(1);
  });

  it('that ends before it has begun never begins', async () => {
    const store = new FileLeaseStore(folder);
    const reader = store.watch('key', new AbortController().signal)[Symbol.asyncIterator]();
    await reader.return!();
    await expect.poll(() => existsSync(join(folder, folderOf('key')))).toBe(true);
    await begun(new AbortController().signal); // has made its folder by then, too
    expect(watchers).toHaveLength(1);
  });
});
