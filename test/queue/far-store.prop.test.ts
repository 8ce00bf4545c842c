/** Whoever adds, takes back, puts back and waits over a store that is far away, in any order and at any time: the books are those of the store. */
import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { Discard, MemoryQueueStore, type QueueStore, WorkQueue } from '../../src/queue/index.ts';
import { runs, seed } from '../support/properties.ts';

/** What a store has seen happen, however late anybody else hears of it. */
interface Truth {
  added: number;
  done: number;
  cancelled: number;
}

/** A memory store behind a line on which each question and each answer take their own time. */
function faraway(
  clock: VirtualClock,
  delayMs: () => number,
  shared: boolean,
): { readonly store: QueueStore<number>; readonly truth: Truth } {
  const inner = new MemoryQueueStore<number>({ runtime: { clock, random: () => 0.5 } });
  const truth: Truth = { added: 0, done: 0, cancelled: 0 };
  let calls = 0;
  const line = async <T>(call: () => Promise<T>): Promise<T> => {
    const what = `${String(++calls)} ${String(call).replaceAll(/\s+/g, ' ').replace(/.*inner\.([\w.]+).*/, '$1')}`;
    await clock.sleep(delayMs());
    const answer = await call();
    if (process.env['FAR'] !== undefined) console.log(clock.now(), 'store', what, JSON.stringify(answer, (_, v) => typeof v === 'bigint' ? Number(v) : v));
    await clock.sleep(delayMs());
    if (process.env['FAR'] !== undefined) console.log(clock.now(), 'answer', what);
    return answer;
  };
  const store: QueueStore<number> = {
    caps: { ...inner.caps, shared },
    dead: {
      list: () => inner.dead.list(),
      redrive: (ids) => line(() => inner.dead.redrive(ids)),
      purge: (ids) => line(() => inner.dead.purge(ids)),
    },
    wake: (onWake) => inner.wake(onWake),
    open: () => line(() => inner.open()),
    put: (jobs, room) =>
      line(async () => {
        const results = await inner.put(jobs, room);
        for (const { status, dropped } of results) {
          if (status === 'added') truth.added++;
          if (dropped !== undefined) truth.cancelled++;
        }
        return results;
      }),
    pull: (max, leaseMs) => line(() => inner.pull(max, leaseMs)),
    extend: (leases, leaseMs) => line(() => inner.extend(leases, leaseMs)),
    settle: (outcomes) =>
      line(async () => {
        const answers = await inner.settle(outcomes);
        outcomes.forEach(({ kind }, i) => {
          if (answers[i] === true && (kind === 'done' || kind === 'cancelled')) truth[kind]++;
        });
        return answers;
      }),
    cancel: (ids) =>
      line(async () => {
        const answers = await inner.cancel(ids);
        for (const was of answers) if (was) truth.cancelled++;
        return answers;
      }),
    counts: () => line(() => inner.counts()),
    close: () => line(() => inner.close()),
  };
  return { store, truth };
}

const act = fc.record({
  what: fc.constantFrom('run', 'run', 'add', 'cancel', 'redrive', 'redriveAll', 'purge', 'pause', 'resume', 'signal'),
  id: fc.constantFrom('x', 'y', undefined),
  delayMs: fc.constantFrom(0, 0, 10, 60),
  deadline: fc.constantFrom(undefined, undefined, 5, 30, 90),
  dedupe: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
  thenMs: fc.constantFrom(0, 0, 1, 3, 10, 40),
});

const world = fc.record({
  acts: fc.array(act, { minLength: 2, maxLength: 14 }),
  slowMs: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }),
  fates: fc.array(fc.constantFrom('done', 'done', 'retry', 'dies', 'slow'), { maxLength: 10 }),
  overflow: fc.constantFrom('wait', 'dropOldest', undefined),
  shared: fc.boolean(),
  closeEarly: fc.boolean(),
});

type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

it('every promise settles, each end is told once and of the right one, and the books become those of the store', async () => {
  await fc.assert(
    fc.asyncProperty(world, play),
    { seed, numRuns: runs(10), verbose: 0 },
  );
}, 120_000);

