/** Processes with a queue, killed with `kill -9`: nothing that `add` has promised is missing, whichever store lasts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from 'holdfast/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { counted } from '../../support/ledger.ts';
import { seed } from '../../support/properties.ts';
import { describeWith, type Server } from '../../support/servers.ts';
import { type Kind, programs, startServer } from '../stores/bull.ts';
import type { StoreKind } from './store-of.ts';

interface Attempt {
  readonly ran: string;
  readonly attempt: number;
  readonly crashes: number;
  readonly fence: string;
}

type Message = { readonly accepted: string } | { readonly done: string } | { readonly dead: string } | Attempt;

const kills = 20;
const jobs = 500;

/** Kills one process after the other and tells what was seen of all of them. */
async function killTwentyTimes(kind: StoreKind, where: string): Promise<void> {
  const random = seededRandom(seed).stream(`kills ${kind}`);
  const [accepted, done, dead] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const attempts = new Map<string, Attempt[]>();
  const hear = (message: Message): void => {
    if ('accepted' in message) accepted.add(message.accepted);
    else if ('done' in message) done.add(message.done);
    else if ('dead' in message) dead.add(message.dead);
    else attempts.set(message.ran, [...(attempts.get(message.ran) ?? []), message]);
  };
  const children = new Set<ChildProcess>();
  // Ready before its turn: it does not touch the store before it is told to.
  const start = async (first: number, count: number): Promise<ChildProcess> => {
    const args = [kind, where, String(first), String(count)];
    const child = fork(join(import.meta.dirname, 'worker-process.ts'), args, { execArgv: ['--import', 'tsx'] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    expect((await once(child, 'message'))[0]).toBe('ready');
    child.on('message', hear);
    return child;
  };
  const ended = (child: ChildProcess): Promise<unknown> =>
    Promise.all([once(child, 'exit'), child.connected ? once(child, 'disconnect') : undefined]);
  const perKill = jobs / kills;
  try {
    let next = start(0, perKill);
    for (let n = 1; n <= kills; n++) {
      const child = await next;
      next = start(n * perKill, n === kills ? 0 : perKill);
      next.catch(() => undefined); // told when it is its turn
      const before = accepted.size;
      child.send('go');
      // Late enough that something was accepted, early enough that something is under way.
      await expect.poll(() => accepted.size, { timeout: 30_000, interval: 1 }).toBeGreaterThan(before);
      await sleep(random() * 60);
      expect(child.exitCode, 'it has ended by itself').toBe(null);
      const gone = ended(child);
      child.kill('SIGKILL');
      counted('killed');
      await gone;
    }
    const last = await next;
    last.send('go');
    await expect.poll(() => [...accepted].filter((id) => !attempts.has(id)), { timeout: 60_000 }).toEqual([]);
    // What was under way when its process was killed comes back when its lease is over.
    await sleep(2_000);
    const gone = ended(last);
    last.send('end');
    await gone;
    expect(last.exitCode).toBe(0);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
  expect(accepted.size).toBeGreaterThan(jobs / 4);
  expect([...dead]).toEqual([]);
  // Not told to be done: those of whose end the process did not live to tell.
  expect([...attempts.keys()].filter((id) => !done.has(id)).length).toBeLessThanOrEqual(kills * 4);
  for (const [id, of] of attempts) {
    for (const [i, { attempt, crashes, fence }] of of.entries()) {
      const before = of[i - 1];
      expect(attempt, `attempts of ${id}`).toBeGreaterThan(before?.attempt ?? 0);
      expect(crashes, `crashes of ${id}`).toBe(attempt - 1);
      expect(BigInt(fence), `fences of ${id}`).toBeGreaterThan(BigInt(before?.fence ?? -1));
    }
  }
  const again = [...attempts.values()].filter(({ length }) => length > 1).length;
  console.log(`${kind}: ${String(accepted.size)} accepted, ${String(again)} ran more than once`);
}

it('over a journal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-killed-'));
  try {
    await killTwentyTimes('journal', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 240_000);

describe.each<Kind>(['Redis', 'PostgreSQL'])('over %s', (kind) => {
  describeWith(programs[kind], 'on a real server', () => {
    let server: Server;
    beforeAll(async () => void (server = await startServer(kind)));
    afterAll(() => server.stop());

    it('with BullMQ', () => killTwentyTimes(kind, server.url), 240_000);
  });
});
