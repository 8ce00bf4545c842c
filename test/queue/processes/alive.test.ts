/** A process lives as long as somebody waits for what a queue has promised, though nothing but time brings it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-alive-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const source = (path: string): string => JSON.stringify(new URL(`../../../src/queue/${path}`, import.meta.url).href);

/** What waits for time only, and what it prints in the end. */
const waits = {
  'a job that is tried again': [`console.log(await queue.run('twice'))`, 'twice'],
  'the result of a job for later': [`console.log(await (await queue.add('once', { delayMs: 50 })).result)`, 'once'],
  'an attempt that never ends': [
    `await queue.run('never', { timeoutMs: 50, attempts: 1 }).catch(tell)`,
    'DEADLINE_EXCEEDED',
  ],
  'the deadline of a job that waits': [
    `queue.pause(); await queue.run('once', { deadline: 50 }).catch(tell)`,
    'DEADLINE_EXCEEDED',
  ],
  'the end of all': [`await queue.add('twice'); await queue.onIdle(); console.log('idle')`, 'idle'],
  'the ends of many': [`for await (const { value } of queue.addAll(['twice'])) console.log(value)`, 'twice'],
} as const;

describe.each(['memory', 'a journal'])('with a store of %s a process lives for', (kind) => {
  it.each(Object.keys(waits) as (keyof typeof waits)[])('%s', async (wait) => {
    const script = `
      import { WorkQueue } from ${source('index.ts')};
      import { JournalQueueStore } from ${source('stores/journal.ts')};
      const seen = new Set();
      const work = async (name) => {
        if (name === 'never') await new Promise(() => undefined);
        if (name === 'twice' && !seen.has(name)) throw new Error(String(seen.add(name)));
        return name;
      };
      const tell = ({ code }) => console.log(code);
      const retry = { attempts: 2, backoff: { baseMs: 50, maxMs: 50 } };
      const store = ${kind === 'memory' ? 'undefined' : `new JournalQueueStore(${JSON.stringify(join(folder, 'jobs'))})`};
      const queue = new WorkQueue(work, { store, retry, pollMs: 50, onStuck: 'release', patienceMs: 50 });
      ${waits[wait][0]};`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    expect(stdout).toBe(`${waits[wait][1]}\n`);
  });
});

it('a process lives while the workers of a pool are to be started again', async () => {
  const [filename, count] = [join(folder, 'worker.mjs'), join(folder, 'count')];
  writeFileSync(
    filename,
    `import { appendFileSync, readFileSync } from 'node:fs';
    appendFileSync(${JSON.stringify(count)}, 'x');
    if (readFileSync(${JSON.stringify(count)}, 'utf8').length <= 2) throw new Error('not yet');
    export default (text) => text;`,
  );
  const script = `
    import { WorkQueue } from ${source('index.ts')};
    import { ThreadPool } from ${source('pools/threads.ts')};
    const pool = new ThreadPool({ filename: new URL(${JSON.stringify(pathToFileURL(filename).href)}), max: 1 });
    const queue = new WorkQueue(pool, { workers: 1, retry: { attempts: 10, backoff: { baseMs: 10, maxMs: 10 } } });
    console.log(await queue.run('done'));`;
  const file = join(folder, 'main.mjs'); // not --eval: threads inherit the arguments
  writeFileSync(file, script);
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { timeout: 50_000 });
  expect(stdout).toBe('done\n');
});
