import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { IsolatedPool } from '../../../src/queue/pools/isolated-pool.ts';
import { ProcessPool } from '../../../src/queue/pools/processes.ts';
import { ThreadPool } from '../../../src/queue/pools/threads.ts';
import { contextOf, filename, rejection } from './contract.ts';

const classes = { ThreadPool, ProcessPool };
const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url);

describe.each(Object.keys(classes) as (keyof typeof classes)[])('%s', (name) => {
  let pool: IsolatedPool<unknown, unknown> | undefined;
  afterEach(() => pool?.close({ graceMs: 0 }));

  const open = async (options: ConstructorParameters<typeof ThreadPool>[0], workers = 1): Promise<typeof pool & {}> => {
    pool = new classes[name](options);
    const changed = new Promise<void>((resolve) => pool?.open(resolve));
    pool.resize(workers);
    await changed;
    return pool;
  };
  const run = (data: unknown): Promise<unknown> => pool!.run({ data }, contextOf());

  it.each([
    ['does not exist', 'nowhere.mjs', { code: 'ERR_MODULE_NOT_FOUND', message: expect.stringContaining('nowhere.mjs') as string }],
    ['throws', 'throws.mjs', { name: 'RangeError', message: 'not on this machine' }],
    ['has no default export', 'no-default.mjs', { name: 'TypeError', message: expect.stringContaining('must export a function as its default') as string }],
  ])('a module that %s fails a job with the reason, and starts are not repeated at once', async (_, file, reason) => {
    const opened = await open({ filename: fixture(file) });
    expect(opened.size).toBe(1);
    const error = await rejection(run(1));
    expect(error).toMatchObject({ code: 'NO_WORKER', cause: reason });
    const { failures } = opened.health();
    expect(failures).toBeLessThanOrEqual(2);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // After 100, 300 and 700 ms, and each takes its time.
    expect(opened.health().failures).toBeLessThanOrEqual(failures + 4);
  }); // prettier-ignore

  it('a worker that ends while it is idle is not started again and again', async () => {
    const opened = await open({ filename: fixture('dies-idle.mjs') });
    let starts = 1;
    opened.on('ready', () => starts++);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(starts).toBeLessThanOrEqual(5);
    expect(opened.health().failures).toBeGreaterThanOrEqual(1);
  });

  it('a module that never finishes loading is given up', async () => {
    await open({ filename: fixture('hangs.mjs'), startTimeoutMs: 300 });
    expect(await rejection(run(1))).toMatchObject({ code: 'NO_WORKER', message: expect.stringContaining('was not loaded within 300 ms') as string }); // prettier-ignore
  });

  it.each([
    ['CommonJS', fixture('common.cjs'), 2],
    ['an ES module that was compiled to CommonJS', fixture('compiled.cjs'), 3],
    ['a path', fileURLToPath(fixture('common.cjs')), 2],
    ['a file URL as text', fixture('common.cjs').href, 2],
    ['a data URL', new URL('data:text/javascript,export default (n) => n + 4'), 5],
  ])('takes %s', async (_, file, expected) => {
    await open({ filename: file });
    expect(await run(1)).toBe(expected);
  });

  it('replaces a worker whose heap has grown', async () => {
    const opened = await open({ filename, maxHeapMb: 40 });
    const recycled = new Promise((resolve) => opened.on('recycled', resolve));
    expect(await run({ do: 'calls' })).toBe(1);
    expect(await run({ do: 'grow', mb: 60 })).toBe(60);
    expect(await recycled).toEqual({ reason: 'heap' });
  });

  it('measures how long a worker takes to start', async () => {
    const opened = await open({ filename });
    expect(opened.coldStartMs).toBeGreaterThan(1);
    expect(opened.coldStartMs).toBeLessThan(30_000);
  });

  it.each([
    [{}, 'filename must be an absolute path or a URL, got undefined'],
    [{ filename: './worker.js' }, 'filename must be an absolute path or a URL, got "./worker.js"'],
    [{ filename, killAfterMs: -1 }, 'killAfterMs must be a finite number >= 0, got -1'],
    [{ filename, max: 0 }, 'max must be an integer >= 1, got 0'],
    [{ filename, maxJobs: 1.5 }, 'maxJobs must be an integer >= 1, got 1.5'],
    [{ filename, maxHeapMb: 'a' }, 'maxHeapMb must be a finite number >= 1, got "a"'],
    [{ filename, startTimeoutMs: 0 }, 'startTimeoutMs must be a finite number >= 1, got 0'],
    [{ filename, threads: 4 }, 'has no option "threads"'],
  ])('refuses %o', (options, message) => {
    expect(() => new classes[name](options as never)).toThrow(message);
  });
});
