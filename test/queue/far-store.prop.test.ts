/**
 * Whoever adds, takes back, puts back and waits over a store that is far away, in any order and at any time, with answers
 * that come late, are lost or never come: each promise settles, and the books become those of the store.
 */
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

interface Line {
  readonly clock: VirtualClock;
  /** How long each question and each answer is on its way. */
  readonly delayMs: () => number;
  readonly shared: boolean;
  /** From when on leases cannot be extended, for half a second. */
  readonly muteFromMs: number;
  /** What becomes of the questions that end leases. */
  readonly troubles: readonly ('hangs' | 'lost' | 'none' | 'unknown')[];
}

/** A memory store behind a line. */
function faraway({ clock, delayMs, shared, muteFromMs, troubles }: Line): {
  readonly store: QueueStore<number>;
  readonly truth: Truth;
} {
  const inner = new MemoryQueueStore<number>({ runtime: { clock, random: () => 0.5 } });
  const truth: Truth = { added: 0, done: 0, cancelled: 0 };
  let settlements = 0;
  const line = async <T>(call: () => Promise<T>): Promise<T> => {
    await clock.sleep(delayMs());
    const answer = await call();
    await clock.sleep(delayMs());
    return answer;
  };
  const put: QueueStore<number>['put'] = async (jobs, room) => {
    const results = await inner.put(jobs, room);
    for (const { status, dropped } of results) {
      if (status === 'added') truth.added++;
      if (dropped !== undefined) truth.cancelled++;
    }
    return results;
  };
  const settle: QueueStore<number>['settle'] = async (outcomes) => {
    const answers = await inner.settle(outcomes);
    outcomes.forEach(({ id, kind }, i) => {
      const isOver = inner.backlog.find(id)?.isLive !== true; // no other run of it follows
      if (answers[i] === true && isOver && (kind === 'done' || kind === 'cancelled')) truth[kind]++;
    });
    return answers;
  };
  const cancel: QueueStore<number>['cancel'] = async (ids) => {
    const answers = await inner.cancel(ids);
    for (const was of answers) if (was) truth.cancelled++;
    return answers;
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
    put: (jobs, room) => line(() => put(jobs, room)),
    pull: (max, leaseMs) => line(() => inner.pull(max, leaseMs)),
    extend: (leases, leaseMs) => {
      const muteMs = clock.now() - muteFromMs;
      if (muteMs >= 0 && muteMs < 500) return Promise.reject(new Error('no answer'));
      return line(() => inner.extend(leases, leaseMs));
    },
    settle: (outcomes) => {
      const trouble = troubles[settlements++];
      if (trouble === 'lost') return Promise.reject(new Error('not sent'));
      const answer = line(() => settle(outcomes));
      if (trouble === 'unknown') return answer.then(() => Promise.reject(new Error('no answer')));
      return trouble === 'hangs' ? new Promise(() => undefined) : answer;
    },
    cancel: (ids) => line(() => cancel(ids)),
    counts: () => line(() => inner.counts()),
    close: () => line(() => inner.close()),
  };
  return { store, truth };
}

const whats = ['run', 'run', 'add', 'cancel', 'redrive', 'redriveAll', 'purge', 'pause', 'resume', 'signal'] as const;

const act = (deadlines: readonly (number | undefined)[], modes: readonly ('reject' | 'replace' | 'rerun')[]) =>
  fc.record({
    what: fc.constantFrom(...whats),
    id: fc.constantFrom('x', 'y', undefined),
    delayMs: fc.constantFrom(0, 0, 10, 60),
    deadline: fc.constantFrom(...deadlines),
    twinOf: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
    mode: fc.constantFrom(...modes),
    thenMs: fc.constantFrom(0, 0, 1, 3, 10, 40),
  });
/** One more run keeps the deadline of the first: nobody hears of it when that has passed. */
const acts = fc.oneof(
  fc.array(act([undefined, undefined, 5, 30, 90], ['reject', 'replace']), { minLength: 2, maxLength: 14 }),
  fc.array(act([undefined], ['reject', 'replace', 'rerun']), { minLength: 2, maxLength: 14 }),
);

const world = fc.record({
  acts,
  slowMs: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }),
  fates: fc.array(fc.constantFrom('done', 'done', 'retry', 'dies', 'slow', 'slower'), { maxLength: 10 }),
  // No more than one hangs: what has no answer while the lease lasts is not known to anybody.
  troubles: fc
    .array(fc.constantFrom('none', 'none', 'lost', 'unknown', 'hangs'), { maxLength: 4 })
    .filter((all) => all.filter((one) => one === 'hangs').length < 2),
  mute: fc.constantFrom(undefined, undefined, 60, 200),
  overflow: fc.constantFrom('wait', 'dropOldest', undefined),
  shared: fc.boolean(),
  closeEarly: fc.boolean(),
});

type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

