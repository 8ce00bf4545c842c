import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Election, MemoryLeaseStore } from 'holdfast/election';
import { watchdog } from 'holdfast/election/watchdog';
import { expect, it } from 'vitest';
import { counted } from '../support/ledger.ts';

const fixture = fileURLToPath(new URL('fixtures/stalled-leader.ts', import.meta.url));

it.each([
  ['is killed when it stands still beyond the end of its term', 5_000, 'SIGKILL', 'leads\n'],
  ['lives on after a shorter stall, and ends by itself when all is closed', 100, null, 'leads\ngoes on\n'],
])('a leader %s', { timeout: 30_000 }, async (_, stallMs, signal, said) => {
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, String(stallMs)], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
  let output = '';
  let ledMs = Infinity;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    ledMs = Math.min(ledMs, performance.now());
  });
  const [, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
  expect(killedBy).toBe(signal);
  expect(output).toBe(said);
  // The term lasts 1 s at most; the stall would have been 5 s.
  if (signal !== null) counted('killed');
  if (signal !== null) expect(performance.now() - ledMs).toBeLessThan(2_500);
});

it('a bad option is refused, and no thread is left', async () => {
  const election = new Election(new MemoryLeaseStore(), { name: 'x' });
  await expect(watchdog(election, { slackMs: -1 })).rejects.toThrow('slackMs must be a finite number >= 0, got -1');
});
