import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { Job } from '../../src/queue/backlog/job.ts';
import { HeldLeases } from '../../src/queue/held-leases.ts';
import { Discard, MemoryQueueStore, type QueueStore, WorkQueue } from '../../src/queue/index.ts';

type Op = 'open' | 'put' | 'pull' | 'extend' | 'settle' | 'cancel' | 'counts' | 'close';
/** What a call does: nothing special, fail before or after it was done, or never answer. */
type Fate = 'well' | 'lost' | 'unknown' | 'hangs';

interface Remote {
  readonly store: QueueStore<string>;
  readonly calls: Op[];
  readonly batches: number[];
}

/** A memory store as if it were far away: each call takes a while, and may fare badly. */
function remote(
  inner: MemoryQueueStore<string>,
  clock: VirtualClock,
  fate: (op: Op, n: number) => Fate = () => 'well',
  delayMs: (n: number) => number = () => 2,
): Remote {
  const calls: Op[] = [];
  const batches: number[] = [];
  const call = async <T>(op: Op, fn: () => Promise<T>, size = 1): Promise<T> => {
    const n = calls.push(op);
    if (op === 'put') batches.push(size);
    const way = fate(op, n);
    await clock.sleep(delayMs(n));
    if (way === 'lost') throw new Error(`${op} was lost`);
    const answer = way === 'hangs' ? undefined : await fn();
    if (way === 'hangs') return new Promise<T>(() => undefined);
    await clock.sleep(delayMs(n + 1));
    if (way === 'unknown') throw new Error(`the answer of ${op} was lost`);
    return answer!;
  };
  const store: QueueStore<string> = {
    caps: inner.caps,
    dead: inner.dead,
    open: () => call('open', () => inner.open()),
    put: (jobs, room) => call('put', () => inner.put(jobs, room), jobs.length),
    pull: (max, leaseMs) => call('pull', () => inner.pull(max, leaseMs)),
    extend: (leases, leaseMs) => call('extend', () => inner.extend(leases, leaseMs)),
    settle: (outcomes) => call('settle', () => inner.settle(outcomes)),
    cancel: (ids) => call('cancel', () => inner.cancel(ids)),
    counts: () => call('counts', () => inner.counts()),
    wake: (onWake) => inner.wake(onWake),
    close: () => call('close', () => inner.close()),
  };
  return { store, calls, batches };
}

function setUp(): {
  readonly clock: VirtualClock;
  readonly runtime: { readonly clock: VirtualClock; readonly random: () => number };
  readonly inner: MemoryQueueStore<string>;
} {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(5) };
  return { clock, runtime, inner: new MemoryQueueStore<string>({ runtime, keyLimit: 1 }) };
}

const lease = { ms: 300, renewMs: 100 };

