/** An example as its reader runs it: a process of its own, from its start to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

/** Against hanging only. */
export const limitMs = 120_000;

/** What an example has printed. Fails unless all held, nothing went to the error output, and no file or process is left. */
export async function runExample(name: string): Promise<string> {
  const temporary = mkdtempSync(join(tmpdir(), 'example-'));
  try {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/run.ts', name], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    let complained = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
    // Closed when nobody holds the output any more: its processes have inherited that.
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, complained, failed: printed.split('\n').filter((line) => line.startsWith('FAILED')) }).toEqual({
      code: 0,
      complained: '',
      failed: [],
    });
    // What loads TypeScript keeps a cache there.
    expect(readdirSync(temporary).filter((file) => !/^(?:tsx-|node-compile-cache)/.test(file))).toEqual([]);
    return printed;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
