import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { QueueStore } from '../../../src/queue/index.ts';
import { fromSource, type SourceOptions, type WorkSource } from '../../../src/queue/stores/from-source.ts';
import { runs } from '../../support/properties.ts';

/** A source in memory, whose every call can be seen and made to fail. */
class Shelf implements WorkSource<string | undefined> {
  readonly items = new Map<string, string>();
  readonly told: string[] = [];
  lists = 0;
  failing: { list?: boolean; get?: boolean; done?: boolean } = {};

  async *list(signal: AbortSignal): AsyncIterable<{ readonly id: string }> {
    this.lists++;
    for (const id of [...this.items.keys()]) {
      await Promise.resolve();
      if (signal.aborted) return;
      yield { id };
    }
    if (this.failing.list === true) throw new Error('no list');
  }

  async get(id: string): Promise<string | undefined> {
    if (this.failing.get === true) throw new Error('no data');
    return this.items.get(id);
  }

  async done(id: string): Promise<void> {
    if (this.failing.done === true) throw new Error('not now');
    this.told.push(id);
    this.items.delete(id);
  }
}

interface Setting {
  readonly shelf: Shelf;
  readonly clock: VirtualClock;
  readonly store: QueueStore<string>;
}

function setting(options: SourceOptions = {}, ...ids: readonly string[]): Setting {
  const clock = new VirtualClock();
  const shelf = new Shelf();
  for (const id of ids) shelf.items.set(id, `data of ${id}`);
  return { shelf, clock, store: fromSource(shelf, { runtime: { clock, random: seededRandom(1) }, ...options }) };
}

/** Has the list read to its end, but nothing taken. */
async function listed({ store, clock }: Setting): Promise<void> {
  expect(await store.pull(0, 1_000)).toEqual([]);
  await clock.advance(1);
}

async function places(store: QueueStore<string>): Promise<readonly number[]> {
  const { waiting, delayed, leased, dead } = await store.counts();
  return [waiting, delayed, leased, dead];
}

/** The source is told in vain on purpose. */
const hushed = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
afterEach(() => vi.restoreAllMocks());