async function play({ acts, slowMs, fates, troubles, mute, overflow, shared, closeEarly }: World): Promise<void> {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(7) };
  let questions = 0;
  const { store, truth } = faraway({
    clock,
    delayMs: () => slowMs[questions++ % slowMs.length]!,
    shared,
    muteFromMs: mute ?? Infinity,
    troubles: mute === undefined ? troubles : [],
  });
  let ran = 0;
  const work = async (n: number, { signal }: { readonly signal: AbortSignal }): Promise<number> => {
    const fate = fates[ran++] ?? 'done';
    if (fate === 'slow' || fate === 'slower') await clock.sleep(fate === 'slow' ? 50 : 600, signal);
    if (fate === 'retry') throw new Error('once more');
    if (fate === 'dies') throw new Discard('so be it');
    return n;
  };
  const queue = new WorkQueue<number, number>(work, {
    ...{ store, runtime, workers: 2, budget: false, pollMs: 50 },
    lease: mute === undefined ? { ms: 2_000, renewMs: 500 } : { ms: 400, renewMs: 100 },
    retry: { attempts: 20, backoff: { baseMs: 1, maxMs: 5 } },
    ...(overflow !== undefined && { maxQueued: 2, overflow }),
  });

  const open = new Map<Promise<unknown>, string>();
  const keep = (name: string, promise: Promise<unknown>): void => {
    open.set(promise, name);
    const settled = (): void => void open.delete(promise);
    promise.then(settled, settled);
  };
  for (const [n, { what, id, delayMs, deadline, twinOf, mode, thenMs }] of acts.entries()) {
    const dedupe = twinOf === undefined ? undefined : { id: twinOf, mode };
    const options = { id, delayMs, deadline, dedupe };
    const name = `${String(n)} ${what}`;
    // What is no duplicate and no other takes the place of ends as what it was added as.
    const isOwn = (value: number): void => {
      if (dedupe === undefined) expect(value).toBe(n);
    };
    if (what === 'run') keep(name, id === undefined ? queue.run(n, options).then(isOwn) : queue.run(n, options));
    else if (what === 'add' || what === 'signal') {
      const controller = new AbortController();
      if (what === 'signal') {
        clock.setTimer(20, () => {
          controller.abort(new Error('enough'));
        });
      }
      const adding = queue.add(n, { ...options, signal: controller.signal }).then(({ result, duplicate }) => {
        keep(`${name}, its result`, duplicate ? result : result.then(isOwn));
      });
      keep(name, adding);
    } else if (what === 'cancel') keep(name, queue.cancel(id ?? 'x'));
    else if (what === 'redrive') keep(name, queue.dead.redrive([id ?? 'x']));
    else if (what === 'redriveAll') keep(name, queue.dead.redrive());
    else if (what === 'purge') keep(name, queue.dead.purge([id ?? 'x']));
    else queue[what]();
    await clock.advance(thenMs);
  }

  if (!closeEarly) {
    queue.resume();
    await clock.advance(60_000);
    expect([...open.values()]).toEqual([]);
    const { accepted, waiting, delayed, leased, active, done, dead, cancelled } = queue.stats();
    expect({ waiting, delayed, leased, active }).toEqual({ waiting: 0, delayed: 0, leased: 0, active: 0 });
    // In a shared store another queue may give up what nobody here waits for.
    if (shared) expect(accepted).toBeGreaterThanOrEqual(done + dead + cancelled);
    else expect(accepted).toBe(done + dead + cancelled);
    // One more run that is asked for while the job is handed out is a job of its own here; so is what takes the place of one
    // that has died here and waits in the store still.
    const more = acts.filter(({ twinOf, mode }) => twinOf !== undefined && mode !== 'reject').length;
    expect(done).toBeGreaterThanOrEqual(truth.done);
    expect(done).toBeLessThanOrEqual(truth.done + more);
    // Who leaves while it waits for room is taken back, and was never accepted.
    expect(accepted).toBeLessThanOrEqual(truth.added + more);
    if (overflow !== 'wait') expect(accepted).toBeGreaterThanOrEqual(truth.added);
    expect(cancelled).toBeLessThanOrEqual(truth.cancelled); // one whose deadline passes before the answer is dead
  }
  const closing = queue.close({ graceMs: 20, abortMs: 500 });
  await clock.advance(60_000);
  const { accepted, done, dead, cancelled, released, waiting } = await closing;
  expect(accepted).toBe(done + dead + cancelled + released + waiting);
  expect(Math.min(done, dead, cancelled, released, waiting)).toBeGreaterThanOrEqual(0);
  expect([...open.values()]).toEqual([]);
  expect(clock.pending).toBe(0);
}

it('every promise settles, each job ends as itself, and the books become those of the store', async () => {
  await fc.assert(fc.asyncProperty(world, play), { seed, numRuns: runs(10) });
}, 120_000);
