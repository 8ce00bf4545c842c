/** The journal is the memory store, call by call, and still is it after a restart. */
import fc from 'fast-check';
import { MemoryQueueStore } from '../../../src/queue/stores/memory.ts';
import { VirtualClock, seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import type { JobLease, JobOutcome, LeasedJob, NewJob, QueueStore, Room } from '../../../src/queue/queue-store.ts';
import { runs } from '../../support/properties.ts';
import { FakeDisk } from './fake-disk.ts';
import { journalOn, settings } from './support.ts';

type Target = Pick<QueueStore<unknown>, 'put' | 'pull' | 'extend' | 'settle' | 'cancel' | 'counts'> & {
  redrive(ids: readonly string[]): Promise<number>;
  purge(ids: readonly string[]): Promise<number>;
  list(): AsyncIterable<unknown>;
};

const id = fc.integer({ min: 0, max: 40 }).map((n) => (n === 0 ? '__proto__' : `job-${String(n)}`));
const ms = fc.constantFrom(0, 1, 700, 5_000);
const lease = fc.nat(20);

const newJob: fc.Arbitrary<NewJob<unknown>> = fc.record(
  {
    id,
    data: fc.jsonValue({ depthSize: 'small' }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    key: fc.constantFrom('a', '__proto__'),
    priority: fc.integer({ min: -1, max: 2 }),
    delayMs: ms,
    dedupe: fc.record({ id: fc.constantFrom('x', 'y'), mode: fc.constantFrom('reject', 'replace', 'rerun') }),
    expiresInMs: fc.constantFrom(1, 3_000, 1_000_000),
    settings: fc.constant({ attempts: 3, timeoutMs: 5 }),
  },
  { requiredKeys: ['id', 'data'] },
);

const ending = fc.oneof(
  fc.constant({ kind: 'done' as const }),
  fc.record({ kind: fc.constant('retry' as const), delayMs: ms, error: fc.string(), crashed: fc.boolean() }),
  fc.record({ kind: fc.constant('dead' as const), reason: fc.constant('failed' as const), error: fc.string() }),
  fc.record({ kind: fc.constant('release' as const), delayMs: ms }),
  fc.constant({ kind: 'cancelled' as const }),
);

const rooms = fc.record({
  max: fc.integer({ min: 1, max: 8 }),
  overflow: fc.constantFrom('reject', 'dropOldest', 'dropLowest'),
});

type Step =
  | { readonly put: readonly NewJob<unknown>[]; readonly room: Room }
  | { readonly pull: number }
  | { readonly settle: readonly (readonly [number, object])[] }
  | { readonly extend: number }
  | { readonly cancel: readonly string[] }
  | { readonly redrive: readonly string[] }
  | { readonly purge: readonly string[] }
  | { readonly advance: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ put: fc.array(newJob, { maxLength: 4 }), room: rooms }) },
  { weight: 3, arbitrary: fc.record({ pull: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ settle: fc.array(fc.tuple(lease, ending), { maxLength: 3 }) }) },
  fc.record({ extend: lease }),
  fc.record({ cancel: fc.array(id, { maxLength: 2 }) }),
  fc.record({ redrive: fc.array(id, { maxLength: 3 }) }),
  fc.record({ purge: fc.array(id, { maxLength: 2 }) }),
  fc.record({ advance: fc.constantFrom(1, 800, 11_000) }),
);

const leaseMs = 10_000;

