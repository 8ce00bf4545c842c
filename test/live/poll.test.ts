import { poll, type PollBatch } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { bad, expectInvalid, finish, listenersOf, steady, thrownBy } from '../support/serving.ts';

/** Takes so many items under virtual time, each as soon as it is there. */
async function take<T>(clock: VirtualClock, source: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  const reading = (async () => {
    for await (const item of source) if (taken.push(item) === count) break;
  })();
  await finish(clock, reading);
  return taken;
}

describe('a poll', () => {
  it('goes on after a restart where the one before was, when the cursor is saved behind each item', async () => {
    const clock = new VirtualClock();
    const log = Array.from({ length: 100 }, (_, i) => i);
    const from = (cursor = 0): PollBatch<number, number> => {
      const items = log.slice(cursor, cursor + 7);
      return { cursor: cursor + items.length, items, more: cursor + items.length < log.length };
    };
    const handled: number[] = [];
    let saved: number | undefined;
    // Each run handles a few items and is killed: the last one is handled, and not saved.
    for (let run = 0; handled.at(-1) !== 99; run++) {
      const source = poll(from, { cursor: saved, runtime: steady(clock) });
      const most = 5 + (run % 11);
      let count = 0;
      const reading = (async () => {
        for await (const item of source) {
          handled.push(item);
          if (++count > most || item === 99) break;
          saved = source.cursor;
        }
      })();
      await finish(clock, reading);
    }
    expect(new Set(handled)).toEqual(new Set(log));
    // What is given again is never more than a batch.
    handled.forEach((item, i) => expect(item).toBeGreaterThan((handled[i - 1] ?? -1) - 7));
  });

  it('answers several at once, in order, and ends them all', async () => {
    const clock = new VirtualClock();
    const source = poll<number, number>((cursor = 0) => ({ cursor: cursor + 2, items: [cursor, cursor + 1] }), {
      everyMs: 10,
      runtime: steady(clock),
    });
    const all = Array.from({ length: 5 }, () => source.next());
    await clock.advance(15);
    void source.return();
    expect(await Promise.all(all)).toEqual([
      { done: false, value: 0 },
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: false, value: 3 },
      { done: true, value: undefined },
    ]);
    expect([source.cursor, clock.pending]).toEqual([4, 0]);
  });

  it('is asked for more while a fetch is under way without another fetch', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const starts: number[] = [];
    const source = poll<number, number>(
      async (cursor = 0) => {
        starts.push(clock.now());
        await clock.sleep(20);
        return { cursor: cursor + 1, items: [cursor] };
      },
      { everyMs: 100, jitter: 0, signal: stop.signal, runtime: steady(clock) },
    );
    const all = [source.next()];
    await clock.advance(10);
    all.push(source.next());
    await clock.advance(100);
    expect(starts).toEqual([0]);
    await clock.advance(200);
    expect(await Promise.all(all)).toEqual([0, 1].map((value) => ({ done: false, value })));
    expect([starts, listenersOf(stop.signal), clock.pending]).toEqual([[0, 120], 0, 0]);
  });

  it('takes a batch of a class, with getters', async () => {
    const clock = new VirtualClock();
    class Page {
      readonly #from: number;
      constructor(from: number) {
        this.#from = from;
      }
      get cursor(): number {
        return this.#from + 1;
      }
      get items(): number[] {
        return [this.#from];
      }
    }
    const source = poll<number, number>((from = 0) => new Page(from), { everyMs: 1, runtime: steady(clock) });
    expect(await take(clock, source, 3)).toEqual([0, 1, 2]);
    expect(source.cursor).toBe(3);
  });

  it('ends at once while a fetch is stuck, by return, dispose or signal', async () => {
    for (const how of ['return', 'dispose', 'signal'] as const) {
      const clock = new VirtualClock();
      const stop = new AbortController();
      let signal: AbortSignal | undefined;
      const source = poll(
        (_, given) => {
          signal = given;
          return new Promise<never>(() => undefined);
        },
        { signal: stop.signal, runtime: steady(clock) },
      );
      const waiting = source.next();
      await clock.advance(5);
      expect([signal?.aborted, listenersOf(stop.signal)]).toEqual([false, 1]);
      if (how === 'return') await source.return();
      else if (how === 'dispose') await source[Symbol.asyncDispose]();
      else stop.abort();
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect([signal?.aborted, clock.pending, listenersOf(stop.signal)]).toEqual([true, 0, 0]);
      expect((await source.next()).done).toBe(true);
    }
  });

  it('does nothing with a signal that has aborted already', async () => {
    let fetches = 0;
    const source = poll(() => ({ cursor: ++fetches, items: [] }), { signal: AbortSignal.abort() });
    expect([(await source.next()).done, fetches]).toEqual([true, 0]);
  });

  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['no items', { cursor: 1 }],
    ['items that cannot be listed', { cursor: 1, items: 5 }],
  ])('takes an answer of %s for a failure', async (_, answer) => {
    const clock = new VirtualClock();
    const errors: unknown[] = [];
    const source = poll(() => bad(answer), { runtime: steady(clock) });
    source.on('failed', ({ error }) => errors.push(error));
    void source.next();
    await clock.advance(10);
    expect(errors).toEqual([expect.any(TypeError)]);
    await source.return();
  });

  it.each<readonly [string, object, string]>([
    ['everyMs', { everyMs: -1 }, 'everyMs must be a finite number >= 1, got -1'],
    ['signal', { signal: 5 }, 'signal must be an AbortSignal, got 5'],
    [
      'a name that there is not',
      { interval: 1 },
      'poll has no option "interval"; it has everyMs, jitter, backoff, timeoutMs, runtime, cursor, signal',
    ],
  ])('refuses a bad %s', (_, options, message) => {
    expectInvalid(
      thrownBy(() => poll(() => ({ cursor: 0, items: [] }), bad(options))),
      message,
    );
  });

  it('refuses a fetch that is none', () => {
    expectInvalid(
      thrownBy(() => poll(bad('url'))),
      'fetch must be a function, got "url"',
    );
  });
});

