import { getEventListeners } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { LeaseRecord } from 'holdfast/election';
import { FileLeaseStore } from 'holdfast/election/file';
import { leaseStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemUnique } from '../../../src/core/random.ts';
import { FileLog } from '../../../src/election/stores/file-log.ts';
import { folderOf } from '../../../src/election/stores/file-name.ts';
import { runs, seed } from '../../support/properties.ts';
import { follow, steps } from './model.ts';

const temporary = (): string => mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
const { signal } = new AbortController();
const candidacy = { key: 'key', holder: 'ann', nonce: 'a', ttlMs: 1000 };

describe('FileLeaseStore', () => {
  const folder = temporary();
  afterAll(() => rmSync(folder, { recursive: true }));
  leaseStoreSuite(
    () => new FileLeaseStore(folder),
    { describe, it },
    {
      ttlMs: 20,
      remove: (key) => rmSync(join(folder, folderOf(key)), { recursive: true }),
      wipe: () => rmSync(folder, { recursive: true }),
    },
  );

  it('answers as its model does, whatever is done', async () => {
    const property = fc.asyncProperty(steps, async (todo) => {
      const own = temporary();
      const clock = new VirtualClock({ epochMs: 1_000_000 });
      await follow(new FileLeaseStore(own, { runtime: { clock, random: Math.random } }), clock, todo);
      rmSync(own, { recursive: true });
    });
    await fc.assert(property, { numRuns: runs(0.5), seed });
  });

  it.each([
    [undefined, undefined, /^folder must be the path of a folder, got undefined/],
    ['', undefined, /^folder must be/],
    ['x', { pollMs: 5 }, /^FileLeaseStore has no option "pollMs"/],
    ['x', { runtime: {} }, /^runtime must be/],
  ])('refuses bad input, case %#', (path, options, message) => {
    expect(() => new FileLeaseStore(path as never, options as never)).toThrow(message);
  });
});