describe('a store behind promises', () => {
  it('adds of one turn are one batch, and results come back', async () => {
    const { clock, runtime, inner } = setUp();
    const { store, batches } = remote(inner, clock);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease, workers: 4 });
    await clock.advance(50);
    const results = Promise.all(Array.from({ length: 100 }, (_, i) => queue.run(String(i))));
    await clock.advance(5_000);
    expect(await results).toHaveLength(100);
    expect(batches).toEqual([100]);
    expect(queue.stats()).toMatchObject({ accepted: 100, done: 100, waiting: 0, delayed: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    expect(await closing).toMatchObject({ accepted: 100, done: 100, waiting: 0 });
    expect(clock.pending).toBe(0);
  });

  it('books of keys, delays and retries add up when nothing is under way', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    const failed = new Set<string>();
    const queue = new WorkQueue<string, string>(
      async (name) => {
        await clock.sleep(20);
        if (failed.has(name)) return name;
        failed.add(name);
        throw new Error('once');
      },
      { store, runtime, lease, workers: 3, budget: false, retry: { backoff: { baseMs: 40 } } },
    );
    await clock.advance(50);
    const jobs = Array.from({ length: 12 }, (_, i) =>
      queue.run(String(i), { key: `k${String(i % 2)}`, delayMs: i % 3 === 0 ? 100 : 0 }),
    );
    await clock.advance(20);
    let idleMs = -1;
    void queue.onIdle().then(() => (idleMs = clock.now()));
    await clock.advance(30_000);
    expect((await Promise.all(jobs)).length).toBe(12);
    expect(idleMs).toBeGreaterThan(12 * 20);
    expect(queue.stats()).toMatchObject({ accepted: 12, done: 12, waiting: 0, delayed: 0, leased: 0, retried: 12 });
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('what the store holds already is run at once, though nothing is added and there is no worker yet', async () => {
    const { clock, runtime, inner } = setUp();
    const jobs = ['a', 'b', 'c'].map((id) => ({ id, data: id }));
    await inner.put(jobs, { max: 10, overflow: 'reject' });
    const { store } = remote(inner, clock);
    const ran: string[] = [];
    const handler = async (name: string): Promise<void> => void ran.push(name);
    const workers = { min: 0, max: 2 };
    const queue = new WorkQueue<string, void>(handler, { store, runtime, lease, workers, pollMs: 60_000 });
    // Before the store is open nobody knows that there is nothing to do.
    let idleMs = -1;
    void queue.onIdle().then(() => (idleMs = clock.now()));
    await clock.advance(3);
    expect(idleMs).toBe(-1);
    await clock.advance(1_000);
    expect(ran).toEqual(['a', 'b', 'c']);
    expect(idleMs).toBeGreaterThan(3);
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('a count that is older than what was accepted since does not make it idle', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    const counts: QueueStore<string>['counts'] = async () => {
      const answer = await inner.counts();
      await clock.sleep(30);
      return answer;
    };
    const far = { ...store, counts };
    const queue = new WorkQueue<string, string>(async (name) => name, { store: far, runtime, lease, pollMs: 100 });
    await clock.advance(100);
    for (let ms = 0; ms < 150; ms += 5) {
      await clock.advance(ms);
      const order: string[] = [];
      void queue.run('a', { delayMs: 300 }).then(() => order.push('done'));
      await clock.advance(5);
      void queue.onIdle().then(() => order.push('idle'));
      await clock.advance(2_000);
      expect(order).toEqual(['done', 'idle']);
    }
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });

  it('more leases can be held than a call has arguments', async () => {
    const { clock, runtime } = setUp();
    let extended = 0;
    const extend = async (jobs: readonly unknown[]): Promise<readonly boolean[]> => {
      extended = jobs.length;
      return jobs.map(() => true);
    };
    const none = (): void => undefined;
    const held = new HeldLeases<number>(
      { extend, onError: none, onLost: none },
      { leaseMs: 300, renewMs: 100, runtime },
    );
    const count = 150_000;
    for (let i = 0; i < count; i++) held.add(new Job(i, i, 0, undefined), 0);
    await clock.advance(150);
    expect(extended).toBe(count);
    held.close();
    expect(clock.pending).toBe(0);
  });

  it('a store that cannot be opened lets those go who wait until nothing is there', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock, (op) => (op === 'open' ? 'lost' : 'well'));
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
    const idle = queue.onIdle();
    const refused = queue.add('a').catch((error: unknown) => (error as Error).message);
    await clock.advance(10);
    await idle;
    expect(await refused).toBe('open was lost');
  });

  it('leases are kept while a handler works, for longer than they last', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    let started = 0;
    const queue = new WorkQueue<string, string>(
      async (name) => {
        started++;
        await clock.sleep(5_000);
        return name;
      },
      { store, runtime, lease },
    );
    const result = queue.run('long');
    await clock.advance(6_000);
    expect(await result).toBe('long');
    expect(started).toBe(1);
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('a lease that cannot be kept aborts its handler, and what the handler says then changes nothing', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock, (op) => (op === 'extend' && clock.now() < 1_000 ? 'hangs' : 'well'));
    const seen: string[] = [];
    const lost: number[] = [];
    const queue = new WorkQueue<string, string>(
      async (name, { signal, attempt, fence }) => {
        seen.push(`${String(attempt)}/${String(fence)}`);
        if (attempt > 1) lost.push(clock.now());
        if (attempt > 1) return `${name}${String(attempt)}`;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        lost.push(clock.now());
        await clock.sleep(2_000);
        return 'too late';
      },
      { store, runtime, lease, workers: 2 },
    );
    queue.on('leaseLost', ({ attempt }) => lost.push(-attempt));
    const result = queue.run('job');
    await clock.advance(8_000);
    expect(await result).toBe('job2');
    expect(seen).toEqual(['1/1', '2/2']);
    expect(lost[0]).toBe(-1);
    expect(lost[1]).toBeLessThanOrEqual(320);
    expect(lost[2]).toBeGreaterThan(lost[1]!); // before the store gives it to somebody else
    expect(queue.stats()).toMatchObject({ accepted: 1, done: 1, waiting: 0, leased: 0 });
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  it('what a store did not take is sent again while the lease lasts', async () => {
    const { clock, runtime, inner } = setUp();
    let fails = 3;
    const { store } = remote(inner, clock, (op) => (op === 'settle' && fails-- > 0 ? 'lost' : 'well'));
    const errors: unknown[] = [];
    let started = 0;
    const queue = new WorkQueue<string, string>(async (name) => name + String(++started), {
      store,
      runtime,
      lease: { ms: 3_000 },
    });
    queue.on('storeError', ({ error }) => errors.push(error));
    const result = queue.run('a');
    await clock.advance(10_000);
    expect(await result).toBe('a1');
    expect(errors).toHaveLength(3);
    void queue.close();
    await clock.advance(20_000);
  });

  it.each([1, 2])('a settlement of which %d answers are lost was one', async (times) => {
    for (const kind of ['done', 'dead'] as const) {
      const { clock, runtime, inner } = setUp();
      let lost = times;
      const { store } = remote(inner, clock, (op) => (op === 'settle' && lost-- > 0 ? 'unknown' : 'well'));
      const work = async (name: string): Promise<string> => {
        if (kind === 'dead') throw new Discard('unreadable');
        return name;
      };
      const queue = new WorkQueue<string, string>(work, { store, runtime, lease: { ms: 3_000 } });
      const told: unknown[] = [];
      queue.run('a').then(
        (value) => told.push(value),
        (error: unknown) => told.push((error as Error).message),
      );
      await clock.advance(10_000);
      expect(told).toEqual([kind === 'done' ? 'a' : 'unreadable']);
      expect(queue.stats()).toMatchObject({ accepted: 1, [kind]: 1, waiting: 0, leased: 0, started: 1 });
      const closing = queue.close();
      await clock.advance(20_000);
      await closing;
    }
  });

  it('a job that is pulled again before its settlement is answered is one job, run once at a time', async () => {
    const { clock, runtime, inner } = setUp();
    // As of a log on a busy disk: what is settled can be pulled at once, but the answer waits for the disk.
    const settle: QueueStore<string>['settle'] = async (outcomes) => {
      const answers = await inner.settle(outcomes);
      await clock.sleep(100);
      return answers;
    };
    const store: QueueStore<string> = {
      ...{ caps: inner.caps, dead: inner.dead, settle },
      open: () => inner.open(),
      put: (jobs, room) => inner.put(jobs, room),
      pull: (max, leaseMs) => inner.pull(max, leaseMs),
      extend: (leases, leaseMs) => inner.extend(leases, leaseMs),
      cancel: (ids) => inner.cancel(ids),
      counts: () => inner.counts(),
      wake: (onWake) => inner.wake(onWake),
      close: () => inner.close(),
    };
    const told: string[] = [];
    const queue = new WorkQueue<string>(
      async (id, { attempt }) => {
        told.push(`${id} starts ${String(attempt)}`);
        await clock.sleep(5);
        if (attempt < 4) throw new Error('not yet');
      },
      { store, workers: 4, retry: { attempts: 9, backoff: { baseMs: 10, maxMs: 10 } }, budget: false, runtime },
    );
    const books = (): readonly number[] => {
      const { accepted, waiting, delayed, leased, done, dead, cancelled } = queue.stats();
      return [accepted, waiting + delayed + leased + done + dead + cancelled];
    };
    queue.on('retry', ({ id, attempt }) => told.push(`${id} again after ${String(attempt)}`));
    queue.on('done', ({ id, attempt }) => told.push(`${id} done ${String(attempt)}`));
    const ids = ['a', 'b', 'c'];
    for (const id of ids) await queue.add(id, { id });
    for (let ms = 0; ms < 5_000; ms += 5) {
      await clock.advance(5);
      const [accepted, accountedFor] = books();
      expect(accountedFor).toBe(accepted);
    }
    const attempts = [1, 2, 3].flatMap((n) => [`starts ${String(n)}`, `again after ${String(n)}`]);
    for (const id of ids) {
      const ofIt = told.filter((text) => text.startsWith(id)).map((text) => text.slice(2));
      expect(ofIt).toEqual([...attempts, 'starts 4', 'done 4']);
    }
    expect(queue.stats()).toMatchObject({ done: 3, retried: 9, started: 12 });
    const closed = queue.close();
    await clock.advance(1_000);
    await closed;
  });

  it('a deadline that passes while the job waits is told, and one of a consumer whose lease is lost is booked', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock, (op) => (op === 'extend' ? 'lost' : 'well'));
    const queue = new WorkQueue<string, string>(undefined, { store, runtime, lease });
    const late = queue.run('late', { delayMs: 1_000, deadline: 200 });
    const failed = expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await clock.advance(400);
    await failed;
    const reader = queue.consume()[Symbol.asyncIterator]();
    const next = reader.next();
    void queue.add('held');
    await clock.advance(100);
    expect((await next).value).toMatchObject({ value: 'held' });
    await clock.advance(1_000);
    expect(queue.stats().leased).toBe(0);
    const closing = queue.close({ graceMs: 100 });
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it.each([0, 40])(
    'a deadline is told whenever it passes, be it while a retry is on its way to the store: %d ms after it was added',
    async (lateMs) => {
      for (let deadline = lateMs + 5; deadline < lateMs + 100; deadline += 3) {
        const { clock, runtime, inner } = setUp();
        const { store } = remote(inner, clock, undefined, () => 10);
        // The store counts from when it hears of the job.
        const put: QueueStore<string>['put'] = async (jobs, room) => {
          await clock.sleep(lateMs);
          return store.put(jobs, room);
        };
        const work = async (): Promise<string> => {
          throw new Error('once more');
        };
        const retry = { attempts: 99, backoff: { baseMs: 1, maxMs: 1 } };
        const options = { store: { ...store, put }, runtime, lease, workers: 2, budget: false as const, retry };
        const queue = new WorkQueue<string, string>(work, options);
        await clock.advance(100);
        const told: unknown[] = [];
        const fromMs = clock.now();
        let tookMs = 0;
        queue.run('a', { deadline }).catch((error: unknown) => {
          told.push((error as { readonly code?: unknown }).code);
          tookMs = clock.now() - fromMs;
        });
        await clock.advance(2_000);
        expect(told).toEqual(['DEADLINE_EXCEEDED']);
        // As soon as the question is answered that is under way then.
        expect(tookMs).toBeLessThanOrEqual(Math.max(deadline, lateMs + 20) + 20);
        expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, delayed: 0, leased: 0, active: 0 });
        const closing = queue.close();
        await clock.advance(20_000);
        await closing;
        expect(clock.pending).toBe(0);
      }
    },
  );

  it('a deadline that passes while a job that was pulled waits to be started is told then', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
    await clock.advance(50);
    let toldMs = -1;
    queue.run('a', { deadline: 100 }).catch(() => (toldMs = clock.now()));
    await clock.advance(5); // the store has handed it out, and its answer is on its way
    queue.pause();
    await clock.advance(500);
    expect((await inner.counts()).dead).toBe(1);
    expect(toldMs).toBe(154);
    expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, leased: 0, started: 0 });
    const closing = queue.close();
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('a cancel that comes while the job is being pulled stops it', async () => {
    for (let ms = 0; ms <= 12; ms++) {
      const { clock, runtime, inner } = setUp();
      const { store } = remote(inner, clock);
      const work = (_: string, { signal }: { readonly signal: AbortSignal }): Promise<string> =>
        clock.sleep(50, signal).then(() => 'done');
      const queue = new WorkQueue<string, string>(work, { store, runtime, lease });
      await clock.advance(50);
      const told: unknown[] = [];
      queue.run('a', { id: 'x' }).then(
        (value) => told.push(value),
        (error: unknown) => told.push((error as { readonly code?: unknown }).code),
      );
      await clock.advance(ms);
      void queue.cancel('x').then((was) => told.push(was));
      await clock.advance(200);
      expect(told.sort()).toEqual(['CANCELLED', true].sort());
      expect(queue.stats()).toMatchObject({ accepted: 1, cancelled: 1, waiting: 0, leased: 0, active: 0 });
      const closing = queue.close();
      await clock.advance(20_000);
      await closing;
      expect(clock.pending).toBe(0);
    }
  });

  it('a signal takes a job back though the store was not reached the first time, or has thrown', async () => {
    for (const throws of [false, true]) {
      const { clock, runtime, inner } = setUp();
      let lost = 1;
      const { store } = remote(inner, clock, (op) => (op === 'cancel' && lost-- > 0 ? 'lost' : 'well'));
      const cancel: QueueStore<string>['cancel'] = (ids) => {
        if (throws && lost-- > 0) throw new Error('no connection');
        return store.cancel(ids);
      };
      const queue = new WorkQueue<string, string>(async (name) => name, {
        ...{ store: { ...store, cancel }, runtime, lease },
      });
      await clock.advance(50);
      const controller = new AbortController();
      const told: unknown[] = [];
      const errors: unknown[] = [];
      queue.on('storeError', ({ error }) => errors.push(error));
      queue.run('a', { delayMs: 1_000, signal: controller.signal }).catch((error: unknown) => told.push(error));
      await clock.advance(50);
      const reason = new Error('enough');
      controller.abort(reason);
      await clock.advance(100);
      expect(told).toEqual([reason]);
      expect(errors).toHaveLength(1);
      await clock.advance(5_000);
      expect(queue.stats()).toMatchObject({ accepted: 1, cancelled: 1, started: 0, waiting: 0, delayed: 0 });
      const closing = queue.close();
      await clock.advance(20_000);
      await closing;
      expect(clock.pending).toBe(0);
    }
  });

  it('one that takes the place of another has its own deadline and its own signal', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
    await clock.advance(50);
    const dedupe = { id: 'd', mode: 'replace' } as const;
    const told: unknown[] = [];
    const hear = (promise: Promise<unknown>): void => {
      promise.then(
        (value) => told.push(value),
        (error: unknown) => told.push((error as Error).message),
      );
    };
    hear(queue.run('a', { dedupe, delayMs: 1_000, deadline: 500 }));
    await clock.advance(20);
    hear(queue.run('b', { dedupe, delayMs: 1_000 }));
    await clock.advance(2_000);
    expect(told).toEqual(['b', 'b']);
    const controller = new AbortController();
    hear(queue.run('c', { dedupe, delayMs: 1_000 }));
    await clock.advance(20);
    hear(queue.run('d', { dedupe, delayMs: 1_000, signal: controller.signal }));
    await clock.advance(20);
    controller.abort(new Error('enough'));
    await clock.advance(50);
    expect(told.slice(2)).toEqual(['enough', 'enough']);
    await clock.advance(2_000); // a count may be older than what has come of a job since
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 1, cancelled: 1, waiting: 0, delayed: 0 });
    const closing = queue.close();
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it.each([
    [undefined, ['b', 'b']],
    [2_000, ['b', 'b']],
    [300, ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']],
  ])('one that takes the place of another with a deadline of 500 ms ends with its own, %s', async (deadline, ends) => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock);
    const work = async (name: string, { signal }: { readonly signal: AbortSignal }): Promise<string> => {
      await clock.sleep(200, signal);
      return name;
    };
    const queue = new WorkQueue<string, string>(work, { store, runtime, lease });
    await clock.advance(50);
    const dedupe = { id: 'd', mode: 'replace' } as const;
    const told: unknown[] = [];
    const add = (name: string, deadline?: number): void => {
      queue.run(name, { dedupe, delayMs: 400, ...(deadline !== undefined && { deadline }) }).then(
        (value) => told.push(value),
        (error: unknown) => told.push((error as { readonly code?: unknown }).code),
      );
    };
    add('a', 500);
    await clock.advance(20);
    add('b', deadline);
    await clock.advance(2_500);
    expect(told).toEqual(ends);
    const closing = queue.close();
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('a deadline is kept of a job whose lease was lost', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock, (op) => (op === 'extend' && clock.now() < 500 ? 'lost' : 'well'));
    let started = 0;
    const queue = new WorkQueue<string, string>(
      async (name, { signal }) => {
        await clock.sleep(started++ === 0 ? 500 : 5_000, signal);
        return name;
      },
      { store, runtime, lease, workers: 2, budget: false, maxCrashes: 9 },
    );
    await clock.advance(100);
    const told: unknown[] = [];
    queue.run('a', { deadline: 2_000 }).catch((error: unknown) => {
      told.push((error as { readonly code?: unknown }).code);
    });
    await clock.advance(2_200);
    expect(told).toEqual(['DEADLINE_EXCEEDED']);
    expect(started).toBe(2);
    expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, leased: 0, active: 0 });
    const closing = queue.close();
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('close hands over what is left, and leaves a store that does not answer', async () => {
    for (const hangs of [false, true]) {
      const { clock, runtime, inner } = setUp();
      const from = { ms: Infinity };
      const { store, calls } = remote(inner, clock, (op) =>
        hangs && clock.now() >= from.ms && op !== 'open' ? 'hangs' : 'well',
      );
      const queue = new WorkQueue<string, string>(() => new Promise(() => undefined), {
        store,
        runtime,
        lease: { ms: 60_000 },
        workers: 2,
      });
      const results = Promise.allSettled(['a', 'b', 'c'].map((name) => queue.run(name)));
      await clock.advance(100);
      expect(queue.stats()).toMatchObject({ leased: 2, waiting: 1 });
      from.ms = clock.now();
      let endedMs = -1;
      const closing = queue.close({ graceMs: 50, abortMs: 50 });
      void closing.then(() => (endedMs = clock.now()));
      await clock.advance(2_000);
      expect(endedMs - from.ms).toBeLessThanOrEqual(160);
      const { accepted, done, released, waiting, abandoned } = await closing;
      expect({ accepted, done, abandoned, left: released + waiting }).toEqual({
        accepted: 3,
        done: 0,
        abandoned: 2,
        left: 3,
      });
      expect((await results).every(({ status }) => status === 'rejected')).toBe(true);
      if (hangs) continue;
      expect(calls.at(-1)).toBe('close');
      expect(await inner.counts()).toMatchObject({ waiting: 3, leased: 0 });
      expect((await inner.pull(3, 1_000)).map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
      expect(clock.pending).toBe(0);
    }
  });
});

