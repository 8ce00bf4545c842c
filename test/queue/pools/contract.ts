import { setImmediate } from 'node:timers/promises';
import { isHoldfastError } from 'holdfast/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { controlOf } from '../../../src/queue/control.ts';
import type { JobContext, WorkerPool } from '../../../src/queue/worker-pool.ts';
import type { Task } from './fixtures/worker.mjs';

export type Pool = WorkerPool<Task, unknown>;

/** The module that the pools of threads and processes run, and whose function the others call. */
export const filename = new URL('fixtures/worker.mjs', import.meta.url);

/** A context, with what the test cares about. */
export const contextOf = (given: Partial<JobContext> = {}): JobContext => ({
  id: 'j',
  attempt: 1,
  crashes: 0,
  fence: 1n,
  signal: new AbortController().signal,
  progress: () => {},
  extend: () => Promise.resolve(),
  ...given,
});

/** What the slot loop of a queue does of what a pool can tell: at most `size` jobs at a time, in order. */
export class Lane {
  readonly pool: Pool;
  active = 0;
  /** The most jobs that ran at a time. */
  peak = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #sizes = new Set<() => void>();

  constructor(pool: Pool, workers: number) {
    this.pool = pool;
    pool.open(() => {
      this.#pump();
      for (const check of this.#sizes) check();
    });
    pool.resize(workers);
  }

  run(task: Task, given?: Partial<JobContext>, transfer?: readonly object[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        this.active++;
        this.peak = Math.max(this.peak, this.active);
        const free = (): void => {
          this.active--;
          this.#pump();
        };
        let result: unknown;
        try {
          result = this.pool.run({ data: task, transfer }, contextOf(given));
        } catch (error) {
          result = Promise.reject(error);
        }
        Promise.resolve(result).finally(free).then(resolve, reject);
      });
      this.#pump();
    });
  }

  /** Resolves when the pool has so many workers. */
  reaches(size: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.pool.size !== size) return;
        this.#sizes.delete(check);
        resolve();
      };
      this.#sizes.add(check);
      check();
    });
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.active < this.pool.size) this.#waiting.shift()!();
  }
}

/** What a promise is rejected with. */
export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`not rejected: ${String(value)}`);
    },
    (error: unknown) => error,
  );

export interface PoolTraits {
  /** Its jobs are in another thread or process. */
  readonly isolated: boolean;
  /** It knows how many run. */
  readonly counts: boolean;
}