describe('a folder of leases', () => {
  let folder = '';
  let store: FileLeaseStore;
  const inside = (name: string): string => join(folder, folderOf('key'), name);
  const names = (end: string): string[] => readdirSync(inside('')).filter((name) => name.endsWith(end));

  async function taken(): Promise<LeaseRecord> {
    const answer = await store.acquire(candidacy, signal);
    if (!answer.granted) throw new Error('denied');
    return answer.record;
  }

  async function renewed(held: LeaseRecord, times = 1): Promise<LeaseRecord> {
    for (let i = 0; i < times; i++) {
      const [record] = await store.renew([held], { ttlMs: 1000 }, signal);
      if (record === null || record === undefined) throw new Error('lost');
      held = record;
    }
    return held;
  }

  beforeEach(() => {
    folder = temporary();
    store = new FileLeaseStore(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is not touched by who reads only', async () => {
    expect(await store.read('key', signal)).toBe(null);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is passed over where it has files that are no entries', async () => {
    const held = await taken();
    for (const name of ['notes.txt', '99.json.bak', '099.json', '-5.json', 'x9.json', '1e3.json', '.json'])
      writeFileSync(inside(name), '{}');
    mkdirSync(inside('sub.jsonx'));
    expect((await store.read('key', signal))?.version).toBe(held.version);
    expect((await renewed(held)).version).toMatch(/^2-/);
  });

  it.each(['', '{"id":"x","val', 'null', '7', '{}', '{"id":"x"}', '{"id":"x","value":{"key":"other"}}', '\0\0\0\0'])(
    'is passed over where an entry says nothing: %j',
    async (text) => {
      const held = await taken();
      writeFileSync(inside('2.json'), text);
      writeFileSync(inside('3.json'), text);
      expect((await store.read('key', signal))?.version).toBe(held.version);
      const next = await renewed(held);
      expect(next.version).toMatch(/^4-/);
      expect((await store.acquire({ ...candidacy, nonce: 'b' }, signal)).granted).toBe(false);
    },
  );

  const whole = { key: 'key', holder: 'bob', nonce: 'b', token: '99', ttlMs: 1000, data: 'x' };

  it.each([
    [{}, 'bob'],
    [{ holder: null, data: undefined }, null],
    [{ key: 'other' }, 'ann'],
    [{ holder: 7 }, 'ann'],
    [{ holder: undefined }, 'ann'],
    [{ nonce: 7 }, 'ann'],
    [{ token: 99 }, 'ann'],
    [{ token: 'x99' }, 'ann'],
    [{ token: '99x' }, 'ann'],
    [{ ttlMs: '1000' }, 'ann'],
    [{ data: 7 }, 'ann'],
  ])('goes by entries that are whole: with %j it is %s who leads', async (change, holder) => {
    await taken();
    writeFileSync(inside('2.json'), JSON.stringify({ id: 'x', value: { ...whole, ...change } }));
    expect((await store.read('key', signal))?.holder).toBe(holder);
  });

  it('takes its holder anew: the token stays, what it tells stays or is what it says now', async () => {
    const { token } = await taken();
    for (const [data, told] of [
      ['one', 'one'],
      [undefined, 'one'],
      ['two', 'two'],
    ]) {
      const answer = await store.acquire({ ...candidacy, data, ttlMs: 2000 }, signal);
      expect(answer).toMatchObject({
        granted: true,
        predecessor: 'unknown',
        record: { token, data: told, ttlMs: 2000 },
      });
    }
  });

  it('says what it can do', () => {
    const limits = { minTtlMs: 1, stepMs: 1 };
    expect(store).toMatchObject({ expiry: 'observer', durability: 'linearizable', limits });
  });

  it('begins anew where no entry says anything', async () => {
    mkdirSync(inside(''), { recursive: true });
    writeFileSync(inside('7.json'), 'torn');
    expect((await taken()).version).toMatch(/^8-/);
  });

  it('keeps the last entries only', async () => {
    let held = await taken();
    const counts: number[] = [];
    for (let i = 0; i < 130; i++) {
      held = await renewed(held);
      counts.push(names('.json').length);
    }
    // Many at once: who sleeps over a few finds his place.
    expect([Math.max(...counts), Math.min(...counts.slice(63))]).toEqual([63, 32]);
    expect((await store.read('key', signal))?.version).toBe(held.version);
    expect(names('.tmp')).toEqual([]);
  });

  it('is rid of drafts whose writers died a minute ago', async () => {
    const held = await taken();
    for (const name of ['old.tmp', 'young.tmp']) writeFileSync(inside(name), '{"id":"x"');
    const minutesAgo = Date.now() / 1000 - 90;
    utimesSync(inside('old.tmp'), minutesAgo, minutesAgo);
    await renewed(held);
    expect(names('.tmp')).toEqual(['young.tmp']);
  });

  it('refuses who comes after its place in the log was removed', async () => {
    const log = new FileLog<unknown>(inside(''), systemUnique, (value) => value ?? undefined);
    const before = await log.end(signal);
    const held = await taken();
    const early = await log.end(signal);
    const latest = await renewed(held, 100);
    expect(names('.json')).not.toContain('2.json');
    expect(await log.append(before, { late: 1 }, signal)).toBe(undefined);
    expect(await log.append(early, { late: 2 }, signal)).toBe(undefined);
    // Where both were too late, the one does not vouch for the other.
    expect(names('.json')).toEqual(expect.arrayContaining(['1.json', '2.json']));
    expect((await store.read('key', signal))?.version).toBe(latest.version);
    await renewed(held, 64);
    expect(names('.json')).not.toContain('2.json');
  });

  it('refuses who comes too late, and first, after its place was removed', async () => {
    const log = new FileLog<unknown>(inside(''), systemUnique, (value) => value ?? undefined);
    const held = await taken();
    const early = await log.end(signal);
    const latest = await renewed(held, 100);
    expect(await log.append(early, { late: 1 }, signal)).toBe(undefined);
    expect((await store.read('key', signal))?.version).toBe(latest.version);
  });

  it('takes who was fast enough, though others were faster after it', async () => {
    mkdirSync(inside(''), { recursive: true });
    const log = new FileLog<unknown>(inside(''), systemUnique, (value) => value ?? undefined);
    for (let i = 0; i < 10; i++) {
      const end = await log.end(signal);
      const answers = await Promise.all([1, 2, 3].map((n) => log.append(end, n, signal)));
      expect(answers.filter((one) => one !== undefined)).toHaveLength(1);
    }
  });

  it('leaves no draft and no listener of a call that was called off', async () => {
    const controller = new AbortController();
    const held = await taken();
    const calls = [store.renew([held], { ttlMs: 1000 }, controller.signal), store.read('key', controller.signal)];
    controller.abort(new Error('enough'));
    for (const call of calls) await expect(call).rejects.toThrow('enough');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    await expect.poll(() => names('.tmp')).toEqual([]);
    await taken();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('says what the file system says', async () => {
    writeFileSync(join(folder, 'file'), '');
    const misplaced = new FileLeaseStore(join(folder, 'file'));
    await expect(misplaced.acquire(candidacy, signal)).rejects.toThrow('ENOTDIR');
    await expect(misplaced.watch('key', signal)[Symbol.asyncIterator]().next()).rejects.toThrow('ENOTDIR');
  });

  it('hints at what another process does', async () => {
    const controller = new AbortController();
    let hints = 0;
    const watching = (async () => {
      for await (const _ of store.watch('key', controller.signal)) hints += _ === undefined ? 1 : 0;
    })();
    await expect.poll(() => hints).toBe(1); // the watch has begun
    await new FileLeaseStore(folder).acquire(candidacy, signal);
    await expect.poll(() => hints).toBeGreaterThan(1);
    controller.abort();
    await watching;
  });
});

describe('the folder of a key', () => {
  it('is another for each key, in whatever case, and one name', () => {
    const key = fc.oneof(
      fc.string({ maxLength: 300, unit: 'binary' }),
      fc.constantFrom('a', 'A', 'é', 'e\u0301', '.', '..', ''),
    );
    const property = fc.property(key, key, (one, other) => {
      const [a, b] = [folderOf(one), folderOf(other)];
      expect(a).toMatch(/^[kh]-[a-z0-9=_-]*$/);
      expect(a.length).toBeLessThanOrEqual(255);
      expect(a === b).toBe(one === other);
    });
    fc.assert(property, { numRuns: runs(10), seed });
  });

  it('is readable, while it is short', () => {
    expect(folderOf('search-indexer')).toBe('k-search-indexer');
    expect(folderOf('Team/é')).toBe('k-=54eam=2f=c3=a9');
    expect(folderOf('\n')).toBe('k-=0a');
    expect(folderOf('x'.repeat(198))).toBe(`k-${'x'.repeat(198)}`);
    expect(folderOf('x'.repeat(199))).toMatch(/^h-[0-9a-f]{64}$/);
  });
});

it('is shared by writers that draw the same names', async () => {
  const folder = temporary();
  const stores = [1, 1, 1, 1].map((seed) => {
    const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
    return new FileLeaseStore(folder, { runtime });
  });
  const race = stores.map((store, i) => store.acquire({ ...candidacy, nonce: String(i) }, signal));
  expect((await Promise.all(race)).filter(({ granted }) => granted)).toHaveLength(1);
  rmSync(folder, { recursive: true });
});