it('at least once, wherever between two calls of the store the process ends', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (let crashAt = 1; ; crashAt++) {
    for (const fate of ['hangs', 'lost'] as const) {
      const { clock, runtime, inner } = setUp();
      const done = new Map<string, number>();
      const accepted = new Set<string>();
      let alive = true as boolean;
      // From its end on a process asks nothing more; whether its last call was done is the difference of the two.
      const first = remote(inner, clock, (_, n) => {
        if (n >= crashAt) alive = false;
        return n > crashAt || (n === crashAt && fate === 'lost') ? 'hangs' : 'well';
      });
      const blocked: QueueStore<string> = {
        ...first.store,
        put: (...args) => (alive ? first.store.put(...args) : new Promise(() => undefined)),
        pull: (...args) => (alive ? first.store.pull(...args) : new Promise(() => undefined)),
        extend: (...args) => (alive ? first.store.extend(...args) : new Promise(() => undefined)),
        settle: (...args) => (alive ? first.store.settle(...args) : new Promise(() => undefined)),
        counts: (...args) => (alive ? first.store.counts(...args) : new Promise(() => undefined)),
      };
      const work = (which: () => boolean) => async (name: string, context: { readonly attempt: number }) => {
        await clock.sleep(30);
        if (name === 'c' && context.attempt === 1) throw new Error('once');
        if (which()) done.set(name, (done.get(name) ?? 0) + 1);
        return name;
      };
      const options = { runtime, lease, workers: 2, budget: false, retry: { backoff: { baseMs: 20 } } } as const;
      const one = new WorkQueue<string, string>(
        work(() => alive),
        { ...options, store: blocked },
      );
      for (const name of names) {
        one.add(name, { id: name }).then(
          () => accepted.add(name),
          () => undefined,
        );
        await clock.advance(3);
      }
      await clock.advance(2_000);
      const two = new WorkQueue<string, string>(
        work(() => true),
        { ...options, store: remote(inner, clock).store },
      );
      await clock.advance(5_000);
      for (const name of accepted) {
        if (!done.has(name)) expect.fail(`${name} was accepted and lost: crash ${fate} at call ${String(crashAt)}`);
      }
      expect(await inner.counts()).toMatchObject({ waiting: 0, delayed: 0, leased: 0, dead: 0 });
      expect(two.stats().leased).toBe(0);
      if (alive) {
        expect(crashAt).toBeGreaterThan(15);
        return;
      }
    }
    if (crashAt > 60) return;
  }
});

