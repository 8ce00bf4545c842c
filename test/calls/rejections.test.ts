import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('fixtures/losers.ts', import.meta.url));

it(
  'a process under --unhandled-rejections=strict survives 100,000 failures of losers',
  { timeout: 120_000 },
  async () => {
    const args = ['--unhandled-rejections=strict', '--import', 'tsx', fixture, '100000'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('');
    expect(stdout).toBe('survived 100000\n');
  },
);