describe('fromSource', () => {
  it('gives what is listed, in order, with what there is to do', async () => {
    const made = setting({}, 'b', 'a', 'c');
    const { store } = made;
    await listed(made);
    const jobs = await store.pull(2, 1_000);
    expect(jobs.map(({ id, data, attempt, crashes }) => [id, data, attempt, crashes])).toEqual([
      ['b', 'data of b', 1, 0],
      ['a', 'data of a', 1, 0],
    ]);
    expect(await places(store)).toEqual([1, 0, 2, 0]);
    await store.close();
  });

  it('runs an id once, however often it is listed', async () => {
    const warnings = hushed();
    const { store, clock, shelf } = setting({ listEveryMs: 100 }, 'a', 'b');
    shelf.failing.done = true; // so that it goes on being listed
    const ran: string[] = [];
    for (let round = 0; round < 10; round++) {
      for (const job of await store.pull(1, 10_000)) {
        ran.push(job.id);
        expect(await store.settle([{ ...job, kind: 'done' }])).toEqual([true]);
      }
      await clock.advance(100);
    }
    expect(ran).toEqual(['a', 'b']);
    expect(shelf.lists).toBeGreaterThan(5);
    // The source is told when it can be.
    shelf.failing.done = false;
    await store.pull(1, 1_000);
    await clock.advance(1);
    expect(shelf.told.sort()).toEqual(['a', 'b']);
    expect(warnings.mock.calls.length).toBeGreaterThan(0);
  });

  it('takes for new what has left the list and comes back', async () => {
    const { store, clock, shelf } = setting({ listEveryMs: 100 }, 'a');
    for (let round = 0; round < 3; round++) {
      const [job] = await store.pull(1, 1_000);
      expect(job?.id).toBe('a');
      await store.settle([{ ...job!, kind: 'done' }]);
      await clock.advance(100);
      expect(await store.pull(1, 1_000)).toEqual([]);
      shelf.items.set('a', 'again');
      await clock.advance(100);
    }
  });

  it('asks at most so often, and one listing at a time', async () => {
    const { store, clock, shelf } = setting({ listEveryMs: 100 });
    for (let i = 0; i < 50; i++) {
      await Promise.all([store.pull(1, 1_000), store.pull(1, 1_000)]);
      await clock.advance(10);
    }
    expect(shelf.lists).toBeLessThanOrEqual(6);
  });

  it('charges nothing for data that cannot be got, and says so', async () => {
    const { store, clock, shelf } = setting({ retryMs: 50 }, 'a');
    shelf.failing.get = true;
    await expect(store.pull(1, 1_000)).rejects.toThrow('no data');
    expect(await places(store)).toEqual([0, 1, 0, 0]);
    shelf.failing.get = false;
    await clock.advance(50);
    const [job] = await store.pull(1, 1_000);
    expect([job?.id, job?.attempt]).toEqual(['a', 1]);
  });

  it('gives up what has gone before it was got', async () => {
    const made = setting({}, 'a', 'b');
    const { store, shelf } = made;
    shelf.items.set('b', undefined as never);
    await listed(made);
    expect((await store.pull(5, 1_000)).map(({ id }) => id)).toEqual(['a']);
    expect(await places(store)).toEqual([0, 0, 1, 0]);
  });

  it('has what a listing told before it failed, and says that it failed', async () => {
    const { store, clock, shelf } = setting({ listEveryMs: 100 });
    shelf.failing.list = true;
    await expect(store.pull(1, 1_000)).rejects.toThrow('no list');
    shelf.items.set('a', 'data');
    await clock.advance(100);
    const [a] = await store.pull(1, 1_000);
    expect(a?.id).toBe('a');
    await expect(store.pull(1, 1_000)).rejects.toThrow('no list');
    expect(await store.pull(1, 1_000)).toEqual([]);
  });

  it('loses no lease to a slow source, and gives a lost job again', async () => {
    const { store, clock } = setting({}, 'a');
    const [lost] = await store.pull(1, 100);
    expect(await store.extend([lost!], 200)).toEqual([true]);
    await clock.advance(150);
    expect(await store.pull(1, 100)).toEqual([]);
    await clock.advance(50);
    const [again] = await store.pull(1, 100);
    expect([again?.id, again?.attempt, again?.crashes]).toEqual(['a', 2, 1]);
    expect(await store.settle([{ ...lost!, kind: 'done' }])).toEqual([false]);
    expect(await store.extend([lost!], 100)).toEqual([false]);
  });

  it('keeps the dead, puts them back, and forgets them while they are listed', async () => {
    const made = setting({ listEveryMs: 100 }, 'a', 'b');
    const { store, clock, shelf } = made;
    await listed(made);
    for (const job of await store.pull(2, 1_000)) {
      await store.settle([{ ...job, kind: 'dead', reason: 'failed', error: 'no' }]);
    }
    const dead = [];
    for await (const { id, data, reason, error, attempts } of store.dead.list())
      dead.push([id, data, reason, error, attempts]);
    expect(dead).toEqual([
      ['a', 'data of a', 'failed', 'no', 1],
      ['b', 'data of b', 'failed', 'no', 1],
    ]);
    expect(await store.dead.redrive(['a', 'nobody'])).toBe(1);
    expect(await store.dead.purge()).toBe(1);
    await clock.advance(100);
    expect((await store.pull(5, 1_000)).map(({ id, attempt }) => [id, attempt])).toEqual([['a', 1]]);
    await clock.advance(100);
    expect(await store.pull(5, 1_000)).toEqual([]);
    expect(shelf.items.size).toBe(2);
  });

  it('does not run what was cancelled, though it is listed', async () => {
    const { store, clock } = setting({ listEveryMs: 100 }, 'a', 'b', 'c');
    const [a] = await store.pull(1, 1_000);
    expect(await store.cancel(['a', 'b', 'nobody'])).toEqual([false, true, false]);
    await store.settle([{ ...a!, kind: 'cancelled' }]);
    await clock.advance(100);
    expect((await store.pull(5, 1_000)).map(({ id }) => id)).toEqual(['c']);
  });

  it('wakes when it is time to ask again, until it is closed', async () => {
    const { store, clock } = setting({ listEveryMs: 100 });
    let wakes = 0;
    const end = store.wake(() => wakes++);
    await clock.advance(350);
    expect(wakes).toBe(3);
    end();
    store.wake(() => wakes++);
    await store.close();
    await clock.advance(1_000);
    expect(wakes).toBe(3);
  });

  it('has its listing end when it is closed', async () => {
    let aborted = false;
    const store = fromSource<string>({
      async *list(signal) {
        yield { id: 'a' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted = true;
      },
      get: async (id) => id,
    });
    // The first that is listed is there before the rest is.
    expect((await store.pull(1, 1_000)).map(({ id }) => id)).toEqual(['a']);
    const waiting = store.pull(1, 1_000);
    await store.close();
    expect(await waiting).toEqual([]);
    await Promise.resolve();
    expect(aborted).toBe(true);
  });

  it('runs an id once from a source that is not told', async () => {
    const clock = new VirtualClock();
    const items = new Set(['a']);
    const runtime = { clock, random: seededRandom(1) };
    const store = fromSource<string>(
      {
        async *list() {
          for (const id of items) yield { id };
        },
        get: async (id) => id,
      },
      { listEveryMs: 10, runtime },
    );
    const ran: string[] = [];
    const round = async (): Promise<void> => {
      for (const job of await store.pull(5, 1_000)) {
        ran.push(job.id);
        await store.settle([{ ...job, kind: 'done' }]);
      }
      await clock.advance(10);
    };
    for (let i = 0; i < 5; i++) await round();
    expect(ran).toEqual(['a']);
    items.delete('a');
    await round();
    items.add('a');
    await round();
    expect(ran).toEqual(['a', 'a']);
  });

  it('refuses what it cannot do', async () => {
    const { store } = setting();
    await expect(store.put([], { max: 1, overflow: 'reject' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(() => fromSource({} as never)).toThrow('source must be a source of work, got an object');
    expect(() => fromSource(new Shelf(), { listEveryMs: 0 })).toThrow('listEveryMs must be');
  });

  it('has everything that is listed done at least once, and at rest nothing is left', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), id: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
      fc.record({ kind: fc.constantFrom('done' as const, 'retry' as const, 'release' as const, 'lose' as const) }),
      fc.record({ kind: fc.constant('fail' as const), what: fc.constantFrom('list', 'get', 'done'), on: fc.boolean() }),
    );
    hushed();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { store, clock, shelf } = setting({ listEveryMs: 10, retryMs: 5 });
        const pull = () => store.pull(2, 20).catch(() => []);
        for (const one of steps) {
          if (one.kind === 'add') shelf.items.set(one.id, 'data');
          else if (one.kind === 'fail') shelf.failing = { ...shelf.failing, [one.what]: one.on };
          else {
            for (const job of await pull()) {
              if (one.kind === 'done') await store.settle([{ ...job, kind: 'done' }]);
              if (one.kind === 'retry') await store.settle([{ ...job, kind: 'retry', delayMs: 3, error: 'no' }]);
              if (one.kind === 'release') await store.settle([{ ...job, kind: 'release', delayMs: 0 }]);
            }
          }
          await clock.advance(4);
        }
        shelf.failing = {};
        for (let i = 0; i < 20; i++) {
          for (const job of await pull()) await store.settle([{ ...job, kind: 'done' }]);
          await clock.advance(10);
        }
        expect([...shelf.items.keys()]).toEqual([]);
        expect(await places(store)).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: runs(2) },
    );
  });
});