it('a day of mixed load in virtual time leaves nothing behind', async () => {
  for (const far of [false, true]) {
    const { clock, runtime, inner } = setUp();
    const random = seededRandom(9);
    const queue = new WorkQueue<string, string>(
      async (name, { signal }) => {
        await clock.sleep(random() * 400, signal);
        if (random() < 0.1) throw new Error('now and then');
        return name;
      },
      {
        store: far ? remote(inner, clock).store : inner,
        runtime,
        lease: { ms: 10_000 },
        timeoutMs: 390,
        workers: { min: 0, max: 8 },
        maxQueued: 50,
      },
    );
    const dayMs = 24 * 3_600_000;
    let most = 0;
    while (clock.now() < dayMs) {
      for (let left = Math.floor(random() * 8); left > 0; left--) {
        const options = {
          ...(random() < 0.3 && { key: `k${String(Math.floor(random() * 1e6))}` }),
          ...(random() < 0.2 && { delayMs: random() * 60_000 }),
          ...(random() < 0.2 && { deadline: random() * 5_000 }),
          ...(random() < 0.1 && { priority: Math.floor(random() * 1_000) }),
        };
        const adding = queue.add(String(left), options);
        if (random() < 0.1) void adding.then((job) => job.cancel());
      }
      await clock.advance(30_000 * random() * 2);
      most = Math.max(most, clock.pending);
      const { blocked, active, leased } = queue.stats();
      expect(blocked).toBe(0);
      expect(active).toBeLessThanOrEqual(Math.min(8, leased));
    }
    await clock.advance(600_000);
    expect(queue.stats()).toMatchObject({ waiting: 0, delayed: 0, leased: 0, active: 0, workers: 0 });
    expect(most).toBeLessThan(40);
    expect(clock.pending).toBeLessThanOrEqual(far ? 1 : 0); // the poll
    const { accepted, done, dead, cancelled } = queue.stats();
    expect(accepted).toBeGreaterThan(8_000);
    expect(done + dead + cancelled).toBe(accepted);
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  }
}, 120_000);

