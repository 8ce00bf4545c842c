/** `addAll` over a store that is far away: back-pressure, order, one result each, and nothing left of one that was left. */
import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { MemoryQueueStore, type Settled, WorkQueue } from '../../src/queue/index.ts';
import { runs, seed } from '../support/properties.ts';
import { far } from './far.ts';

type Leaves = 'never' | 'return' | 'throw' | 'source fails';

interface Case {
  readonly draw: number;
  readonly items: number;
  readonly ahead: number;
  readonly ordered: boolean;
  readonly isAsync: boolean;
  readonly isFar: boolean;
  readonly workers: number;
  readonly maxQueued: number;
  readonly leaves: Leaves;
  readonly after: number;
  readonly readers: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  draw: fc.nat(),
  items: fc.integer({ min: 0, max: 40 }),
  ahead: fc.integer({ min: 1, max: 12 }),
  ordered: fc.boolean(),
  isAsync: fc.boolean(),
  isFar: fc.boolean(),
  workers: fc.integer({ min: 1, max: 8 }),
  maxQueued: fc.constantFrom(1, 3, 100),
  leaves: fc.constantFrom<Leaves>('never', 'never', 'return', 'throw', 'source fails'),
  after: fc.nat(20),
  readers: fc.integer({ min: 1, max: 3 }),
});

/** A source that counts what is asked of it. */
class Source {
  given = 0;
  closed = 0;
  asking = 0;
  most = 0;
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  readonly #plan: Case;

  constructor(clock: VirtualClock, random: () => number, plan: Case) {
    this.#clock = clock;
    this.#random = random;
    this.#plan = plan;
  }

  #next(): IteratorResult<number> {
    const { leaves, after, items } = this.#plan;
    if (leaves === 'source fails' && this.given === Math.min(after, items)) throw new Error('the source');
    if (this.given === items) return { value: undefined, done: true };
    return { value: this.given++, done: false };
  }

  #return(): IteratorResult<number> {
    this.closed++;
    return { value: undefined, done: true };
  }

  get iterable(): Iterable<number> | AsyncIterable<number> {
    if (!this.#plan.isAsync)
      return { [Symbol.iterator]: () => ({ next: () => this.#next(), return: () => this.#return() }) };
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          this.most = Math.max(this.most, ++this.asking);
          await this.#clock.sleep(this.#random() * 8);
          this.asking--;
          return this.#next();
        },
        return: async () => this.#return(),
      }),
    };
  }
}

it('reads on demand, brings each result once, in order where that is asked for, and lets go when it is left', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (plan) => {
      const { draw, ahead, ordered, isFar, workers, maxQueued, leaves, after } = plan;
      const readers = leaves === 'throw' ? 1 : plan.readers; // only a loop closes what it is thrown out of
      const clock = new VirtualClock();
      const random = seededRandom(draw).stream('world');
      const runtime = { clock, random: seededRandom(draw).stream('own') };
      const inner = new MemoryQueueStore<number>({ runtime });
      const queue = new WorkQueue<number, number>(
        async (n, { attempt }) => {
          await clock.sleep(random() * 30);
          if (n % 7 === 3 && attempt === 1) throw new Error('once');
          if (n % 11 === 5) throw new Error('always');
          return n * 2;
        },
        {
          store: isFar ? far(clock, inner) : inner,
          runtime,
          workers,
          maxQueued,
          budget: false,
          retry: { attempts: 2, backoff: { baseMs: 10 } },
        },
      );
      const source = new Source(clock, random, plan);
      const many = queue.addAll(source.iterable, { ahead, ordered });
      await clock.advance(100);
      expect(source.given, 'nobody has asked yet').toBe(0);

      const results: Settled<number, number>[] = [];
      let failure: unknown;
      const read = async (): Promise<void> => {
        try {
          for (;;) {
            const next = await many.next();
            if (next.done === true) return;
            results.push(next.value);
            expect(source.given - results.length).toBeLessThanOrEqual(ahead + readers);
            if (random() < 0.3) await clock.sleep(random() * 60); // a reader that is slow
            if (results.length > after && leaves === 'return') {
              await many.return!();
              return;
            }
          }
        } catch (error) {
          failure = error;
        }
      };
      const loop = async (): Promise<void> => {
        try {
          for await (const result of many) {
            results.push(result);
            if (random() < 0.3) await clock.sleep(random() * 60);
            if (results.length > after && leaves === 'return') break;
            if (results.length > after && leaves === 'throw') throw new Error('the reader');
          }
        } catch (error) {
          failure = error;
        }
      };
      const reading = Promise.all(readers === 1 ? [loop()] : Array.from({ length: readers }, read));
      let over = false;
      void reading.then(() => (over = true));
      await clock.advance(300_000);
      expect(over).toBe(true);

      expect(source.most, 'one item at a time').toBeLessThanOrEqual(1);
      const data = results.map((result) => result.data);
      expect(new Set(data).size).toBe(data.length);
      if (ordered && readers === 1) expect(data).toEqual(data.map((_, i) => i));
      for (const { data, status, attempts, ...rest } of results) {
        if (data % 11 === 5) expect([status, attempts]).toEqual(['dead', 2]);
        else
          expect([status, attempts, rest]).toEqual(['done', data % 7 === 3 ? 2 : 1, { id: rest.id, value: data * 2 }]);
      }
      const left = (leaves === 'return' || leaves === 'throw') && results.length > after;
      if (leaves === 'source fails') expect(failure).toEqual(new Error('the source'));
      if (leaves === 'throw') expect(failure).toEqual(left ? new Error('the reader') : undefined);
      if (left) expect(source.closed).toBeOneOf(source.given === plan.items ? [0, 1] : [1]);
      else {
        expect(data.length).toBe(source.given);
        if (leaves === 'never') expect([source.given, source.closed, failure]).toEqual([plan.items, 0, undefined]);
      }
      if (readers === 1 && left) expect(source.given).toBeLessThanOrEqual(results.length + ahead);

      // Nothing is left behind: what was accepted is done, the source is let alone, no timer stays but the poll.
      const { given } = source;
      expect(await Promise.race([many.next(), Promise.resolve('hangs')])).not.toBe('hangs');
      await clock.advance(10_000);
      expect(source.given).toBe(given);
      expect(queue.stats()).toMatchObject({ waiting: 0, delayed: 0, leased: 0, blocked: 0, active: 0 });
      expect(queue.stats().accepted).toBeLessThanOrEqual(given);
      void queue.close();
      await clock.advance(20_000);
      expect(clock.pending).toBe(0);
    }),
    { seed, numRuns: runs(4) },
  );
}, 120_000);
