/** Real processes, killed: nothing that was accepted is missing, and every attempt is counted. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from 'holdfast/testing';
import { afterEach, expect, it } from 'vitest';
import { counted } from '../../support/ledger.ts';
import { seed } from '../../support/properties.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly ran: string;
  readonly attempt: number;
  readonly crashes: number;
  readonly fence: number;
}

type Message = 'open' | { readonly accepted: string } | { readonly done: string } | Run;

it('loses none of 1,000 jobs, though killed 20 times', async () => {
  const random = seededRandom(seed).stream('kills');
  const [accepted, done] = [new Set<string>(), new Set<string>()];
  const runs = new Map<string, Run[]>();
  const hear = (message: Message): void => {
    if (message === 'open') return;
    if ('accepted' in message) accepted.add(message.accepted);
    else if ('done' in message) done.add(message.done);
    else runs.set(message.ran, [...(runs.get(message.ran) ?? []), message]);
  };
  const start = async (first: number, jobs: number): Promise<{ readonly end: Promise<unknown> }> => {
    const script = join(import.meta.dirname, 'worker-process.ts');
    child = fork(script, [folder, String(first), String(jobs)], { execArgv: ['--import', 'tsx'] });
    child.on('message', hear);
    const [ended, gone] = [once(child, 'disconnect'), once(child, 'exit')];
    expect((await Promise.race([once(child, 'message'), gone]))[0]).toBe('open');
    return { end: Promise.all([ended, gone]) };
  };
  let kills = 0;
  for (; kills < 20; kills++) {
    const { end } = await start(kills * 50, 50);
    await sleep(random() * 60);
    expect(child!.exitCode, 'it has ended by itself').toBe(null);
    child!.kill('SIGKILL');
    counted('killed');
    await end;
  }
  await (
    await start(0, 0)
  ).end;
  expect(child!.exitCode).toBe(0);

  expect(accepted.size).toBeGreaterThan(250);
  const missing = [...accepted].filter((id) => !runs.has(id));
  expect(missing).toEqual([]);
  expect([...runs.keys()].filter((id) => !done.has(id)).length).toBeLessThanOrEqual(kills * 3);
  for (const [id, of] of runs) {
    for (const [i, { attempt, crashes, fence }] of of.entries()) {
      const before = of[i - 1];
      expect(attempt, `attempts of ${id}`).toBeGreaterThan(before?.attempt ?? 0);
      expect(crashes, `crashes of ${id}`).toBe(attempt - 1);
      expect(fence, `fences of ${id}`).toBeGreaterThan(before?.fence ?? -1);
    }
  }
  const again = [...runs.values()].filter(({ length }) => length > 1).length;
  console.log(`${String(accepted.size)} accepted, ${String(kills)} kills, ${String(again)} jobs ran more than once`);
}, 180_000);