it.each(['is paused', 'has a reader less'])(
  'what was pulled and cannot be started is given back, without a charge, when the queue %s: another has it then',
  async (what) => {
    const { clock, runtime, inner } = setUp();
    const store = { ...remote(inner, clock).store, caps: { ...inner.caps, shared: true } };
    const ran: unknown[] = [];
    const work = async (name: string, { attempt }: { readonly attempt: number }): Promise<void> => {
      ran.push([name, attempt]);
    };
    const options = { store, runtime, lease };
    const one = new WorkQueue<string, void>(what === 'is paused' ? work : undefined, options);
    await clock.advance(50);
    const reader = one.consume()[Symbol.asyncIterator]();
    if (what !== 'is paused') void reader.next();
    void one.add('a');
    await clock.advance(5); // the store has handed it out, and its answer is on its way
    if (what === 'is paused') one.pause();
    else void reader.return?.();
    await clock.advance(50);
    const other = new WorkQueue<string, void>(work, options);
    await clock.advance(5_000);
    expect(ran).toEqual([['a', 1]]);
    expect(other.stats()).toMatchObject({ done: 1, waiting: 0 });
    const closing = Promise.all([one.close(), other.close()]);
    await clock.advance(20_000);
    await closing;
    expect(clock.pending).toBe(0);
  },
);

it('what was pulled before the answer to a question about it is given back at the end, not left until its lease runs out', async () => {
  for (let ms = 0; ms <= 30; ms++) {
    const { clock, runtime, inner } = setUp();
    const { store, calls } = remote(inner, clock, undefined, (n) => (n % 3) * 5);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
    await clock.advance(50);
    for (const name of ['a', 'b', 'c']) queue.run(name, { id: 'x' }).catch(() => undefined);
    await clock.advance(ms);
    const closing = queue.close({ graceMs: 0, abortMs: 100 });
    await clock.advance(5_000);
    await closing;
    expect(calls.at(-1)).toBe('close');
    for (const { crashes } of await inner.pull(1, 1_000)) expect(crashes).toBe(0);
    expect(clock.pending).toBe(0);
  }
});