/** Redis' slow log: the newest first, ids that begin at 0 again with the server, and so many entries at most. */
class SlowLog {
  entries: { readonly id: number; readonly command: string }[] = [];
  #next = 0;

  add(...commands: readonly string[]): void {
    for (const command of commands) this.entries.unshift({ id: this.#next++, command });
    this.entries.splice(8);
  }

  restart(): void {
    this.entries = [];
    this.#next = 0;
  }

  readonly fetch = (last = -1): PollBatch<string, number> => {
    const rows = this.entries.toReversed();
    const top = rows.at(-1)?.id ?? last;
    const isNew = rows.filter(({ id }) => top < last || id > last);
    const missed = top < last ? 0 : Math.max(0, (isNew[0]?.id ?? last + 1) - last - 1);
    return { cursor: top, items: isNew.map(({ command }) => command), missed };
  };
}

// https://github.com/mominosin/fluent-plugin-redis-slowlog: fails on an empty log, forgets its position, skips after a
// restart of the server, and tells of no gap.
describe('fluent-plugin-redis-slowlog', () => {
  const setting = () => {
    const clock = new VirtualClock();
    const log = new SlowLog();
    const options = { everyMs: 10, jitter: 0, runtime: steady(clock) };
    return { clock, log, options };
  };

  it('an empty log is no failure', async () => {
    const { clock, log, options } = setting();
    const source = poll(log.fetch, options);
    const failures: unknown[] = [];
    source.on('failed', (failure) => failures.push(failure));
    const first = source.next();
    await clock.advance(100);
    log.add('get a');
    await clock.advance(10);
    expect([await first, failures]).toEqual([{ done: false, value: 'get a' }, []]);
    await source.return();
  });

  it('a restart of ours neither doubles nor loses', async () => {
    const { clock, log, options } = setting();
    log.add('get a', 'get b');
    const before = poll(log.fetch, options);
    expect(await take(clock, before, 2)).toEqual(['get a', 'get b']);
    log.add('get c');
    const after = poll(log.fetch, { ...options, cursor: before.cursor });
    expect(await take(clock, after, 1)).toEqual(['get c']);
  });

  it('a restart of the server loses nothing', async () => {
    const { clock, log, options } = setting();
    log.add('get a', 'get b', 'get c');
    const source = poll(log.fetch, options);
    for (const value of ['get a', 'get b', 'get c']) {
      const next = source.next();
      await clock.advance(10);
      expect(await next).toEqual({ done: false, value });
    }
    log.restart();
    log.add('get d');
    const next = source.next();
    await clock.advance(10);
    expect([await next, source.cursor]).toEqual([{ done: false, value: 'get d' }, 0]);
    await source.return();
  });

  it('a gap is told of', async () => {
    const { clock, log, options } = setting();
    log.add('get a');
    const source = poll(log.fetch, options);
    const gaps: unknown[] = [];
    source.on('missed', (gap) => gaps.push(gap));
    void source.next();
    await clock.advance(10);
    log.add(...Array.from({ length: 11 }, (_, i) => `set ${String(i)}`));
    const next = source.next();
    await clock.advance(10);
    expect([await next, gaps]).toEqual([{ done: false, value: 'set 3' }, [{ missed: 3, from: 0, to: 11 }]]);
    await source.return();
  });
});
