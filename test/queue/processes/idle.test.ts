/** Nothing of a queue keeps an idle process alive: not its store, its pool, nor a job that is for later. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-idle-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const source = (path: string): string => JSON.stringify(new URL(`../../../src/queue/${path}`, import.meta.url).href);
const handler = JSON.stringify(new URL('../pools/fixtures/worker.mjs', import.meta.url).href);

const workers = {
  function: `(task) => task.value * 2`,
  threads: `new ThreadPool({ filename: new URL(${handler}) })`,
  processes: `new ProcessPool({ filename: new URL(${handler}) })`,
};

it.each(Object.keys(workers) as (keyof typeof workers)[])(
  'a queue over a journal, with workers of the kind %s',
  async (kind) => {
    const script = `
      import { WorkQueue } from ${source('index.ts')};
      import { JournalQueueStore } from ${source('stores/journal.ts')};
      import { ThreadPool } from ${source('pools/threads.ts')};
      import { ProcessPool } from ${source('pools/processes.ts')};
      const store = new JournalQueueStore(${JSON.stringify(join(folder, 'jobs'))});
      const queue = new WorkQueue(${workers[kind]}, { store, workers: 2, timeoutMs: 600_000, pollMs: 50 });
      console.log(await queue.run({ do: 'double', value: 21 }));
      await queue.onIdle();
      await queue.add({ do: 'double', value: 1 }, { delayMs: 600_000, deadline: 1_000_000 });
      queue.addAll(new ReadableStream()).next();
      process.on('exit', () => console.log(queue.stats().delayed > 0));`; // how many may be too high for a moment
    const file = join(folder, 'idle.mjs'); // not --eval: threads inherit the arguments
    writeFileSync(file, script);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { timeout: 50_000 });
    expect(stdout).toBe('42\ntrue\n');
  },
);
