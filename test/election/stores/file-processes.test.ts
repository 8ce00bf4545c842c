/** What processes promise each other over one folder, those too that are killed at any moment. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLeaseStore } from 'holdfast/election/file';
import { seededRandom } from 'holdfast/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { folderOf } from '../../../src/election/stores/file-name.ts';
import { counted } from '../../support/ledger.ts';
import { seed } from '../../support/properties.ts';

const { signal } = new AbortController();
const children = new Set<ChildProcess>();
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
});

afterEach(async () => {
  await Promise.all([...children].map(kill));
  rmSync(folder, { recursive: true });
});

async function start(mode: 'race' | 'live', onMessage?: (message: unknown) => void): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'file-process.ts'), [mode, folder], { execArgv: ['--import', 'tsx'] });
  children.add(child);
  const ready = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  expect(ready, 'a process ends before it has begun').toEqual(['ready', undefined]);
  if (onMessage !== undefined) child.on('message', onMessage);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  expect(child.exitCode, 'a process has ended by itself').toBe(null);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  counted('killed');
  await gone;
}

interface Written {
  readonly id: string;
  readonly after?: string;
  readonly value: { readonly holder: string | null; readonly nonce: string; readonly token: string };
}

/** The entries up to the newest, in order; each has to be whole. One that came too late may lie further down. */
function entries(): (Written & { readonly seq: number })[] {
  const names = readdirSync(join(folder, folderOf('key'))).filter((name) => name.endsWith('.json'));
  const read = (name: string): Written =>
    JSON.parse(readFileSync(join(folder, folderOf('key'), name), 'utf8')) as Written;
  return names.map((name) => ({ ...read(name), seq: parseInt(name) })).sort((a, b) => a.seq - b.seq);
}

/** What follows the last gap. */
function unbroken<T extends { readonly seq: number }>(log: readonly T[]): readonly T[] {
  return log.slice(
    Math.max(
      0,
      log.findLastIndex(({ seq }, i) => seq !== (log[i - 1]?.seq ?? NaN) + 1),
    ),
  );
}

it('grants one of thirty candidates in three processes, each time', async () => {
  const racers = await Promise.all([start('race'), start('race'), start('race')]);
  for (let round = 0; round < 20; round++) {
    const answers = racers.map(async (racer) => (await once(racer, 'message'))[0] as number);
    for (const racer of racers) racer.send(`race-${String(round)}`);
    expect((await Promise.all(answers)).reduce((sum, granted) => sum + granted, 0)).toBe(1);
  }
});

it('is readable, with rising tokens and one holder, though processes are killed at random', async () => {
  const random = seededRandom(seed).stream('kills');
  const granted = new Map<string, string>();
  const note = (message: unknown): void => {
    const { nonce, token } = message as { nonce: string; token: string };
    expect(granted.get(token) ?? nonce, 'one token of two candidacies').toBe(nonce);
    granted.set(token, nonce);
  };
  const living = await Promise.all([start('live', note), start('live', note), start('live', note)]);
  for (let kills = 0; kills < 6; kills++) {
    await sleep(random() * 150);
    const victim = Math.floor(random() * living.length);
    await kill(living[victim]!);
    living[victim] = await start('live', note);
  }
  await Promise.all(living.map(kill));
  expect(granted.size).toBeGreaterThan(10);

  const log = unbroken(entries());
  expect(log.length).toBeGreaterThan(2);
  for (const [i, entry] of log.entries()) {
    const before = log[i - 1];
    if (before === undefined) continue;
    expect([entry.seq, entry.after]).toEqual([before.seq + 1, before.id]);
    const [token, last] = [BigInt(entry.value.token), BigInt(before.value.token)];
    if (entry.value.nonce === before.value.nonce) expect(token).toBe(last);
    else expect(token).toBeGreaterThan(last);
  }

  const store = new FileLeaseStore(folder);
  const last = await store.read('key', signal);
  const next = { key: 'key', holder: 'heir', nonce: 'heir', ttlMs: 1000, expectDead: last?.version };
  const heir = await store.acquire(next, signal);
  if (!heir.granted) throw new Error('nobody lives, and yet the lease cannot be had');
  expect([...granted.keys()].filter((token) => BigInt(token) >= heir.record.token)).toEqual([]);
  expect((await store.acquire({ ...next, nonce: 'other' }, signal)).granted).toBe(false);
}, 180_000);