/** A store, and the leases that it has given. */
class Side {
  readonly leases: JobLease[] = [];
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  /** What it answers, without fences: they need only rise. */
  async take(step: Step): Promise<unknown> {
    const target = this.#target;
    if ('put' in step) return await target.put(step.put, step.room);
    if ('pull' in step) return (await this.pull(step.pull)).map(withoutFence);
    if ('settle' in step) {
      const outcomes = step.settle.map(([which, how]) => ({ ...this.#lease(which), ...how }) as JobOutcome);
      const answers = await target.settle(outcomes);
      for (const { id, fence } of outcomes) this.#let(id, fence);
      return answers;
    }
    if ('extend' in step) return await target.extend([this.#lease(step.extend)], leaseMs);
    if ('cancel' in step) return await target.cancel(step.cancel);
    if ('redrive' in step) return await target.redrive(step.redrive);
    if ('purge' in step) return await target.purge(step.purge);
    return undefined;
  }

  async pull(max: number): Promise<readonly LeasedJob<unknown>[]> {
    const jobs = await this.#target.pull(max, leaseMs);
    this.leases.push(...jobs);
    return jobs;
  }

  async state(): Promise<unknown> {
    return [await this.#target.counts(), await this.dead()];
  }

  async dead(): Promise<unknown[]> {
    const dead: unknown[] = [];
    for await (const job of this.#target.list()) dead.push(job);
    return dead;
  }

  /** All that it would run, each to its end. */
  async drain(): Promise<unknown[]> {
    const ran: unknown[] = [];
    for (;;) {
      const jobs = await this.#target.pull(100, leaseMs);
      if (jobs.length === 0) return ran;
      ran.push(...jobs.map(withoutFence));
      await this.#target.settle(jobs.map((job) => ({ id: job.id, fence: job.fence, kind: 'done' })));
    }
  }

  /** Now and then a lease that is over is settled once more. */
  #let(id: string, fence: bigint): void {
    const at = this.leases.findIndex((held) => held.id === id && held.fence === fence);
    if (this.leases.length % 4 !== 0) this.leases.splice(at, 1);
  }

  #lease(which: number): JobLease {
    return this.leases[which % this.leases.length] ?? { id: 'nobody', fence: 1n };
  }
}

const withoutFence = (job: LeasedJob<unknown>): unknown => ({ ...job, fence: undefined });
const sorted = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value)).sort();

const orders = fc.record({
  agingMs: fc.constantFrom(undefined, 500),
  keyLimit: fc.constantFrom(1, 2),
  keyOrder: fc.constantFrom('strict' as const, 'skip' as const),
  maxDead: fc.constantFrom(2, 100),
});

describe('a journal', () => {
  it('answers as the memory store does, and remembers it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        orders,
        fc.boolean(),
        async (steps, order, isClosed) => {
          const clock = new VirtualClock({ epochMs: 1e12 });
          const runtime = { clock, random: seededRandom(1).stream('unused') };
          const memory = new MemoryQueueStore<unknown>({ ...order, runtime });
          const oracle = new Side({
            put: (...a) => memory.put(...a),
            pull: (...a) => memory.pull(...a),
            extend: (...a) => memory.extend(...a),
            settle: (...a) => memory.settle(...a),
            cancel: (...a) => memory.cancel(...a),
            counts: () => memory.counts(),
            redrive: (ids) => memory.dead.redrive(ids),
            purge: (ids) => memory.dead.purge(ids),
            list: () => memory.dead.list(),
          });
          const disk = new FakeDisk();
          const open = async (): Promise<Side & { close(): Promise<void> }> => {
            const journal = journalOn(disk, { ...settings, ...order }, clock);
            await journal.open();
            const target: Target = {
              put: (...a) => journal.put(...a),
              pull: (...a) => journal.pull(...a),
              extend: (...a) => journal.extend(...a),
              settle: (...a) => journal.settle(...a),
              cancel: (...a) => journal.cancel(...a),
              counts: () => journal.counts(),
              redrive: (ids) => journal.redrive(ids),
              purge: (ids) => journal.purge(ids),
              list: () => journal.listDead(),
            };
            return Object.assign(new Side(target), { close: () => journal.close() });
          };
          const before = await open();
          for (const taken of steps) {
            if ('advance' in taken) await clock.advance(taken.advance);
            expect(await before.take(taken)).toEqual(await oracle.take(taken));
            expect(await before.state()).toEqual(await oracle.state());
          }
          if (isClosed) await before.close();
          else await clock.advance(10);

          const after = await open();
          // A lease that ends by itself is what a crash is; delays are over then too.
          await clock.advance(leaseMs + 10_000);
          expect(sorted(await after.drain())).toEqual(sorted(await oracle.drain()));
          // Which of those that expire together are too many depends on their order.
          if (order.maxDead === 100) expect(sorted(await after.dead())).toEqual(sorted(await oracle.dead()));
        },
      ),
      { numRuns: runs(3) },
    );
  }, 300_000);
});