it('a job that waits and is leased with what has taken its place has the deadline and the signal of that, also when the put is answered after the pull', async () => {
  for (const what of ['has', 'had'] as const) {
    for (let slowMs = 0; slowMs < 30; slowMs += 3) {
      const { clock, runtime, inner } = setUp();
      const { store } = remote(inner, clock);
      const put: QueueStore<string>['put'] = async (...args) => {
        const answer = await store.put(...args);
        await clock.sleep(slowMs);
        return answer;
      };
      const work = async (name: string, { signal }: { readonly signal: AbortSignal }): Promise<string> => {
        await clock.sleep(200, signal);
        return name;
      };
      const queue = new WorkQueue<string, string>(work, { store: { ...store, put }, runtime, lease, workers: 2 });
      await clock.advance(50);
      const dedupe = { id: 'd', mode: 'replace' } as const;
      const first = new AbortController();
      const second = new AbortController();
      const told: unknown[] = [];
      const add = (name: string, options: object): void => {
        queue.run(name, { dedupe, ...options }).then(
          (value) => told.push(value),
          (error: unknown) => told.push((error as { readonly code?: unknown }).code ?? (error as Error).message),
        );
      };
      add('a', { delayMs: 10_000, signal: first.signal, ...(what === 'had' && { deadline: 100 }) });
      await clock.advance(45);
      add('b', { signal: second.signal, ...(what === 'has' && { deadline: 100 }) });
      await clock.advance(slowMs + 30);
      first.abort(new Error('not of this one'));
      await clock.advance(1_000);
      expect(told).toEqual(what === 'has' ? ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'] : ['b', 'b']);
      expect(queue.stats()).toMatchObject({ accepted: 1, waiting: 0, delayed: 0, leased: 0, active: 0 });
      const closing = queue.close();
      await clock.advance(20_000);
      await closing;
      expect(clock.pending).toBe(0);
    }
  }
});

describe('an id that comes back while the end of its last job is on its way', () => {
  it.each(Array.from({ length: 25 }, (_, i) => i / 2))(
    '%d ms after the first was added: both results come',
    async (ms) => {
      const { clock, runtime, inner } = setUp();
      const { store } = remote(inner, clock);
      const seen: string[] = [];
      const queue = new WorkQueue<string, string>(
        async (text) => {
          seen.push(text);
          return text;
        },
        { store, runtime, lease, workers: 2 },
      );
      await clock.advance(50);
      const told: string[] = [];
      const add = (text: string): void => {
        queue.run(text, { id: 'x' }).then(
          (value) => told.push(`${text} → ${value}`),
          (error: unknown) => told.push(String(error)),
        );
      };
      add('a');
      await clock.advance(ms);
      add('b');
      await clock.advance(2_000);
      // A duplicate has the end of the one that lives.
      expect(told.sort()).toEqual(seen.length === 2 ? ['a → a', 'b → b'] : ['a → a', 'b → a']);
      const { accepted, done, waiting, delayed, leased } = queue.stats();
      expect({ accepted, done, waiting, delayed, leased }).toEqual({
        accepted: seen.length,
        done: seen.length,
        waiting: 0,
        delayed: 0,
        leased: 0,
      });
      const closing = queue.close();
      await clock.advance(5_000);
      await closing;
    },
  );

  it('one that has died is not run again: whoever adds it hears so, also where another process gave it up', async () => {
    const { clock, runtime, inner } = setUp();
    const outcome = async (text: string): Promise<unknown> => {
      const { store } = remote(inner, clock);
      const ran: string[] = [];
      const queue = new WorkQueue<string, string>(
        async (data) => {
          ran.push(data);
          throw new Discard('unreadable');
        },
        { store, runtime, lease },
      );
      const told = queue.run(text, { id: 'x' }).catch((error: unknown) => error);
      await clock.advance(1_000);
      const handle = queue.add(text, { id: 'x' });
      await clock.advance(1_000);
      const again = (await handle).result.catch((error: unknown) => error);
      await clock.advance(1_000);
      const closing = queue.close();
      await clock.advance(5_000);
      await closing;
      return [ran, String(await told), String(await again)];
    };
    const dead = 'HoldfastError: job x was given up before: Error: unreadable';
    expect(await outcome('a')).toEqual([['a'], 'Error: unreadable', dead]);
    expect(await outcome('b')).toEqual([[], dead, dead]);
  });

  it('however often it comes back, however long the store takes, and however often it is to be tried: each is told', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.constantFrom('done', 'done', 'retry', 'dies'), { maxLength: 20 }),
        async (pauses, delays, ends) => {
          const { clock, runtime, inner } = setUp();
          const { store } = remote(inner, clock, undefined, (n) => delays[n % delays.length]!);
          let ran = 0;
          const queue = new WorkQueue<number, number>(
            async (n) => {
              ran++;
              const end = ends[ran - 1] ?? 'done';
              if (end === 'done') return n;
              throw end === 'dies' ? new Discard('so be it') : new Error('once more');
            },
            {
              store: store as unknown as QueueStore<number>,
              runtime,
              lease,
              workers: 3,
              budget: false,
              retry: { attempts: 50, backoff: { baseMs: 1, maxMs: 5 } },
            },
          );
          let told = 0;
          const hear = (): void => {
            told++;
          };
          for (const ms of pauses) {
            queue.run(ran, { id: 'x' }).then(hear, hear);
            await clock.advance(ms);
          }
          await clock.advance(60_000);
          expect(told).toBe(pauses.length);
          const { accepted, done, dead, waiting, delayed, leased } = queue.stats();
          expect({ waiting, delayed, leased, ended: done + dead }).toEqual({
            waiting: 0,
            delayed: 0,
            leased: 0,
            ended: accepted,
          });
          const closing = queue.close();
          await clock.advance(60_000);
          await closing;
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: runs(3) },
    );
  });
});

describe('one that was given up and put back is in the books once', () => {
  it.each([
    ['is added again', false],
    ['is taken back', false],
    ['gives way to another', false],
    ['comes before the store has said that it was put back', true],
  ])('when it %s', async (what, isSlow) => {
    for (const shared of [false, true]) {
      const { clock, runtime, inner } = setUp();
      const redrive = async (ids?: readonly string[]): Promise<number> => {
        const count = await inner.dead.redrive(ids);
        if (isSlow) await clock.sleep(100);
        return count;
      };
      const store: QueueStore<string> = {
        ...remote(inner, clock).store,
        dead: { ...inner.dead, redrive },
        caps: { ...inner.caps, shared },
      };
      let good = false;
      const queue = new WorkQueue<string, string>(
        async (name) => {
          if (!good) throw new Discard('unreadable');
          return name;
        },
        { store, runtime, lease, maxQueued: 1, overflow: 'dropOldest' },
      );
      await clock.advance(50);
      queue.run('a', { id: 'x' }).catch(() => undefined);
      await clock.advance(50);
      expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1 });
      good = true;
      if (!isSlow) queue.pause();
      void queue.dead.redrive();
      await clock.advance(50);
      const told: string[] = [];
      if (what === 'is added again') void queue.run('b', { id: 'x' }).then((value) => told.push(value));
      if (what === 'is taken back') expect(await Promise.all([queue.cancel('x'), clock.advance(50)])).toContain(true);
      if (what === 'gives way to another') void queue.run('y').then((value) => told.push(value));
      await clock.advance(50);
      queue.resume();
      await clock.advance(5_000);
      const { accepted, done, dead, cancelled, waiting, leased } = queue.stats();
      expect({ accepted, done, dead, cancelled, waiting, leased }).toEqual({
        accepted: what === 'gives way to another' ? 2 : 1,
        done: what === 'is taken back' ? 0 : 1,
        cancelled: what === 'is taken back' || what === 'gives way to another' ? 1 : 0,
        ...{ dead: 0, waiting: 0, leased: 0 },
      });
      expect(told).toEqual(what === 'is added again' ? ['a'] : what === 'gives way to another' ? ['y'] : []);
      const closing = queue.close();
      await clock.advance(5_000);
      expect((await closing).waiting).toBe(0);
    }
  });
});

