import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  Discard,
  MemoryQueueStore,
  Retry,
  Snooze,
  WorkQueue,
  WorkerLostError,
  type WorkerPool,
} from '../../src/queue/index.ts';
import type { Delivery } from '../../src/flow/index.ts';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';

function setUp(): { readonly clock: VirtualClock; readonly runtime: { clock: VirtualClock; random: () => number } } {
  const clock = new VirtualClock();
  return { clock, runtime: { clock, random: () => 0.5 } };
}

/** A handler whose ends the test decides. */
function gates(): {
  readonly started: string[];
  readonly signals: AbortSignal[];
  readonly handler: (name: string, context: { readonly signal: AbortSignal }) => Promise<string>;
  readonly end: (name: string) => void;
} {
  const started: string[] = [];
  const signals: AbortSignal[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    signals,
    handler: (name, { signal }) => {
      started.push(name);
      signals.push(signal);
      return new Promise((resolve) => {
        ends.set(name, () => {
          resolve(name);
        });
      });
    },
    end: (name) => {
      ends.get(name)!();
    },
  };
}

async function taken(reader: AsyncIterator<Delivery<string>>): Promise<Delivery<string>> {
  const next = await reader.next();
  if (next.done === true) throw new Error('nothing was delivered');
  return next.value;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function sums(queue: WorkQueue<never, never> | WorkQueue<string, string>): boolean {
  const { accepted, waiting, delayed, leased, done, dead, cancelled } = queue.stats();
  return accepted === waiting + delayed + leased + done + dead + cancelled;
}

describe('workers', () => {
  it('a limit of 2 with a timeout of 5 ms never runs 3, though handlers do not listen', async () => {
    const { clock, runtime } = setUp();
    let [live, most] = [0, 0];
    const stuck: string[] = [];
    const queue = new WorkQueue<number, void>(
      async () => {
        most = Math.max(most, ++live);
        await clock.sleep(100);
        live--;
      },
      {
        workers: 2,
        timeoutMs: 5,
        patienceMs: 10,
        runtime,
        retry: { attempts: 2, backoff: { baseMs: 1 } },
        budget: false,
      },
    );
    queue.on('stuck', ({ id }) => stuck.push(id));
    for (let i = 0; i < 10; i++) await queue.add(i);
    const idle = queue.onIdle();
    await clock.runUntilIdle();
    await idle;
    expect(most).toBe(2);
    expect(stuck.length).toBe(10);
    expect(queue.stats().done).toBe(10);
    await queue.close();
    expect(clock.pending).toBe(0);
  });

  it('a stuck handler holds its worker, or is given up and counted no more', async () => {
    for (const onStuck of ['hold', 'release'] as const) {
      const { clock, runtime } = setUp();
      const { handler, started, end } = gates();
      const queue = new WorkQueue(handler, {
        workers: 1,
        timeoutMs: 5,
        patienceMs: 10,
        onStuck,
        runtime,
        retry: { attempts: 1 },
      });
      const first = await queue.add('a');
      await queue.add('b');
      await clock.advance(14);
      expect(started).toEqual(['a']);
      await clock.advance(1);
      expect(started).toEqual(onStuck === 'hold' ? ['a'] : ['a', 'b']);
      end('a');
      await turn();
      expect(started).toEqual(['a', 'b']);
      if (onStuck === 'hold') await expect(first.result).resolves.toBe('a');
      else await expect(first.result).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      end('b');
      await turn();
      expect(sums(queue)).toBe(true);
      await queue.close({ graceMs: 0, abortMs: 0 });
      expect(clock.pending).toBe(0);
    }
  });

  it('pause starts nothing more, not even when a worker becomes free or a consumer asks', async () => {
    const { runtime } = setUp();
    const { handler, started, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    await queue.add('a');
    await queue.add('b');
    queue.pause();
    end('a');
    await turn();
    expect(started).toEqual(['a']);
    const asked = queue.consume()[Symbol.asyncIterator]();
    const delivery = asked.next();
    await turn();
    expect(queue.stats().waiting).toBe(1);
    await asked.return?.();
    expect((await delivery).done).toBe(true);
    queue.resume();
    expect(started).toEqual(['a', 'b']);
    end('b');
    await queue.onIdle();
    await queue.close();
  });

  it('a worker that is lost costs an attempt, and two make poison, also when a timeout had it ended', async () => {
    for (const timeoutMs of [undefined, 5]) {
      const { clock, runtime } = setUp();
      const pool: WorkerPool<string, string> = {
        size: 1,
        busy: 0,
        coldStartMs: 0,
        suggestedMax: 1,
        open: () => undefined,
        resize: () => undefined,
        run: async (_, { signal }) => {
          if (timeoutMs !== undefined) await new Promise((resolve) => signal.addEventListener('abort', resolve));
          throw new WorkerLostError('it has ended');
        },
        close: () => Promise.resolve(),
      };
      const queue = new WorkQueue(pool, { runtime, timeoutMs });
      const dead: unknown[] = [];
      queue.on('dead', ({ reason, attempt }) => dead.push([reason, attempt]));
      const job = await queue.add('bad');
      const failed = expect(job.result).rejects.toMatchObject({ code: 'WORKER_LOST' });
      await clock.advance(60_000);
      await failed;
      expect(dead).toEqual([['poison', 2]]);
      expect(queue.stats()).toMatchObject({ crashes: 2, dead: 1, leased: 0 });
      await queue.close();
    }
  });

  it('hostile results and rejections are only results and rejections', async () => {
    const { clock, runtime } = setUp();
    const refuse = (): never => {
      throw new Error('hands off');
    };
    const twice = Object.assign(Promise.resolve('x'), {
      then: (done: (value: string) => void) => {
        done('x');
        done('y');
      },
    });
    const hostile: readonly (() => unknown)[] = [
      () => new Proxy({}, { getPrototypeOf: refuse, get: refuse }),
      () => twice,
      () => ({ then: refuse }),
      () => {
        throw undefined; // eslint-disable-line @typescript-eslint/only-throw-error -- what users throw
      },
      () => Promise.reject(new Proxy(new Error('x'), { get: refuse, getPrototypeOf: refuse })),
    ];
    const queue = new WorkQueue<number, unknown>((i) => hostile[i]!(), {
      workers: 2,
      runtime,
      retry: { attempts: 1 },
    });
    for (let round = 0; round < 2; round++) for (const i of hostile.keys()) await queue.add(i);
    await clock.advance(1_000);
    expect(queue.stats()).toMatchObject({ done: 2, dead: 8, leased: 0, active: 0 });
    await queue.close();
  });
});

describe('results', () => {
  it('nobody is told of a failure that he does not ask for', async () => {
    const { runtime } = setUp();
    const queue = new WorkQueue<string, string>(() => Promise.reject(new Error('no')), {
      runtime,
      retry: { attempts: 1 },
    });
    const job = await queue.add('a');
    await turn();
    await turn();
    expect(queue.stats().dead).toBe(1);
    await expect(job.result).rejects.toThrow('no');
    await queue.close();
  });

  it('a duplicate has the result of the one that lives, whichever way it came', async () => {
    const { runtime } = setUp();
    const { handler, end, started } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    const first = await queue.add('a', { id: 'x' });
    const again = await queue.add('other', { id: 'x' });
    const run = queue.run('third', { id: 'x' });
    const many = queue.addAll(['fourth'], { job: () => ({ id: 'x' }) });
    const read = many.next();
    expect([first.duplicate, again.duplicate, again.id]).toEqual([false, true, 'x']);
    end('a');
    expect(await Promise.all([first.result, again.result, run])).toEqual(['a', 'a', 'a']);
    expect((await read).value).toMatchObject({ id: 'x', status: 'done', value: 'a' });
    expect((await many.next()).done).toBe(true);
    expect(started).toEqual(['a']);
    expect(queue.stats().accepted).toBe(1);
    await queue.close();
  });

  it('of a job that was replaced every handle has the result, and its own cancel works on it', async () => {
    const { clock, runtime } = setUp();
    const { handler, started, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    await queue.add('busy');
    const dedupe = { id: 'd', mode: 'replace' } as const;
    const old = new AbortController();
    const first = await queue.add('v1', { dedupe, signal: old.signal, deadline: 50 });
    const firstResult = first.result;
    const run = queue.run('v2', { dedupe });
    const many = queue.addAll(['v3'], { job: () => ({ dedupe }), ordered: true });
    const read = many.next();
    expect(first.id).toBe((await queue.add('v4', { dedupe })).id);
    old.abort(); // it was the old one's
    await clock.advance(100);
    end('busy');
    await turn();
    expect(started).toEqual(['busy', 'v4']);
    end('v4');
    expect(await Promise.all([firstResult, run, first.result])).toEqual(['v4', 'v4', 'v4']);
    expect((await read).value).toMatchObject({ status: 'done', value: 'v4', data: 'v4' });
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 2 });
    await queue.add('busy2');
    const gone = await queue.add('w1', { dedupe });
    const controller = new AbortController();
    await queue.add('w2', { dedupe, signal: controller.signal });
    controller.abort('no more');
    await expect(gone.result).rejects.toBe('no more');
    const third = await queue.add('w3', { dedupe });
    await queue.add('w4', { dedupe });
    expect(await third.cancel()).toBe(true);
    end('busy2');
    await queue.onIdle();
    expect(sums(queue)).toBe(true);
    await queue.close();
    expect(clock.pending).toBe(0);
  });

  it('rerun: one more run follows with the newest data, and the result is that one’s', async () => {
    const { runtime } = setUp();
    const { handler, started, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    const dedupe = { id: 'd', mode: 'rerun' } as const;
    const first = await queue.add('v1', { dedupe });
    const second = await queue.add('v2', { dedupe });
    await queue.add('v3', { dedupe });
    const results = Promise.all([first.result, second.result]);
    end('v1');
    await turn();
    expect(started).toEqual(['v1', 'v3']);
    end('v3');
    expect(await results).toEqual(['v3', 'v3']);
    expect(queue.stats()).toMatchObject({ accepted: 1, done: 1 });
    await queue.close();
  });

  it('Retry, Snooze and Discard do what they say', async () => {
    const { clock, runtime } = setUp();
    const seen: string[] = [];
    const queue = new WorkQueue<string, void>(
      (name, { attempt }) => {
        seen.push(`${name}${String(attempt)}@${String(clock.now())}`);
        if (name === 'retry' && attempt === 1) throw new Retry(70);
        if (name === 'snooze' && seen.filter((one) => one.startsWith('snooze')).length < 3) throw new Snooze(100);
        if (name === 'discard') throw new Discard('gone');
      },
      { runtime, budget: false },
    );
    for (const name of ['retry', 'snooze', 'discard']) await queue.add(name);
    await clock.advance(1_000);
    expect(seen).toEqual(['retry1@0', 'snooze1@0', 'discard1@0', 'retry2@70', 'snooze1@100', 'snooze1@200']);
    const dead = [];
    for await (const { reason } of queue.dead.list()) dead.push(reason);
    expect(dead).toEqual(['discarded']);
    expect(await queue.dead.redrive()).toBe(1);
    expect(sums(queue as never)).toBe(true);
    await clock.advance(10);
    expect(sums(queue as never)).toBe(true);
    expect(await queue.dead.purge()).toBe(1);
    await queue.close();
  });
});

describe('taking back', () => {
  it('one that waits ends at once, one that runs when its handler has stopped', async () => {
    const { runtime } = setUp();
    const { handler, signals, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    const running = await queue.add('a', { id: 'a' });
    const waiting = await queue.add('b', { id: 'b' });
    void queue.cancel('b', 'not wanted');
    expect(sums(queue)).toBe(true);
    await expect(waiting.result).rejects.toBe('not wanted');
    const stopped = expect(running.result).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await queue.cancel('a')).toBe(true);
    await stopped;
    expect(signals[0]!.aborted).toBe(true);
    expect(queue.stats()).toMatchObject({ leased: 1, cancelled: 1 });
    end('a');
    await turn();
    expect(queue.stats()).toMatchObject({ leased: 0, cancelled: 2, done: 0 });
    expect(await queue.cancel('a')).toBe(false);
    await queue.close();
  });

  it('a deadline ends a job that waits and one that runs', async () => {
    const { clock, runtime } = setUp();
    const { handler, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, runtime });
    const jobs = [await queue.add('a', { deadline: 10 }), await queue.add('b', { deadline: 20 })];
    const both = Promise.allSettled(jobs.map(({ result }) => result));
    await clock.advance(20);
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(queue.stats()).toMatchObject({ dead: 1, leased: 1, waiting: 0 });
    end('a');
    await turn();
    expect(queue.stats()).toMatchObject({ dead: 2, leased: 0, done: 0 });
    await queue.close();
    expect(clock.pending).toBe(0);
  });
});

describe('room', () => {
  it('those who wait for it get it in the order in which they came, and may leave', async () => {
    const { runtime } = setUp();
    const { handler, started, end } = gates();
    const queue = new WorkQueue(handler, { workers: 1, maxQueued: 1, runtime });
    await queue.add('a');
    await queue.add('b');
    const controller = new AbortController();
    const accepted: string[] = [];
    const c = queue.add('c').then(() => accepted.push('c'));
    const gone = queue.add('gone', { signal: controller.signal });
    const d = queue.add('d').then(() => accepted.push('d'));
    expect(queue.stats().blocked).toBe(3);
    controller.abort('left');
    await expect(gone).rejects.toBe('left');
    for (const name of ['a', 'b', 'c', 'd']) {
      end(name);
      await turn();
      expect(sums(queue)).toBe(true);
    }
    await Promise.all([c, d]);
    expect(accepted).toEqual(['c', 'd']);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(queue.stats()).toMatchObject({ accepted: 4, done: 4 });
    await queue.close();
  });

  it('one that is let in and taken at once is counted once', async () => {
    const { runtime } = setUp();
    const queue: WorkQueue<number, number> = new WorkQueue<number, number>(async (n) => n, {
      workers: 3,
      maxQueued: 1,
      runtime,
      paused: true,
    });
    const jobs = [1, 2, 3, 4, 5].map((n) => queue.run(n));
    queue.resume();
    expect(await Promise.all(jobs)).toEqual([1, 2, 3, 4, 5]);
    expect(queue.stats()).toMatchObject({ accepted: 5, done: 5 });
    await queue.close();
  });

  it('a cancelled job makes room, also while the queue is paused', async () => {
    const { runtime } = setUp();
    const { handler } = gates();
    const queue = new WorkQueue(handler, { maxQueued: 1, paused: true, runtime });
    const first = await queue.add('a');
    const second = queue.add('b');
    await first.cancel();
    expect((await second).duplicate).toBe(false);
    await queue.close();
  });

  it.each([
    ['reject', ['a1', 'b2'], undefined],
    ['dropOldest', ['b2', 'c1'], 'a1'],
    ['dropLowest', ['a1', 'b2'], undefined],
  ] as const)('%s', async (overflow, left, dropped) => {
    const { runtime } = setUp();
    const seen: string[] = [];
    const gone: unknown[] = [];
    const queue = new WorkQueue<string, void>((name) => void seen.push(name), {
      maxQueued: 2,
      paused: true,
      overflow,
      runtime,
    });
    queue.on('dropped', ({ id }) => {
      gone.push(id);
      expect(sums(queue as never)).toBe(true);
    });
    await queue.add('a1', { id: 'a1', priority: 1 });
    await queue.add('b2', { id: 'b2', priority: 2 });
    const third = queue.add('c1', { id: 'c1', priority: 1 });
    if (overflow === 'dropOldest') await third;
    else await expect(third).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(gone).toEqual(dropped === undefined ? [] : [dropped]);
    queue.resume();
    await turn();
    expect([...seen].sort()).toEqual([...left].sort());
    await queue.close();
  });
});

describe('many', () => {
  it('addAll reads no more than it may, in order or as they end, and stops with its reader', async () => {
    for (const ordered of [false, true]) {
      const { clock, runtime } = setUp();
      let [read, closed] = [0, false];
      async function* source(): AsyncGenerator<number> {
        try {
          for (; ; read++) yield read;
        } finally {
          closed = true;
        }
      }
      const queue = new WorkQueue<number, number>((n) => clock.sleep(n % 2 === 0 ? 30 : 10).then(() => n), {
        workers: 4,
        runtime,
      });
      const values: number[] = [];
      const reading = (async () => {
        for await (const { data } of queue.addAll(source(), { ahead: 4, ordered })) {
          values.push(data);
          if (values.length === 10) break;
        }
      })();
      await clock.runUntilIdle();
      await reading;
      expect(read).toBeLessThanOrEqual(14);
      expect(closed).toBe(true);
      if (ordered) expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      else expect(values.slice(0, 2)).toEqual([1, 3]);
      await clock.runUntilIdle();
      expect(sums(queue as never)).toBe(true);
      await queue.close();
    }
  });

  it('a source or options that fail: what was accepted is told of, then the error, and the source is closed', async () => {
    for (const fails of ['source', 'options', 'value'] as const) {
      for (const isAsync of [false, true]) {
        const { runtime } = setUp();
        let closed = false;
        function* items(): Generator<number> {
          try {
            yield 1;
            if (fails === 'source') throw new Error('broken');
            yield 2;
            yield 3;
          } finally {
            closed = true;
          }
        }
        async function* later(): AsyncGenerator<number> {
          yield* items();
        }
        const queue = new WorkQueue<number, number>(async (n) => n, { runtime });
        const seen: number[] = [];
        const loop = (async () => {
          const job = (n: number): { readonly priority: number } | undefined => {
            if (n === 1 || fails === 'source') return undefined;
            if (fails === 'options') throw new Error('broken');
            return { priority: 'broken' as unknown as number };
          };
          for await (const { data } of queue.addAll(isAsync ? later() : items(), { job })) seen.push(data);
        })();
        await expect(loop).rejects.toThrow('broken');
        expect(seen).toEqual([1]);
        await turn();
        expect(closed).toBe(true);
        await queue.close();
      }
    }
  });

  it('close ends every addAll: what had not ended is cancelled', async () => {
    for (const ordered of [false, true]) {
      const { clock, runtime } = setUp();
      const { handler } = gates();
      const queue = new WorkQueue(handler, { workers: 1, runtime });
      const statuses: string[] = [];
      const loop = (async () => {
        for await (const { status } of queue.addAll(['a', 'b', 'c'], { ordered })) statuses.push(status);
      })();
      await turn();
      const closing = queue.close({ graceMs: 0, abortMs: 0 });
      await clock.advance(1);
      const report = await closing;
      await loop;
      expect(statuses).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect(report).toMatchObject({ accepted: 3, released: 1, waiting: 2, abandoned: 1 });
    }
  });

  it('consume: who waits for the result is told of the attempt that was acknowledged, not of the one before', async () => {
    const { clock, runtime } = setUp();
    const queue = new WorkQueue<string, unknown>(undefined, { runtime, retry: { backoff: { baseMs: 10 } } });
    const result = queue.run('a');
    const reader = queue.consume()[Symbol.asyncIterator]();
    await (await taken(reader)).nack(new Error('not yet'));
    await clock.advance(10);
    await (await taken(reader)).ack();
    expect(await result).toBeUndefined();
    await queue.close();
  });

  it('consume: ack, nack, return and close', async () => {
    const { clock, runtime } = setUp();
    const queue = new WorkQueue<string, string>(undefined, { runtime, retry: { backoff: { baseMs: 10 } } });
    for (const name of ['a', 'b', 'c', 'd']) await queue.add(name);
    const reader = queue.consume()[Symbol.asyncIterator]();
    const [a, b, c] = [await taken(reader), await taken(reader), await taken(reader)];
    await a.ack();
    await a.nack();
    await b.nack(new Error('no'));
    expect(queue.stats()).toMatchObject({ done: 1, delayed: 1, leased: 1, waiting: 1 });
    await reader.return?.();
    await c.ack(); // too late
    expect(queue.stats()).toMatchObject({ done: 1, leased: 0, waiting: 2 });
    await clock.advance(10);
    const other = queue.consume()[Symbol.asyncIterator]();
    expect((await other.next()).value).toMatchObject({ value: 'd', attempt: 1 });
    const closing = queue.close({ graceMs: 5, abortMs: 5 });
    await clock.advance(20);
    expect(await closing).toEqual({
      accepted: 4,
      done: 1,
      dead: 0,
      cancelled: 0,
      released: 1,
      waiting: 2,
      abandoned: 0,
    });
    expect((await other.next()).done).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('what a consumer gives back when it leaves is not handed to it again', async () => {
    const { runtime } = setUp();
    const queue = new WorkQueue<string, string>(async (name) => name, { runtime, workers: { min: 0, max: 1 } });
    const reader = queue.consume()[Symbol.asyncIterator]();
    const [first, second] = [reader.next(), reader.next()];
    const job = await queue.add('a', { id: 'a' });
    expect((await first).done).toBe(false);
    void reader.return?.();
    expect((await second).done).toBe(true);
    expect(await job.result).toBe('a');
    expect(queue.stats()).toMatchObject({ done: 1, leased: 0 });
    await queue.close();
  });

  it('a pool scaled to zero wakes for a delay that is over and for a key that is free', async () => {
    const { clock, runtime } = setUp();
    const queue = new WorkQueue<string, string>(async (name) => name, { runtime, workers: { min: 0, max: 2 } });
    const delayed = queue.run('a', { delayMs: 600_000 });
    await clock.advance(700_000);
    expect(await delayed).toBe('a');
    await queue.close();
    expect(clock.pending).toBe(0);
  });

  it('a paused queue keeps no workers for jobs that may not start, and has them again when it goes on', async () => {
    const { clock, runtime } = setUp();
    const { started, end, handler } = gates();
    const queue = new WorkQueue(handler, { runtime, workers: { min: 0, max: 4 }, paused: true });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await queue.add(name);
    await clock.advance(60_000);
    expect(queue.stats()).toMatchObject({ workers: 0, waiting: 6 });
    expect(clock.pending).toBe(0);

    queue.resume();
    await clock.advance(60_000);
    expect(queue.stats()).toMatchObject({ workers: 4, active: 4, waiting: 2 });
    queue.pause();
    for (const name of started) end(name);
    await clock.advance(60_000);
    expect(queue.stats()).toMatchObject({ workers: 0, active: 0, waiting: 2 });
    expect(clock.pending).toBe(0);

    queue.resume();
    await clock.advance(60_000);
    expect(queue.stats()).toMatchObject({ active: 2, waiting: 0 });
    for (const name of started.slice(4)) end(name);
    expect(await queue.close()).toMatchObject({ done: 6 });
  });

  it('at a rate no more start than it allows, and none is forgotten', async () => {
    const startedMs: number[] = [];
    const queue = new WorkQueue<number, void>(() => void startedMs.push(performance.now()), {
      workers: 4,
      rate: { max: 2, perMs: 60 },
    });
    await Promise.all([1, 2, 3, 4, 5].map((n) => queue.run(n)));
    for (let i = 2; i < 5; i++) expect(startedMs[i]! - startedMs[i - 2]!).toBeGreaterThan(50);
    await queue.close();
  });

  it('an idle queue keeps no process alive', async () => {
    const source = JSON.stringify(new URL('../../src/queue/index.ts', import.meta.url).href);
    const script = (options: string): string => `
      import { WorkQueue } from ${source};
      const queue = new WorkQueue(async (name) => name, ${options});
      await queue.run('a');
      await queue.add('far', { delayMs: 600_000, deadline: 1_000_000, id: 'far' });
      await queue.cancel('far');
      await queue.onIdle();
      queue.consume()[Symbol.asyncIterator]().next();
      process.on('exit', () => console.log('exit'));`;
    for (const options of ['{ timeoutMs: 600_000, workers: { min: 0 } }', '{ rate: { max: 1, perMs: 600_000 } }']) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', script(options)],
        { timeout: 30_000 },
      );
      expect(stdout.trim()).toBe('exit');
    }
  });

  it('sync adds each once and tells its source of what is done', async () => {
    const { runtime } = setUp();
    const { handler, started, end } = gates();
    const told: string[] = [];
    const open = ['a', 'b'];
    const queue = new WorkQueue(handler, { runtime, workers: 2 });
    const source = {
      list: () => open.map((id) => ({ id })),
      get: (id: string) => Promise.resolve(id),
      done: (id: string) => {
        told.push(id);
        return Promise.reject(new Error('nobody minds'));
      },
    };
    expect(await queue.sync(source)).toEqual({ listed: 2, added: 2 });
    expect(await queue.sync(source)).toEqual({ listed: 2, added: 0 });
    end('a');
    end('b');
    await turn();
    expect(started).toEqual(['a', 'b']);
    expect(told).toEqual(['a', 'b']);
    await queue.close();
  });

  it('a handler runs in the context of who has added its job', async () => {
    const { runtime } = setUp();
    const storage = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const queue = new WorkQueue<string, void>(
      async (name) => {
        await Promise.resolve();
        seen.push(`${name}:${String(storage.getStore())}`);
      },
      { runtime, workers: 1 },
    );
    await Promise.all([
      storage.run('one', () => queue.add('add')),
      storage.run('two', () => queue.run('run')),
      storage.run('three', async () => {
        for await (const { status } of queue.addAll(['many'])) expect(status).toBe('done');
      }),
    ]);
    await queue.onIdle();
    expect(seen.sort()).toEqual(['add:one', 'many:three', 'run:two']);
    await queue.close();
  });
});

describe('close', () => {
  it('may be asked for with a signal that has aborted already', async () => {
    const { runtime } = setUp();
    const queue = new WorkQueue<string, string>(async (name) => name, { runtime, signal: AbortSignal.abort() });
    await turn();
    await expect(queue.add('a')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('with bad options does not close', async () => {
    const { runtime } = setUp();
    const queue = new WorkQueue<string, string>(async (name) => name, { runtime });
    await expect(queue.close({ graceMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(await queue.run('a')).toBe('a');
    const closing = queue.close();
    expect(queue.close()).toBe(closing);
    expect(await closing).toMatchObject({ accepted: 1, done: 1 });
  });

  it('drains what waits, and its report sums whatever was put off on the way', async () => {
    const { clock, runtime } = setUp();
    let snoozed = false;
    const queue = new WorkQueue<string, string>(
      async (name) => {
        await clock.sleep(10);
        if (name === 'later' && !snoozed) {
          snoozed = true;
          throw new Snooze(50);
        }
        return name;
      },
      { runtime, workers: 1 },
    );
    for (const name of ['a', 'later', 'b']) await queue.add(name);
    const closing = queue.close({ drain: true });
    await expect(queue.add('late')).rejects.toMatchObject({ code: 'CLOSED' });
    await clock.runUntilIdle();
    expect(await closing).toEqual({
      accepted: 3,
      done: 3,
      dead: 0,
      cancelled: 0,
      released: 0,
      waiting: 0,
      abandoned: 0,
    });
  });

  it('ends by graceMs + abortMs, aborts in between, and tells whoever waits for a result', async () => {
    const { clock, runtime } = setUp();
    const { handler, signals } = gates();
    const queue = new WorkQueue(handler, { runtime, workers: 1 });
    const results = Promise.allSettled([queue.run('a'), queue.run('b'), queue.run('c', { delayMs: 1e6 })]);
    const closing = queue.close({ graceMs: 100, abortMs: 50 });
    await clock.advance(99);
    expect(signals[0]!.aborted).toBe(false);
    await clock.advance(1);
    expect(signals[0]!.aborted).toBe(true);
    await clock.advance(50);
    expect(await closing).toEqual({
      accepted: 3,
      done: 0,
      dead: 0,
      cancelled: 0,
      released: 1,
      waiting: 2,
      abandoned: 1,
    });
    for (const result of await results) expect(result).toMatchObject({ reason: { code: 'CLOSED' } });
    expect(clock.pending).toBe(0);
  });
});

describe('bad input', () => {
  const bad: readonly (readonly [string, Record<string, unknown>])[] = [
    ['agingMs', { agingMs: 0 }],
    ['keyLimit', { keyLimit: 1.5 }],
    ['keyOrder', { keyOrder: 'some' }],
    ['maxDead', { maxDead: -1 }],
    ['store', { store: {} }],
    ['workers', { workers: 0 }],
    ['min', { workers: { min: 3, max: 2 } }],
    ['tickMs', { elastic: { tickMs: 0 } }],
    ['attempts', { retry: { attempts: 0 } }],
    ['baseMs', { retry: { backoff: { baseMs: -1 } } }],
    ['budget', { budget: 5 }],
    ['maxCrashes', { maxCrashes: 0 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['patienceMs', { patienceMs: -1 }],
    ['onStuck', { onStuck: 'kill' }],
    ['maxQueued', { maxQueued: 0 }],
    ['overflow', { overflow: 'drop' }],
    ['rate', { rate: 5 }],
    ['rate.perMs', { rate: { max: 1 } }],
    ['lease.renewMs', { lease: { ms: 100, renewMs: 60 } }],
    ['pollMs', { pollMs: 0 }],
    ['paused', { paused: 1 }],
    ['signal', { signal: {} }],
    ['runtime', { runtime: 1 }],
    ['nonsense', { nonsense: 1 }],
    ['agingMs', { agingMs: 5, store: new MemoryQueueStore() }],
  ];
  it.each(bad)('the queue refuses %s', (name, options) => {
    const make = (): unknown => new WorkQueue(() => 1, options);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
    expect(make).toThrow(new RegExp(`\\b${name.replace('.', '\\.')}\\b.*(?:, got |; it has )`, 'u'));
  });

  const badJob: readonly (readonly [string, Record<string, unknown>])[] = [
    ['id', { id: '' }],
    ['key', { key: 5 }],
    ['priority', { priority: Number.NaN }],
    ['delayMs', { delayMs: -1 }],
    ['runAt', { runAt: 'tomorrow' }],
    ['dedupe', { dedupe: 'x' }],
    ['dedupe.id', { dedupe: {} }],
    ['mode', { dedupe: { id: 'x', mode: 'twice' } }],
    ['attempts', { attempts: 0 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['deadline', { deadline: 'soon' }],
    ['signal', { signal: {} }],
    ['type', { type: '' }],
    ['transfer', { transfer: 'x' }],
    ['nonsense', { nonsense: 1 }],
  ];
  it.each(badJob)('a job refuses %s', async (name, options) => {
    const { runtime } = setUp();
    const queue = new WorkQueue<string, string>(async (one) => one, { runtime });
    const pattern = new RegExp(`\\b${name.replace('.', '\\.')}\\b.*(?:, got |; it has )`, 'u');
    await expect(queue.add('a', options as never)).rejects.toThrow(pattern);
    await expect(queue.run('a', options as never)).rejects.toThrow(pattern);
    expect(queue.stats().accepted).toBe(0);
    await queue.close();
  });

  it('extend refuses what is no time', async () => {
    const { runtime } = setUp();
    const queue = new WorkQueue<number, void>((ms, { extend }) => extend(ms), { runtime, retry: { attempts: 1 } });
    for (const ms of [Number.NaN, -1, 0]) {
      await expect(queue.run(ms)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching('ms') as string,
      });
    }
    await queue.close();
  });
});
