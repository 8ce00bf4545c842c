import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('fixtures/ends.ts', import.meta.url));

it.each([
  ['end', 'has come to its end'],
  ['break', 'was left by break'],
  ['abort', 'was aborted'],
  ['silent', 'was left while its source is silent'],
])('a process ends by itself after every operator: %s, it %s', { timeout: 120_000 }, async (how) => {
  // What keeps it, a timer for one, runs into the time-out, which kills the child.
  const args = ['--unhandled-rejections=strict', '--import', 'tsx', fixture, how];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
  expect([stdout, stderr]).toEqual(['last line\n', '']);
});