async function play({ acts, slowMs, fates, overflow, shared, closeEarly }: World): Promise<void> {
      const clock = new VirtualClock();
      const runtime = { clock, random: seededRandom(7) };
      let asked = 0;
      const { store, truth } = faraway(clock, () => slowMs[asked++ % slowMs.length]!, shared);
      let ran = 0;
      const queue = new WorkQueue<number, number>(
        async (n, { signal }) => {
          const fate = fates[ran++] ?? 'done';
          if (fate === 'slow') await clock.sleep(50, signal);
          if (fate === 'retry') throw new Error('once more');
          if (fate === 'dies') throw new Discard('so be it');
          return n;
        },
        {
          ...{ store, runtime, workers: 2, budget: false, pollMs: 50, lease: { ms: 400, renewMs: 100 } },
          ...(overflow !== undefined && { maxQueued: 2, overflow }),
          retry: { attempts: 20, backoff: { baseMs: 1, maxMs: 5 } },
        },
      );
      if (process.env['FAR'] !== undefined) for (const e of ['done','dead','cancelled','retry','leaseLost','dropped','storeError'] as const) queue.on(e, (v: unknown) => console.log(clock.now(), 'EVENT', e, JSON.stringify(v), JSON.stringify(queue.stats())));
      const open = new Map<number, string>();
      let promises = 0;
      const keep = <T>(name: string, promise: Promise<T>): void => {
        const n = promises++;
        open.set(n, name);
        const settled = (): void => void open.delete(n);
        promise.then(settled, settled);
      };
      const sameId = new Map<string, number[]>();
      let n = 0;
      for (const { what, id, delayMs, deadline, dedupe, thenMs } of acts) {
        const options = {
          ...(id !== undefined && { id }),
          ...{ delayMs, deadline },
          ...(dedupe !== undefined && { dedupe: { id: dedupe, mode: 'reject' as const } }),
        };
        const own = ++n;
        if (process.env['FAR'] !== undefined) console.log(clock.now(), 'ACT', own, what, JSON.stringify(options));
        const group = sameId.get(`${id ?? own} ${dedupe ?? ''}`) ?? [];
        group.push(own);
        sameId.set(`${id ?? own} ${dedupe ?? ''}`, group);
        const isOwn = dedupe === undefined;
        const right = (value: number): void => {
          if (isOwn && id === undefined) expect(value).toBe(own);
        };
        if (what === 'run') keep(`run ${own}`, queue.run(own, options).then(right));
        else if (what === 'add' || what === 'signal') {
          const controller = new AbortController();
          const adding = queue.add(own, { ...options, ...(what === 'signal' && { signal: controller.signal }) });
          keep(
            `add ${own}`,
            adding.then((handle) => {
              const { result } = handle;
              keep(`result ${own}`, result.then((value) => {
                if (!handle.duplicate) expect(value).toBe(own);
              }));
            }),
          );
          if (what === 'signal') void clock.sleep(20).then(() => { controller.abort(new Error('enough')); });
        } else if (what === 'cancel') keep(`cancel ${own}`, queue.cancel(id ?? 'x'));
        else if (what === 'redrive') keep(`redrive ${own}`, queue.dead.redrive([id ?? 'x']));
        else if (what === 'redriveAll') keep(`redrive ${own}`, queue.dead.redrive());
        else if (what === 'purge') keep(`purge ${own}`, queue.dead.purge([id ?? 'x']));
        else if (what === 'pause') queue.pause();
        else queue.resume();
        await clock.advance(thenMs);
      }
      if (!closeEarly) {
        queue.resume();
        await clock.advance(60_000);
        expect([...open.values()]).toEqual([]);
        const { accepted, waiting, delayed, leased, done, dead, cancelled, active } = queue.stats();
        expect({ waiting, delayed, leased, active }).toEqual({ waiting: 0, delayed: 0, leased: 0, active: 0 });
        expect(done).toBe(truth.done);
        // Who has waited for room and left is taken back, and was never accepted.
        if (overflow === 'wait') expect(accepted).toBeLessThanOrEqual(truth.added);
        else expect(accepted).toBe(truth.added);
        expect(cancelled).toBeLessThanOrEqual(truth.cancelled); // one whose deadline has passed meanwhile is dead
        // In a shared store some other queue may give up what nobody here waits for.
        if (shared) expect(accepted).toBeGreaterThanOrEqual(done + dead + cancelled);
        else expect(accepted).toBe(done + dead + cancelled);
      }
      const closing = queue.close({ graceMs: 20, abortMs: 500 });
      await clock.advance(60_000);
      const { accepted, done, dead, cancelled, released, waiting } = await closing;
      expect(accepted).toBe(done + dead + cancelled + released + waiting);
      expect(Math.min(done, dead, cancelled, released, waiting)).toBeGreaterThanOrEqual(0);
      expect([...open.values()]).toEqual([]);
      expect(clock.pending).toBe(0);
}

if (process.env['FAR'] !== undefined) it('trace', async () => { await play(JSON.parse(process.env['FAR']!)); });