describe('whoever adds an id that the store has already is told, also when asked for late', () => {
  it.each([300, 998, 1_000, 1_002, 1_004, 1_010, 2_000])(
    'of one whose deadline has passed here before the store comes to it: %d ms',
    async (ms) => {
      const { clock, runtime, inner } = setUp();
      const { store } = remote(inner, clock);
      const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
      const codes: unknown[] = [];
      const add = (): void => {
        queue.run('a', { id: 'x', delayMs: 1_000, deadline: 200 }).catch((error: unknown) => {
          codes.push((error as { readonly code?: unknown }).code);
        });
      };
      add();
      await clock.advance(ms);
      add();
      await clock.advance(10_000);
      expect(codes).toEqual(['DEADLINE_EXCEEDED', 'JOB_DEAD']);
      expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, delayed: 0, leased: 0 });
      const closing = queue.close();
      await clock.advance(5_000);
      await closing;
    },
  );

  it('of one whose deadline the store has seen pass first, for it has waited for room: it is dead once, as expired', async () => {
    const { clock, runtime, inner } = setUp();
    const { store } = remote(inner, clock, undefined, () => 0);
    const call = <A extends unknown[], T>(fn: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => fn;
    const near: QueueStore<string> = {
      ...store,
      put: call((jobs, room) => inner.put(jobs, room)),
      pull: call((max, leaseMs) => inner.pull(max, leaseMs)),
      settle: call((outcomes) => inner.settle(outcomes)),
    };
    const queue = new WorkQueue<string, string>(async (name) => name, {
      ...{ store: near, runtime, lease, maxQueued: 1, paused: true },
    });
    await clock.advance(10);
    await queue.add('first');
    const codes: unknown[] = [];
    for (const deadline of [5, undefined]) {
      queue.run('a', { id: 'x', deadline }).catch((error: unknown) => {
        codes.push((error as { readonly code?: unknown }).code);
      });
    }
    await clock.advance(10);
    queue.resume();
    await clock.advance(5_000);
    expect(codes).toEqual(['DEADLINE_EXCEEDED', 'JOB_DEAD']);
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 1, dead: 1, waiting: 0, delayed: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });

  it.each([0, 300])(
    'of one whose deadline nobody here knows: the answer to its put was lost, %d ms before',
    async (delayMs) => {
      const { clock, runtime, inner } = setUp();
      let lost = 1;
      const { store } = remote(inner, clock, (op) => (op === 'put' && lost-- > 0 ? 'unknown' : 'well'));
      const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease, paused: true });
      await clock.advance(50);
      const codes: unknown[] = [];
      const options = { id: 'x', delayMs, deadline: 200 };
      queue.run('a', options).catch(() => {
        queue.run('a', options).catch((error: unknown) => {
          codes.push((error as { readonly code?: unknown }).code);
        });
      });
      await clock.advance(10_000);
      queue.resume();
      await clock.advance(10_000);
      expect(codes).toEqual(['DEADLINE_EXCEEDED']);
      expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, delayed: 0, leased: 0 });
      const closing = queue.close();
      await clock.advance(5_000);
      await closing;
      expect(clock.pending).toBe(0);
    },
  );

  it.each([0, 50])(
    'of what has taken the place of one whose deadline has passed here, whose put is answered %d ms late',
    async (ms) => {
      const { clock, runtime, inner } = setUp();
      const { store } = remote(inner, clock);
      // As of a log on a busy disk: what is put can be pulled at once, but the answer waits for the disk.
      const put: QueueStore<string>['put'] = async (jobs, room) => {
        const answer = await inner.put(jobs, room);
        await clock.sleep(ms);
        return answer;
      };
      const pull: QueueStore<string>['pull'] = (max, leaseMs) => inner.pull(max, leaseMs);
      const near = { ...store, put, pull };
      const queue = new WorkQueue<string, string>(async (name) => name, { store: near, runtime, lease });
      await clock.advance(50);
      const dedupe = { id: 'd', mode: 'replace' } as const;
      queue.run('a', { dedupe, delayMs: 5_000, deadline: 100 }).catch(() => undefined);
      await clock.advance(300);
      const told: unknown[] = [];
      queue.run('b', { dedupe, deadline: 1_000 }).then(
        (value) => told.push(value),
        (error: unknown) => told.push(error),
      );
      await clock.advance(20_000);
      expect(told).toEqual(['b']);
      expect(queue.stats()).toMatchObject({ accepted: 2, done: 1, dead: 1, waiting: 0, delayed: 0, leased: 0 });
      const closing = queue.close();
      await clock.advance(5_000);
      await closing;
      expect(clock.pending).toBe(0);
    },
  );

  it.each(['on its way here', 'behind a question about it'])(
    'and nothing is idle while the job is %s',
    async (where) => {
      for (let ms = 0; ms < 30; ms += 2) {
        const { clock, runtime, inner } = setUp();
        const { store } = remote(inner, clock);
        const pull: QueueStore<string>['pull'] = async (...args) => {
          const jobs = await store.pull(...args);
          if (where === 'on its way here' && jobs.length > 0) await clock.sleep(50);
          return jobs;
        };
        let puts = 0;
        const put: QueueStore<string>['put'] = async (...args) => {
          const results = await store.put(...args);
          if (where !== 'on its way here' && puts++ > 0) await clock.sleep(50);
          return results;
        };
        const far = { ...store, put, pull };
        const queue = new WorkQueue<string, string>(async (name) => name, { store: far, runtime, lease, pollMs: 20 });
        await clock.advance(50 + ms);
        const order: string[] = [];
        const run = (): void => void queue.run('a', { id: 'x' }).then((value) => order.push(value));
        run();
        await clock.advance(5);
        if (where !== 'on its way here') run();
        void queue.onIdle().then(() => order.push('idle'));
        await clock.advance(5_000);
        expect(order.at(-1)).toBe('idle');
        const closing = queue.close();
        await clock.advance(5_000);
        await closing;
      }
    },
  );

  it('of one that waits there since an earlier process', async () => {
    const { clock, runtime, inner } = setUp();
    await inner.put([{ id: 'x', data: 'first' }], { max: 10, overflow: 'reject' });
    const { store } = remote(inner, clock);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease, paused: true });
    const adding = queue.add('again', { id: 'x' });
    await clock.advance(50);
    queue.resume();
    await clock.advance(1_000);
    const { duplicate, result } = await adding;
    const told: unknown[] = [duplicate];
    void result.then((value) => told.push(value));
    await clock.advance(1_000);
    expect(told).toEqual([true, 'first']);
    expect(queue.stats()).toMatchObject({ accepted: 1, done: 1, waiting: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });

  it('a settlement of the store for one whose deadline has passed is lost: it is dead once', async () => {
    const { clock, runtime, inner } = setUp();
    let fails = 1;
    // One that hands out also what is of no use any more: it is for its queue to give it up.
    const put: QueueStore<string>['put'] = (jobs, room) =>
      inner.put(
        jobs.map((job) => ({ ...job, expiresInMs: undefined })),
        room,
      );
    const pull: QueueStore<string>['pull'] = async (max, leaseMs) =>
      (await inner.pull(max, leaseMs)).map((job) => ({ ...job, expiresInMs: 200 - clock.now() }));
    const { store } = remote(inner, clock, (op) => (op === 'settle' && fails-- > 0 ? 'lost' : 'well'));
    const queue = new WorkQueue<string, string>(async (name) => name, {
      store: { ...store, put, pull },
      runtime,
      lease,
    });
    const dead: string[] = [];
    queue.on('dead', ({ id }) => dead.push(id));
    queue.run('a', { id: 'x', delayMs: 1_000, deadline: 200 }).catch(() => undefined);
    await clock.advance(20_000);
    expect(dead).toEqual(['x']);
    expect(queue.stats()).toMatchObject({ accepted: 1, dead: 1, waiting: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });
});

