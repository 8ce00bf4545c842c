/** A queue over workers that die: poison is given up after two of them, and costs nobody else anything. */
import { expect, it } from 'vitest';
import { type JobOptions, WorkQueue } from '../../../src/queue/index.ts';
import { ProcessPool } from '../../../src/queue/pools/processes.ts';
import { ThreadPool } from '../../../src/queue/pools/threads.ts';
import { filename } from './contract.ts';
import type { Task } from './fixtures/worker.mjs';

interface Poison {
  readonly task: Task;
  readonly ends: 'poison' | 'failed' | 'discarded' | 'done';
  readonly options?: JobOptions;
}

const timed: JobOptions = { timeoutMs: 150 };
const poisons: readonly Poison[] = [
  { task: { do: 'exit', code: 0 }, ends: 'poison' },
  { task: { do: 'exitLater', code: 7 }, ends: 'poison' },
  { task: { do: 'oom' }, ends: 'poison' },
  { task: { do: 'loop' }, ends: 'poison', options: timed },
  { task: { do: 'never' }, ends: 'poison', options: timed },
  { task: { do: 'throwBeside' }, ends: 'poison' },
  { task: { do: 'throwAfter', value: 'fine' }, ends: 'done' },
  { task: { do: 'rejectAfter', value: 'fine' }, ends: 'done' },
  { task: { do: 'throwUndefined' }, ends: 'failed' },
  { task: { do: 'throwFunction' }, ends: 'failed' },
  { task: { do: 'throwHostile' }, ends: 'failed' },
  { task: { do: 'throwCycle' }, ends: 'failed' },
  { task: { do: 'rejectLate' }, ends: 'failed' },
  { task: { do: 'returnFunction' }, ends: 'failed' },
  { task: { do: 'throwControl', ask: { kind: 'discard', reason: 'gone' } }, ends: 'discarded' },
  { task: { do: 'echo', value: () => 1 }, ends: 'failed' },
];

const pools = {
  threads: () =>
    new ThreadPool<Task, unknown>({ filename, killAfterMs: 50, resourceLimits: { maxOldGenerationSizeMb: 24 } }),
  processes: () => new ProcessPool<Task, unknown>({ filename, killAfterMs: 50, execArgv: ['--max-old-space-size=24'] }),
};

it.each(Object.keys(pools) as (keyof typeof pools)[])(
  '%s: between 1,000 good jobs, poison ends as it should and every good job is done by its first attempt',
  async (kind) => {
    const workers = 3;
    const queue = new WorkQueue<Task, unknown>(pools[kind](), {
      workers,
      budget: false,
      retry: { attempts: 2, backoff: { baseMs: 1 } },
    });
    const told = new Map<string, string[]>();
    const tell = (id: string, what: string): void => void told.set(id, [...(told.get(id) ?? []), what]);
    queue.on('done', ({ id, attempt }) => {
      tell(id, `done ${String(attempt)}`);
    });
    queue.on('dead', ({ id, reason, attempt }) => {
      tell(id, `${reason} ${String(attempt)}`);
    });
    const books = (): void => {
      const { accepted, waiting, delayed, leased, done, dead, cancelled, active } = queue.stats();
      expect(accepted).toBe(waiting + delayed + leased + done + dead + cancelled);
      expect(active).toBeLessThanOrEqual(workers);
    };
    for (const event of ['done', 'dead', 'retry'] as const) queue.on(event, books);
    const good: Promise<unknown>[] = [];
    const spread = Math.floor(1_000 / poisons.length);
    for (let i = 0; i < 1_000; i++) {
      good.push(queue.run({ do: 'double', value: i }, { id: `good ${String(i)}` }));
      const at = i / spread;
      const poison = i % spread === 0 ? poisons[at] : undefined;
      if (poison !== undefined) await queue.add(poison.task, { ...poison.options, id: `bad ${String(at)}` });
    }
    expect(await Promise.all(good)).toEqual(Array.from({ length: 1_000 }, (_, i) => i * 2));
    await queue.onIdle();
    poisons.forEach(({ task, ends }, i) => {
      const attempt = ends === 'done' || ends === 'discarded' ? 1 : 2;
      expect([task.do, told.get(`bad ${String(i)}`)]).toEqual([task.do, [`${ends} ${String(attempt)}`]]);
    });
    for (let i = 0; i < 1_000; i++) expect(told.get(`good ${String(i)}`)).toEqual(['done 1']);
    const lost = poisons.filter(({ ends }) => ends === 'poison').length;
    expect(queue.stats()).toMatchObject({ accepted: 1_000 + poisons.length, crashes: 2 * lost, active: 0, leased: 0 });
    const kept: string[] = [];
    for await (const { id, reason, crashes } of queue.dead.list()) {
      kept.push(id);
      expect(crashes).toBe(reason === 'poison' ? 2 : 0);
    }
    expect(kept).toHaveLength(poisons.filter(({ ends }) => ends !== 'done').length);
    const { accepted, done, dead, released, waiting, abandoned } = await queue.close();
    expect([accepted, released, waiting, abandoned]).toEqual([done + dead, 0, 0, 0]);
  },
  180_000,
);
