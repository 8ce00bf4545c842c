/** Where two things meet: a call under way and the end of the queue, a lease and a pause, the dead and their return. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Budget } from 'holdfast/calls';
import { describe, expect, it } from 'vitest';
import { MemoryQueueStore, type QueueStats, type QueueStore, Retry, WorkQueue } from '../../src/queue/index.ts';
import { JournalQueueStore } from '../../src/queue/stores/journal.ts';
import { far, fateOf, setUp, turn } from './far.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const sum = ({ waiting, delayed, leased, done, dead, cancelled }: QueueStats): number =>
  waiting + delayed + leased + done + dead + cancelled;

describe('a queue that closes', () => {
  it('refuses an add for which the store has found no room only then', async () => {
    const { clock, runtime } = setUp();
    const queue = new WorkQueue<string>(undefined, { store: far<string>(clock), runtime, maxQueued: 1 });
    await clock.advance(50);
    void queue.add('a');
    await clock.advance(50);
    const late = fateOf(queue.add('b'));
    const closing = queue.close({ graceMs: 0 });
    await clock.advance(5_000);
    await closing;
    expect(late.now).toBe('CLOSED');
    expect(clock.pending).toBe(0);
  });

  it.each(['open', 'put'] as const)('tells those who add to a store whose %s never answers', async (call) => {
    const { clock, runtime } = setUp();
    const store = far<string>(clock, undefined, { [call]: never });
    const queue = new WorkQueue<string>(undefined, { store, runtime });
    await clock.advance(50);
    const many = queue.addAll(['many']);
    const fates = [queue.add('add'), queue.run('run'), many.next()].map(fateOf);
    await clock.advance(50);
    const closing = queue.close({ graceMs: 0, abortMs: 20 });
    await clock.advance(5_000);
    expect(await closing).toMatchObject({ accepted: 0, waiting: 0 });
    expect(fates.map(({ now }) => now)).toEqual(['CLOSED', 'CLOSED', 'CLOSED']);
    expect((await many.next()).done).toBe(true);
  });
});

it('a store that cannot be opened is told of, also when nobody adds', async () => {
  const { clock, runtime } = setUp();
  const store = far<string>(clock, undefined, { open: () => Promise.reject(new Error('no server')) });
  const queue = new WorkQueue<string>(() => undefined, { store, runtime });
  const errors: unknown[] = [];
  queue.on('storeError', ({ error }) => errors.push(error));
  await clock.advance(50);
  expect(errors).toEqual([new Error('no server')]);
  await expect(queue.add('a')).rejects.toThrow('no server');
});

it('the dead are asked for by ids, or all', async () => {
  const queue = new WorkQueue<string>(() => undefined);
  for (const ids of ['x', [1], null] as never[]) {
    const refusal = {
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/^ids must be an array of ids, got /) as string,
    };
    await expect(queue.dead.redrive(ids)).rejects.toMatchObject(refusal);
    await expect(queue.dead.purge(ids)).rejects.toMatchObject(refusal);
  }
  expect([await queue.dead.redrive(['none']), await queue.dead.purge([])]).toEqual([0, 0]);
  await queue.close();
});

it('the dead of a store that is being opened are those that it holds', async () => {
  const { clock, runtime } = setUp();
  const inner = new MemoryQueueStore<string>({ runtime });
  const before = new WorkQueue<string>(() => Promise.reject(new Error('no')), {
    store: inner,
    runtime,
    retry: { attempts: 1 },
  });
  for (const id of ['a', 'b', 'c']) await before.add(id, { id });
  await clock.advance(50);
  let open = false;
  const store = far<string>(clock, inner, {
    open: async () => {
      await clock.sleep(20);
      open = true;
    },
    dead: new Proxy(inner.dead, {
      get: (dead, name: 'list' | 'purge' | 'redrive') =>
        open
          ? dead[name].bind(dead)
          : () => {
              throw new Error('not open');
            },
    }),
  });
  const { dead } = new WorkQueue<string>(undefined, { store, runtime });
  const listed = async (): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of dead.list()) ids.push(id);
    return ids;
  };
  const asked = Promise.all([listed(), dead.redrive(['a']), dead.purge(['b'])]);
  await clock.advance(1_000);
  expect(await asked).toEqual([['a', 'b', 'c'], 1, 1]);
});

describe('books of what comes back from the dead', () => {
  const stores: Readonly<Record<string, (inner: MemoryQueueStore<string>, clock: never) => QueueStore<string>>> = {
    memory: (inner) => inner,
    far: (inner, clock) => far(clock, inner),
  };
  it.each(Object.keys(stores))(
    '%s: what has died here is counted once, what has died before only now',
    async (name) => {
      const { clock, runtime } = setUp();
      const inner = new MemoryQueueStore<string>({ runtime });
      const open = (): WorkQueue<string, string> =>
        new WorkQueue<string, string>(
          async (data, { id }) => {
            if (!allowed.has(id)) throw new Error('not yet');
            return data;
          },
          { store: stores[name]!(inner, clock as never), runtime, retry: { attempts: 1 } },
        );
      const allowed = new Set<string>();
      const before = open();
      for (const id of ['old1', 'old2']) void before.add(id, { id });
      await clock.advance(2_000);
      expect(before.stats().dead).toBe(2);
      void before.close();
      await clock.advance(20_000);

      const queue = open();
      await clock.advance(50);
      for (const id of ['new1', 'new2', 'new3']) void queue.add(id, { id });
      await clock.advance(2_000);
      expect(queue.stats()).toMatchObject({ accepted: 3, dead: 3 });
      for (const id of ['old1', 'new1', 'new2']) allowed.add(id);
      const redriven = queue.dead.redrive(['new1']);
      await clock.advance(2_000);
      expect(await redriven).toBe(1);
      expect(queue.stats()).toMatchObject({ accepted: 3, dead: 2, done: 1 });
      const all = queue.dead.redrive();
      await clock.advance(2_000);
      expect(await all).toBe(4);
      expect(queue.stats()).toMatchObject({ accepted: 5, done: 3, dead: 2 });
      expect(sum(queue.stats())).toBe(5);
      const closing = queue.close();
      await clock.advance(20_000);
      expect(await closing).toMatchObject({ accepted: 5, done: 3, dead: 2, waiting: 0, released: 0 });
    },
  );
});

it('a deadline that a job has brought along aborts it while it runs, whoever has added it', async () => {
  const { clock, runtime } = setUp();
  const inner = new MemoryQueueStore<string>({ runtime });
  await inner.put([{ id: 'a', data: 'a', expiresInMs: 100 }], { max: 10, overflow: 'reject' });
  let abortedMs = -1;
  const queue = new WorkQueue<string>(
    async (_, { signal }) => {
      signal.addEventListener('abort', () => (abortedMs = clock.now()));
      await clock.sleep(500);
    },
    { store: far(clock, inner), runtime },
  );
  const reasons: string[] = [];
  queue.on('dead', ({ reason }) => reasons.push(reason));
  await clock.advance(2_000);
  // Counted from before it was asked for: never later than the store's.
  expect(abortedMs).toBeGreaterThan(80);
  expect(abortedMs).toBeLessThanOrEqual(100);
  expect(reasons).toEqual(['expired']);
  void queue.close();
  await clock.advance(20_000);
  expect(clock.pending).toBe(0);
});

it('data that a store refuses cost their own add, not those of the same turn', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-refused-'));
  try {
    const queue = new WorkQueue<unknown>(undefined, { store: new JournalQueueStore(folder) });
    await queue.add('first');
    const adds = [queue.add('good'), queue.add(() => 1), queue.add('good too')];
    expect((await Promise.allSettled(adds)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    await expect(adds[1]).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect((await queue.close()).waiting).toBe(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a job that was pulled while the queue was paused can be taken back', async () => {
  const { clock, runtime } = setUp();
  const inner = new MemoryQueueStore<string>({ runtime });
  let started = 0;
  const queue = new WorkQueue<string, number>(() => ++started, { store: far(clock, inner), runtime, workers: 1 });
  await clock.advance(50);
  const adding = queue.add('a', { id: 'a' });
  await clock.advance(5);
  const result = fateOf((await adding).result);
  queue.pause(); // the store has been asked for it already
  await clock.advance(10);
  expect((await inner.counts()).leased).toBe(1);
  const was = queue.cancel('a');
  expect(sum(queue.stats())).toBe(1);
  await clock.advance(10);
  expect(await was).toBe(true);
  expect(result.now).toBe('CANCELLED');
  expect(queue.stats()).toMatchObject({ accepted: 1, waiting: 0, cancelled: 1 });
  queue.resume();
  await clock.advance(2_000);
  expect(started).toBe(0);
  expect(await inner.counts()).toMatchObject({ waiting: 0, leased: 0 });
  void queue.close();
  await clock.advance(20_000);
});

it.each([true, false])(
  'addAll that was left while an add is under way brings nothing more; ordered %s',
  async (ordered) => {
    for (const refuses of [false, true]) {
      const { clock, runtime } = setUp();
      const own = refuses ? { put: () => clock.sleep(5).then(() => Promise.reject(new Error('no'))) } : {};
      const queue = new WorkQueue<string, string>(async (name) => name, { store: far(clock, undefined, own), runtime });
      await clock.advance(50);
      const many = queue.addAll(['a', 'b'], { ordered });
      const first = fateOf(many.next());
      await turn();
      await many.return?.();
      expect(first.now).toEqual({ value: { value: undefined, done: true } });
      await clock.advance(2_000);
      expect(await many.next()).toEqual({ value: undefined, done: true });
      expect(queue.stats()).toMatchObject({ accepted: refuses ? 0 : 1, done: refuses ? 0 : 1 });
      void queue.close();
      await clock.advance(20_000);
      expect(clock.pending).toBe(0);
    }
  },
);

it.each(['room', 'an answer'])('the signal of sync ends it while it waits for %s', async (what) => {
  const { clock, runtime } = setUp();
  const queue = new WorkQueue<string>(undefined, { runtime, maxQueued: 1 });
  const controller = new AbortController();
  const source = {
    list: () => [{ id: 'a' }, { id: 'b' }],
    get: (id: string) => (what === 'room' ? Promise.resolve(id) : never()),
  };
  const syncing = fateOf(queue.sync(source, { signal: controller.signal }));
  await turn();
  expect(syncing.now).toBe('pending');
  controller.abort('enough');
  await turn();
  expect(syncing.now).toBe('enough');
  void queue.close({ graceMs: 0 });
  await clock.advance(2_000);
  expect(clock.pending).toBe(0);
});

const ways: Readonly<Record<string, (queue: WorkQueue<string, number>) => Promise<unknown>>> = {
  run: (queue) => queue.run('a'),
  add: async (queue) => (await queue.add('a')).result,
  addAll: async (queue) => ((await queue.addAll(['a']).next()).value as { readonly value: number }).value,
  'ordered addAll': async (queue) =>
    ((await queue.addAll(['a'], { ordered: true }).next()).value as { readonly value: number }).value,
};

it.each(Object.keys(ways))(
  '%s: what the store has settled in time is done, though its lease was given up before the answer came',
  async (way) => {
    const { clock, runtime } = setUp();
    const inner = new MemoryQueueStore<string>({ runtime });
    const store = far(clock, inner, {
      extend: never,
      settle: async (outcomes) => {
        const answer = await inner.settle(outcomes);
        await clock.sleep(1_000);
        return answer;
      },
    });
    let started = 0;
    const queue = new WorkQueue<string, number>(() => ++started, { store, runtime, lease: { ms: 300, renewMs: 100 } });
    const fate = fateOf(ways[way]!(queue));
    await clock.advance(20_000);
    expect(started).toBe(1);
    expect(fate.now).toEqual({ value: 1 });
    expect(queue.stats()).toMatchObject({ accepted: 1, done: 1, waiting: 0, leased: 0 });
    void queue.close();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  },
);

it('a job is taken back and counted, also when it is not known here any more, or not yet', async () => {
  const { clock, runtime } = setUp();
  const inner = new MemoryQueueStore<string>({ runtime });
  for (const shared of [false, true]) {
    const store = { ...far(clock, inner), caps: { ...inner.caps, shared } };
    const queue = new WorkQueue<string>(undefined, { store, runtime, maxQueued: 2 });
    await clock.advance(50);
    void queue.add('a', { id: 'a' });
    void queue.add('b', { id: 'b' });
    await clock.advance(50);
    const blocked = queue.add('c', { id: 'c' }); // until there is room: asked for again once a second
    await clock.advance(50);
    await inner.cancel(['b']); // by somebody else
    const taken = queue.cancel('a');
    await clock.advance(5_000);
    expect(await taken).toBe(true);
    expect((await blocked).duplicate).toBe(false);
    const again = queue.cancel('c');
    await clock.advance(50);
    expect(await again).toBe(true);
    expect(queue.stats()).toMatchObject({ accepted: 3, cancelled: 2, waiting: 0 });
    void queue.close();
    await clock.advance(20_000);
  }
});

it('a retry that is no policy is refused, not passed over', () => {
  for (const retry of [null, 5, [], 'often', () => 1]) {
    expect(() => new WorkQueue(() => 1, { retry: retry as never })).toThrow(/^retry options must be an object, got /u);
  }
  for (const backoff of [null, 5, []]) {
    expect(() => new WorkQueue(() => 1, { retry: { backoff: backoff as never } })).toThrow(
      /^backoff .*must be an object, got /u,
    );
  }
});

it('any number may wait for one end', async () => {
  const { clock, runtime } = setUp();
  const queue = new WorkQueue<number, number>(async (n) => n, { runtime, paused: true });
  const runs = Array.from({ length: 20_000 }, (_, n) => queue.run(n, { id: 'x' }));
  const replaced = Array.from({ length: 20_000 }, (_, n) => queue.run(n, { dedupe: { id: 'y', mode: 'replace' } }));
  queue.resume();
  await clock.advance(1);
  expect(new Set(await Promise.all(runs))).toEqual(new Set([0]));
  expect(new Set(await Promise.all(replaced))).toEqual(new Set([19_999]));
});

it('a promise whose constructor throws costs its own attempt, not a worker', async () => {
  const { runtime } = setUp();
  const evil = (): Promise<number> =>
    Object.defineProperty(Promise.resolve(1), 'constructor', {
      get() {
        throw new Error('evil');
      },
    });
  const queue = new WorkQueue<number, number>(evil, { runtime, workers: 1, retry: { attempts: 1 } });
  await queue.add(1);
  await turn();
  expect(queue.stats()).toMatchObject({ leased: 0, active: 0, dead: 1 });
});

it('the budget hears of originals when they start, not when the next one does', async () => {
  const { clock, runtime } = setUp();
  await clock.advance(1_000);
  const budget = new Budget({ ratio: 0.2, minPerSecond: 0, windowMs: 10_000, runtime });
  let extras = 0;
  const handler = (_: number, { attempt }: { readonly attempt: number }): number => {
    if (attempt > 1) return extras++;
    throw new Retry(60_000);
  };
  const queue = new WorkQueue<number>(handler, { runtime, budget, workers: 200 });
  for (let i = 0; i < 100; i++) await queue.add(i);
  await clock.advance(60_500);
  expect(extras, 'no original has started within the window').toBe(0);
});

it('an error that says never to try again ends the job', async () => {
  const { runtime } = setUp();
  const queue = new WorkQueue<number>(
    () => Promise.reject(Object.assign(new Error('no'), { retryAfterMs: Infinity })),
    {
      runtime,
    },
  );
  await queue.add(1);
  await turn();
  expect(queue.stats()).toMatchObject({ delayed: 0, dead: 1 });
});

it('onIdle waits for what the store has still to take, and looks at its options', async () => {
  const { clock, runtime } = setUp();
  const store = far(clock, new MemoryQueueStore<number>({ runtime }));
  const queue = new WorkQueue<number, number>(async (n) => n, { store, runtime });
  await clock.advance(50);
  await queue.onIdle();
  const added = queue.run(1);
  let [idle, done] = [false, false];
  void added.then(() => (done = true));
  const waits = queue.onIdle().then(() => {
    idle = true;
    expect(done).toBe(true);
  });
  await turn();
  expect(idle).toBe(false);
  await clock.advance(5_000);
  await waits;
  await expect(queue.onIdle({ signal: 'x' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