describe('an answer of the store that comes late', () => {
  /** A far store of which one call takes longer to be answered, the first time or always. */
  const lateIn = (
    clock: VirtualClock,
    inner: MemoryQueueStore<string>,
    op: 'cancel' | 'put' | 'settle',
    ms: number,
    times = Infinity,
  ): QueueStore<string> => {
    const { store } = remote(inner, clock);
    const late = <A extends unknown[], T>(call: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
      return async (...args) => {
        const answer = await call(...args);
        if (times-- > 0) await (ms === Infinity ? new Promise(() => undefined) : clock.sleep(ms));
        return answer;
      };
    };
    return {
      ...store,
      ...(op === 'cancel' && { cancel: late(store.cancel) }),
      ...(op === 'put' && { put: late(store.put) }),
      ...(op === 'settle' && { settle: late(store.settle) }),
    };
  };

  it('and speaks of a twin by another id, which has ended by then', async () => {
    const { clock, runtime, inner } = setUp();
    const store = lateIn(clock, inner, 'put', 20);
    const work = async (name: string): Promise<string> => {
      await clock.sleep(50);
      return name;
    };
    const queue = new WorkQueue<string, string>(work, { store, runtime, lease });
    await clock.advance(50);
    const told: string[] = [];
    const dedupe = { id: 'd', mode: 'reject' } as const;
    void queue.run('a', { dedupe }).then((value) => told.push(value));
    await clock.advance(50);
    void queue.run('b', { dedupe }).then((value) => told.push(value));
    await clock.advance(1_000);
    expect(told).toEqual(['a', 'a']);
    expect(queue.stats()).toMatchObject({ accepted: 1, done: 1, waiting: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });

  it.each([100, 2_000])(
    'to a settlement: who has the id by then, in a shared store too, is told of its own end',
    async (ms) => {
      for (const shared of [false, true]) {
        const { clock, runtime, inner } = setUp();
        const store = { ...lateIn(clock, inner, 'settle', ms, 1), caps: { ...inner.caps, shared } };
        const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease, workers: 2 });
        await clock.advance(50);
        void queue.add('a', { id: 'x' });
        await clock.advance(20);
        // One as `run`, one whose result is asked for while the first one's settlement is on its way.
        const told: string[] = [];
        if (ms > 1_000) void queue.run('b', { id: 'x', delayMs: 1_000 }).then((value) => told.push(value));
        else {
          const adding = queue.add('b', { id: 'x', delayMs: 1_000 });
          await clock.advance(ms + 20);
          void (await adding).result.then((value) => told.push(value));
        }
        await clock.advance(10_000);
        expect(told).toEqual(['b']);
        expect(queue.stats()).toMatchObject({ accepted: 2, done: 2, waiting: 0, delayed: 0, leased: 0 });
        const closing = queue.close();
        await clock.advance(5_000);
        await closing;
      }
    },
  );

  it('never to a settlement: it is sent again while the lease lasts', async () => {
    const { clock, runtime, inner } = setUp();
    const store = lateIn(clock, inner, 'settle', Infinity, 1);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease: { ms: 6_000 } });
    await clock.advance(50);
    const errors: unknown[] = [];
    queue.on('storeError', ({ error }) => errors.push((error as { readonly code?: unknown }).code));
    const told: string[] = [];
    void queue.run('a', { id: 'x' }).then((value) => told.push(value));
    await clock.advance(20);
    void queue.run('b', { id: 'x' }).then((value) => told.push(value));
    await clock.advance(1_400);
    expect(told).toEqual([]);
    await clock.advance(200);
    expect(told).toEqual(['a', 'b']);
    expect(errors).toEqual(['STORE_FAILED']);
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 2, started: 2, waiting: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('to who takes a job back: who has its id by then is not taken for it', async () => {
    const { clock, runtime, inner } = setUp();
    const store = lateIn(clock, inner, 'cancel', 100);
    const queue = new WorkQueue<string, string>(async (name) => name, { store, runtime, lease });
    await clock.advance(50);
    void queue.add('a', { id: 'x', delayMs: 300 });
    await clock.advance(10);
    const cancelling = queue.cancel('x');
    await clock.advance(10);
    const result = queue.run('b', { id: 'x', delayMs: 300 });
    await clock.advance(5_000);
    expect([await cancelling, await result]).toEqual([true, 'b']);
    expect(queue.stats()).toMatchObject({ accepted: 2, done: 1, cancelled: 1, waiting: 0, delayed: 0, leased: 0 });
    const closing = queue.close();
    await clock.advance(5_000);
    await closing;
  });
});