/** What every pool promises. */
export function poolSuite(name: string, traits: PoolTraits, make: () => Pool): void {
  describe(name, () => {
    let lane: Lane | undefined;
    const open = async (workers: number): Promise<Lane> => {
      lane = new Lane(make(), workers);
      await lane.reaches(workers);
      return lane;
    };
    afterEach(() => lane?.pool.close({ graceMs: 0 }));

    it('has no worker until it is told to, and as many as it is told, none too', async () => {
      const { pool, reaches } = bound(await open(0));
      expect([pool.size, pool.busy]).toEqual([0, 0]);
      pool.resize(2);
      await reaches(2);
      pool.resize(1);
      expect(pool.size).toBe(1);
      pool.resize(0);
      expect(pool.size).toBe(0);
      pool.resize(1);
      await reaches(1);
    });

    it.each([-1, 0.5, NaN, '1'])('refuses %s workers', async (workers) => {
      const { pool } = await open(0);
      expect(() => {
        pool.resize(workers as number);
      }).toThrow('workers must be an integer >= 0');
    });

    it('gives what the handler returns, at once or later', async () => {
      const { run } = bound(await open(2));
      const values = [1, 'two', null, undefined, [3n], { four: new Date(4) }, new Map([[5, new Set([6])]]), new Uint8Array(7)]; // prettier-ignore
      for (const value of values) expect(await run({ do: 'echo', value })).toStrictEqual(value);
      expect(await run({ do: 'sleep', ms: 5, value: 'late' })).toBe('late');
    });

    it('tells the handler what the job is', async () => {
      const { run } = bound(await open(1));
      const told = { id: 'job-7', attempt: 3, crashes: 1, fence: 2n ** 70n };
      expect(await run({ do: 'context' }, told)).toEqual({ ...told, aborted: false });
    });

    it('hands on progress in order, the last before the result, and extensions with their answer', async () => {
      const { run } = bound(await open(1));
      const seen: unknown[] = [];
      await run({ do: 'progress' }, { progress: (value) => seen.push(value) });
      expect(seen).toEqual([0.5, 'most', { part: 1 }]);
      const extend = vi.fn(() => Promise.resolve());
      expect(await run({ do: 'extend', ms: 50 }, { extend })).toBe('extended');
      expect(extend).toHaveBeenCalledExactlyOnceWith(50);
      const lost = run({ do: 'extend' }, { extend: () => Promise.reject(Object.assign(new Error('gone'), { code: 'E' })) }); // prettier-ignore
      expect(await rejection(lost)).toMatchObject({ message: 'gone', code: 'E' });
    });

    it('tells the handler to stop, with the reason, before it has begun too', async () => {
      const { run } = bound(await open(1));
      const controller = new AbortController();
      const obeyed = run({ do: 'obey' }, { signal: controller.signal });
      await setImmediate();
      controller.abort(new RangeError('enough'));
      expect(await rejection(obeyed)).toMatchObject({ name: 'RangeError', message: 'enough' });
      const early = AbortSignal.abort('no need');
      expect(await rejection(run({ do: 'obey' }, { signal: early }))).toBe('no need');
      expect(await run({ do: 'double', value: 4 })).toBe(8);
    });

    it.each([
      ['throwUndefined', undefined],
      ['throwText', 'only text'],
      ['throwObject', { status: 404 }],
    ])('gives what a handler has thrown that is no error: %s', async (task, thrown) => {
      const { run } = bound(await open(1));
      expect(await rejection(run({ do: task }))).toEqual(thrown);
      expect(await run({ do: 'double', value: 4 })).toBe(8);
    });

    it('gives errors with name, message, stack, code and causes', async () => {
      const { run } = bound(await open(1));
      const error = (await rejection(run({ do: 'throwChain' }))) as Error;
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: 'QuotaError', message: 'no room', code: 'E_QUOTA' });
      expect(error.stack).toContain('worker.mjs');
      expect(error.cause).toBeInstanceOf(TypeError);
      expect(error.cause).toMatchObject({ message: 'inner', cause: 'root' });
      const many = (await rejection(run({ do: 'throwMany' }))) as AggregateError;
      expect(many).toBeInstanceOf(AggregateError);
      expect(many.errors.map(String)).toEqual(['Error: a', 'TypeError: b']);
      expect(await rejection(run({ do: 'rejectLate' }))).toMatchObject({ message: 'late' });
    });

    it.each([
      { kind: 'retry', afterMs: 5 },
      { kind: 'snooze', ms: 6 },
      { kind: 'discard', reason: 'gone' },
    ])('gives what the handler asks for: $kind', async (ask) => {
      const { run } = bound(await open(1));
      const error = await rejection(run({ do: 'throwControl', ask }));
      expect(controlOf(error)).toEqual(ask);
      expect(error).toMatchObject({ message: 'asks' });
    });

    it('never runs more than it has workers, and keeps the order with one', async () => {
      const opened = await open(1);
      const order: number[] = [];
      const all = Array.from({ length: 50 }, async (_, index) => order.push((await opened.run({ do: 'echo', value: index })) as number)); // prettier-ignore
      await Promise.all(all);
      expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(opened.peak).toBe(1);
    });

    it('shrinks below what is busy only when that is over', async () => {
      const opened = await open(2);
      const { pool, run } = bound(opened);
      const first = run({ do: 'sleep', ms: 30, value: 1 });
      const second = run({ do: 'sleep', ms: 60, value: 2 });
      await vi.waitFor(() => {
        expect(opened.active).toBe(2);
      });
      if (traits.counts) expect(pool.busy).toBe(2);
      pool.resize(0);
      if (traits.isolated) expect(pool.size).toBe(2);
      expect(await Promise.all([first, second])).toEqual([1, 2]);
      expect([pool.size, pool.busy]).toEqual([0, 0]);
    });

    it('closes when what runs is done, once', async () => {
      const { pool, run } = bound(await open(1));
      const last = run({ do: 'sleep', ms: 30, value: 'done' });
      let closed = false;
      const closing = Promise.all([pool.close({ graceMs: 10_000 }), pool.close({ graceMs: 0 })]).then(() => {
        closed = true;
      });
      if (traits.counts) expect(closed).toBe(false);
      expect(await last).toBe('done');
      await closing;
      expect(pool.size).toBe(0);
      pool.resize(3);
      expect(pool.size).toBe(0);
      if (!traits.counts) return;
      const refused = await rejection(Promise.resolve(pool.run({ data: { do: 'calls' } }, contextOf())));
      expect(isHoldfastError(refused, 'CLOSED')).toBe(true);
    });
  });
}

/** Its methods, to be taken apart. */
function bound(lane: Lane): Pick<Lane, 'pool' | 'run' | 'reaches'> {
  return { pool: lane.pool, run: lane.run.bind(lane), reaches: lane.reaches.bind(lane) };
}
