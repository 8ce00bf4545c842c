/** The store as its users meet it, on a real disk. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isClosed, isHoldfastError, isInvalidOption, isUnsupported } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalQueueStore, type JournalQueueStoreOptions } from '../../../src/queue/stores/journal.ts';

const room = { max: 100, overflow: 'reject' } as const;
let parent = '';
let folder = '';
const stores: JournalQueueStore<unknown>[] = [];
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
  folder = join(parent, 'a', 'b');
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(parent, { recursive: true });
});

async function opened(options?: JournalQueueStoreOptions): Promise<JournalQueueStore<unknown>> {
  const store = new JournalQueueStore<unknown>(folder, options);
  stores.push(store);
  await store.open();
  return store;
}
const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe.each(['batch', 'always', 'os'] as const)('with fsync %s', (fsync) => {
  it('keeps jobs over a restart, as they were', async () => {
    const store = await opened({ fsync });
    const data = JSON.parse(
      '{"text":"ünï \\u2028 \\ud800","__proto__":{"polluted":true},"list":[1,null,{}]}',
    ) as object;
    const settings = { attempts: 3, timeoutMs: 100, type: 't' };
    await store.put(
      [
        { id: '__proto__', data, key: 'constructor', priority: 2, settings },
        { id: 'b', data: 'b' },
      ],
      room,
    );
    const [first] = await store.pull(1, 1_000);
    await store.close();

    const again = await opened({ fsync });
    expect(again.damage).toEqual({ skipped: [] });
    const jobs = await again.pull(10, 1_000);
    const known = { id: '__proto__', key: 'constructor', priority: 2, settings, attempt: 2, crashes: 1 };
    expect(jobs[0]).toMatchObject(known);
    expect(JSON.stringify(jobs[0]!.data)).toBe(JSON.stringify(data));
    expect(jobs[0]!.fence).toBeGreaterThan(first!.fence);
    expect(jobs[1]).toMatchObject({ id: 'b', data: 'b', attempt: 1, crashes: 0 });
    expect(await again.settle([{ ...first!, kind: 'done' }])).toEqual([false]);
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
  });
});

it('gives each attempt data of its own', async () => {
  const store = await opened();
  const data = { list: [1] };
  await store.put([{ id: 'a', data }], room);
  data.list.push(2);
  const [job] = await store.pull(1, 1_000);
  (job!.data as typeof data).list.push(3);
  await store.settle([{ ...job!, kind: 'release', delayMs: 0 }]);
  expect((await store.pull(1, 1_000))[0]!.data).toEqual({ list: [1] });
});

it('counts delays over a restart on the calendar, and no longer than they were when it is set back', async () => {
  const at = (epochMs: number): JournalQueueStoreOptions => ({
    runtime: { clock: new VirtualClock({ epochMs }), random: Math.random },
  });
  let store = await opened(at(1e12));
  await store.put([{ id: 'a', data: 1, delayMs: 60_000, expiresInMs: 90_000 }], room);
  await store.close();
  const clock = new VirtualClock({ epochMs: 1e12 + 59_000 });
  store = await opened({ runtime: { clock, random: Math.random } });
  expect(await store.pull(1, 1)).toEqual([]);
  await clock.advance(1_000);
  expect((await store.pull(1, 1))[0]).toMatchObject({ id: 'a', expiresInMs: 30_000 });
  await store.put([{ id: 'b', data: 1, delayMs: 60_000 }], room);
  await store.close();

  const back = new VirtualClock({ epochMs: 1 });
  store = await opened({ runtime: { clock: back, random: Math.random } });
  await back.advance(59_999);
  expect((await store.counts()).delayed).toBe(1);
  await back.advance(1);
  expect((await store.counts()).delayed).toBe(0);
  await store.close();

  store = await opened(at(1e12 + 1e6));
  await store.pull(5, 1_000);
  const dead: string[] = [];
  for await (const { id, reason } of store.dead.list()) dead.push(`${id} ${reason}`);
  expect(dead).toEqual(['a expired']);
});

it('lets nobody of a key before one that waits to be tried again, after a restart too', async () => {
  let store = await opened();
  await store.put(
    ['a', 'b'].map((id) => ({ id, data: id, key: 'k' })),
    room,
  );
  const [first] = await store.pull(5, 1_000);
  await store.settle([{ ...first!, kind: 'retry', delayMs: 1e6, error: 'e' }]);
  await store.close();
  store = await opened();
  expect(await store.pull(5, 1_000)).toEqual([]);
  await store.close();
  store = await opened({ keyOrder: 'skip' });
  expect((await store.pull(5, 1_000)).map(({ id }) => id)).toEqual(['b']);
});

it('runs a job again with the newest data, though its lease ran out and it was tried again before the restart', async () => {
  const clock = new VirtualClock({ epochMs: 1e12 });
  const options = { runtime: { clock, random: Math.random } };
  let store = await opened(options);
  const dedupe = { id: 'd', mode: 'rerun' } as const;
  await store.put([{ id: 'a', data: 'old', dedupe }], room);
  await store.pull(1, 1_000);
  expect(await store.put([{ id: 'b', data: 'new', dedupe }], room)).toEqual([{ status: 'duplicate', id: 'a' }]);
  await clock.advance(1_000);
  const [again] = await store.pull(1, 1_000);
  expect(again).toMatchObject({ data: 'new', crashes: 1 });
  await store.settle([{ ...again!, kind: 'retry', delayMs: 0, error: 'e' }]);
  await store.close();
  store = await opened(options);
  const [last] = await store.pull(1, 1_000);
  expect(last).toMatchObject({ id: 'a', data: 'new', attempt: 3, crashes: 1 });
  await store.settle([{ ...last!, kind: 'done' }]);
  expect(await store.counts()).toMatchObject({ waiting: 0, delayed: 0 });
});

it.skipIf(process.platform === 'win32')('is readable by its owner only', async () => {
  const store = await opened();
  await store.put([{ id: 'a', data: 1 }], room);
  expect([folder, join(folder, '..')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o600]);
});

it('has one store at a time', async () => {
  const store = await opened();
  const other = new JournalQueueStore(folder);
  expect(isUnsupported(await reasonOf(other.open()))).toBe(true);
  await other.close();
  await store.put([{ id: 'a', data: 1 }], room);
  await store.close();
  expect((await (await opened()).counts()).waiting).toBe(1);
});

it('says that it is not open', async () => {
  const store = new JournalQueueStore(folder);
  expect(isClosed(await reasonOf(store.put([], room)))).toBe(true);
  await store.open();
  expect(isClosed(await reasonOf(store.open()))).toBe(true);
  const put = store.put([{ id: 'a', data: 1 }], room);
  await store.close();
  await store.close();
  expect(await put).toEqual([{ status: 'added', id: 'a' }]);
  expect(isClosed(await reasonOf(store.counts()))).toBe(true);
});

it('refuses a put as a whole when one of its data is not JSON, or too large', async () => {
  const store = await opened({ maxDataBytes: 10 });
  for (const data of [undefined, '0123456789']) {
    const reason = await reasonOf(
      store.put(
        [
          { id: 'a', data: 1 },
          { id: 'b', data },
        ],
        room,
      ),
    );
    expect(isInvalidOption(reason)).toBe(true);
  }
  expect((await store.counts()).waiting).toBe(0);
});

it('wakes who waits', async () => {
  const store = await opened();
  let woken = 0;
  const end = store.wake(() => woken++);
  await store.put([{ id: 'a', data: 1 }], room);
  expect(woken).toBe(1);
  end();
});

it('cuts off what a crash has left unfinished, and refuses what was changed', async () => {
  let store = await opened();
  for (let i = 0; i < 10; i++) await store.put([{ id: String(i), data: i }], room);
  await store.close();
  const file = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.journal'))!,
  );
  appendFileSync(file, '0000003f 1234');
  store = await opened();
  expect(store.damage).toEqual({ skipped: [] });
  expect((await store.counts()).waiting).toBe(10);
  await store.close();

  writeFileSync(file, readFileSync(file, 'utf8').replace('["+","4"', '["+","5"'));
  const reason = await reasonOf(new JournalQueueStore(folder).open());
  expect(isHoldfastError(reason, 'STORE_FAILED')).toBe(true);
  store = await opened({ salvage: true });
  expect(store.damage.skipped.length).toBe(1);
  expect((await store.counts()).waiting).toBe(9);
});

it.each([
  ['', undefined, 'folder must be the path of a folder, got ""'],
  ['x', { fsync: 'never' }, 'fsync must be "batch", "always" or "os", got "never"'],
  ['x', { segmentBytes: 1 }, 'segmentBytes must be an integer from 1024 to 1073741824, got 1'],
  ['x', { maxDataBytes: 0 }, 'maxDataBytes must be an integer from 1 to 268435456, got 0'],
  ['x', { sync: true }, 'JournalQueueStore has no option "sync"'],
])('refuses bad options: %j %j', (path, options, message) => {
  expect(() => new JournalQueueStore(path, options as never)).toThrow(message);
});
