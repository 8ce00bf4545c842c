/** A store of which any call may hang, fail, or be slow, from any moment on: `close` ends in time, and nobody is left waiting. */
import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { MemoryQueueStore, type QueueStore, WorkQueue } from '../../src/queue/index.ts';
import { runs, seed } from '../support/properties.ts';

const calls = ['open', 'put', 'pull', 'extend', 'settle', 'cancel', 'counts', 'close'] as const;
type Call = (typeof calls)[number];
type Trouble = 'hangs' | 'fails' | 'is slow';

/** A store behind a line on which each call may get into trouble once a time has come. */
function troubled(
  clock: VirtualClock,
  inner: MemoryQueueStore<string>,
  troubles: ReadonlyMap<Call, { readonly what: Trouble; readonly fromMs: number; readonly untilMs: number }>,
): QueueStore<string> {
  const line = <A extends unknown[], T>(name: Call, call: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
    return async (...args) => {
      await clock.sleep(1);
      const { what, fromMs = Infinity, untilMs = Infinity } = troubles.get(name) ?? {};
      const nowMs = clock.now();
      const isIn = nowMs >= fromMs && nowMs < untilMs;
      if (isIn && what === 'hangs') return new Promise(() => undefined);
      if (isIn && what === 'fails') throw new Error(`${name} fails`);
      if (isIn) await clock.sleep(500);
      return call(...args);
    };
  };
  return {
    caps: inner.caps,
    dead: inner.dead,
    wake: (onWake) => inner.wake(onWake),
    open: line('open', () => inner.open()),
    put: line('put', (jobs, room) => inner.put(jobs, room)),
    pull: line('pull', (max, leaseMs) => inner.pull(max, leaseMs)),
    extend: line('extend', (leases, leaseMs) => inner.extend(leases, leaseMs)),
    settle: line('settle', (outcomes) => inner.settle(outcomes)),
    cancel: line('cancel', (ids) => inner.cancel(ids)),
    counts: line('counts', () => inner.counts()),
    close: line('close', () => inner.close()),
  };
}

const trouble = fc.record({
  call: fc.constantFrom(...calls),
  what: fc.constantFrom<Trouble>('hangs', 'fails', 'is slow'),
  fromMs: fc.constantFrom(0, 10, 50, 120, 300),
  forMs: fc.constantFrom(30, 400, Infinity),
});

it('close ends by graceMs + 2 × abortMs, with a report that sums, and every promise of the queue settles', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(trouble, { maxLength: 3 }),
      fc.nat(),
      fc.constantFrom(0, 20, 200),
      fc.constantFrom(0, 10, 100),
      fc.boolean(),
      fc.constantFrom(0, 60, 250, 600),
      async (troubles, draw, graceMs, abortMs, drain, closeAtMs) => {
        const clock = new VirtualClock();
        const random = seededRandom(draw).stream('world');
        const runtime = { clock, random: seededRandom(draw).stream('own') };
        const inner = new MemoryQueueStore<string>({ runtime });
        const plan = new Map(
          troubles.map(({ call, what, fromMs, forMs }) => [call, { what, fromMs, untilMs: fromMs + forMs }]),
        );
        const queue = new WorkQueue<string, string>(
          (name, { signal }) => {
            if (random() < 0.1) return new Promise(() => undefined);
            if (random() < 0.2) throw new Error('now and then');
            return clock.sleep(random() * 100, random() < 0.5 ? signal : undefined).then(() => name);
          },
          {
            store: troubled(clock, inner, plan),
            runtime,
            workers: 3,
            maxQueued: 5,
            budget: false,
            lease: { ms: 200, renewMs: 60 },
            pollMs: 40,
            patienceMs: 10,
            timeoutMs: 80,
            retry: { attempts: 3, backoff: { baseMs: 20 } },
          },
        );
        const open = new Map<object, string>();
        const keep = (name: string, promise: Promise<unknown>): void => {
          open.set(promise, name);
          const settled = (): void => void open.delete(promise);
          promise.then(settled, settled);
        };
        const reader = queue.consume()[Symbol.asyncIterator]();
        const many = queue.addAll(['m1', 'm2', 'm3', 'm4'], { ahead: 2, ordered: draw % 2 === 0 });
        const act = (i: number): void => {
          const id = `j${String(i)}`;
          const options = { id, ...(i % 4 === 0 && { deadline: 70 }), ...(i % 5 === 0 && { delayMs: 30 }) };
          if (i % 3 === 0) keep(`run ${id}`, queue.run(id, options));
          else
            keep(
              `add ${id}`,
              queue.add(id, options).then(({ result }) => keep(`result ${id}`, result)),
            );
          if (i % 4 === 1) keep(`cancel ${id}`, queue.cancel(id));
          if (i % 6 === 1) keep('many', many.next());
          if (i % 6 === 5) keep('onIdle', queue.onIdle());
          if (i === 7)
            keep(
              'reader',
              reader.next().then((next) => (next.done !== true && random() < 0.5 ? next.value.ack() : undefined)),
            );
        };
        let i = 0;
        for (; clock.now() < closeAtMs; i++) {
          act(i);
          await clock.advance(random() * 20);
        }
        act(i);
        const fromMs = clock.now();
        let endedMs = -1;
        const closing = queue.close({ graceMs, abortMs, drain });
        void closing.then(() => (endedMs = clock.now()));
        // What is added now is refused, whatever the store does.
        const late = queue.add('late').catch((error: unknown) => (error as { readonly code?: unknown }).code);
        await clock.advance(graceMs + 2 * abortMs + 1);
        expect(endedMs, 'close has not ended').not.toBe(-1);
        expect(endedMs - fromMs).toBeLessThanOrEqual(graceMs + 2 * abortMs + 0.001);
        expect(await late).toBe('CLOSED');
        const { accepted, done, dead, cancelled, released, waiting } = await closing;
        expect(accepted).toBe(done + dead + cancelled + released + waiting);
        expect(Math.min(done, dead, cancelled, released, waiting)).toBeGreaterThanOrEqual(0);
        await clock.advance(10_000);
        const left = [...open.values()].filter(
          (name) => !(name.startsWith('cancel') && plan.get('cancel')?.what === 'hangs'),
        );
        expect(left).toEqual([]);
      },
    ),
    { seed, numRuns: runs(10) },
  );
}, 120_000);
