/* How campaigns, terms and observations end: what is waited for, what is not, and what is left behind. */

import { Election, isLeadershipLost, type LeaseStore, type Term } from 'holdfast/election';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { hang, make, stalling } from './support/electorate.ts';

describe('resign', () => {
  it('calls off neither a release that is under way', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let asked: AbortSignal | undefined;
    const release: LeaseStore['release'] = async (held, signal) => {
      asked = signal;
      await clock.sleep(400);
      return await memory.release(held, signal);
    };
    const election = candidate('a', {}, seenAs({ release }));
    const term = await settled(election.acquire());
    const ended = [term.resign(), term.resign()];
    await clock.advance(100);
    ended.push(term.resign(), election.close());
    await clock.advance(100);
    expect(asked?.aborted).toBe(false);
    await settled(Promise.all(ended));
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await closeAll();
  });

  it('nor the read that says whether there is a lease to give back, but the acquisition before it', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    const calls: [string, AbortSignal][] = [];
    const store = seenAs({
      acquire: async (candidacy, signal) => {
        calls.push(['acquire', signal]);
        await memory.acquire(candidacy, signal);
        return await hang(); // done, and not answered
      },
      read: async (key, signal) => {
        calls.push(['read', signal]);
        await clock.sleep(300);
        return await memory.read(key, signal);
      },
    });
    const election = candidate('a', {}, store);
    const ending = new AbortController();
    const campaign = election.acquire({ signal: ending.signal });
    campaign.catch(() => undefined);
    await clock.advance(10);
    ending.abort('enough');
    await expect(campaign).rejects.toBe('enough');
    await clock.advance(100);
    const closed = election.close();
    await clock.advance(100);
    expect(calls.map(([kind, { aborted }]) => [kind, aborted])).toEqual([
      ['acquire', true],
      ['read', false],
    ]);
    await settled(closed);
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await closeAll();
  });

  it('nor the look of a leader that had a hint', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let look: AbortSignal | undefined;
    const read: LeaseStore['read'] = async (key, signal) => {
      look = signal;
      await clock.sleep(200);
      return await memory.read(key, signal);
    };
    const term = await settled(candidate('a', {}, seenAs({ read })).acquire());
    await clock.advance(200);
    const { record } = (await memory.acquire({ key: 'x', holder: 'a', nonce: (await memory.read('x', new AbortController().signal))!.nonce, ttlMs: 2_000 }, new AbortController().signal)) as { record?: unknown }; // prettier-ignore
    expect(record).toBeDefined(); // a write that is not the leader's: a hint
    await clock.advance(10);
    expect(look?.aborted).toBe(false);
    const resigned = term.resign();
    await clock.advance(10);
    expect(look?.aborted).toBe(false);
    await settled(resigned);
    await closeAll();
  });

  it('nor the release of a lease that came too late', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    const released: AbortSignal[] = [];
    const store = seenAs({
      acquire: async (candidacy, end) => {
        const result = await memory.acquire(candidacy, end);
        if (result.granted) await clock.sleep(450);
        // A second less than was asked for: it is over when it comes.
        return result.granted ? { ...result, record: { ...result.record, ttlMs: 500 } } : result;
      },
      release: async (held, end) => {
        released.push(end);
        await clock.sleep(300);
        return await memory.release(held, end);
      },
    });
    const ending = new AbortController();
    const ended = candidate('a', {}, store).terms({ signal: ending.signal }).next();
    await clock.advance(500);
    expect(released).toHaveLength(1);
    ending.abort();
    expect(await settled(ended)).toEqual({ done: true, value: undefined });
    expect(released[0]!.aborted).toBe(false);
    await clock.advance(300);
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await closeAll();
  });

  it('calls off an acquisition from a listener too', async () => {
    const { clock, candidate, seenAs, settled, closeAll } = make();
    let asked: AbortSignal | undefined;
    const store = seenAs({ acquire: (_, end) => ((asked = end), hang()) });
    const election = candidate('a', { ttlMs: 20_000 }, store);
    const ending = new AbortController();
    election.on('transition', ({ to }) => {
      if (to === 'acquiring') ending.abort();
    });
    const ended = election.terms({ signal: ending.signal }).next();
    expect(await settled(ended)).toEqual({ done: true, value: undefined });
    expect(asked!.aborted).toBe(true);
    expect(clock.now()).toBeLessThan(100);
    await closeAll();
  });

  it('gives back what was granted long after it was called off', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    const { signal } = new AbortController();
    const store = seenAs({
      // It does not heed its signal.
      acquire: async (candidacy) => {
        await clock.sleep(900);
        return await memory.acquire(candidacy, signal);
      },
    });
    const ending = new AbortController();
    const ended = candidate('a', {}, store).terms({ signal: ending.signal }).next();
    await clock.advance(100);
    ending.abort();
    expect(await settled(ended)).toEqual({ done: true, value: undefined });
    expect(await memory.read('x', signal)).toBe(null);
    await clock.advance(1_000);
    expect(await memory.read('x', signal)).toMatchObject({ holder: null });
    await closeAll();
  });

  it('tells the body to stop at once, and leaves it the term until it has', async () => {
    const { clock, candidate, settled, closeAll } = make();
    let term: Term | undefined;
    void candidate('a').run(async (begun) => {
      term = begun;
      await clock.sleep(500);
    });
    await clock.advance(10);
    expect(term!.signal.aborted).toBe(false);
    const resigned = term!.resign();
    expect([term!.signal.aborted, term!.remainingMs() > 0]).toEqual([true, true]);
    await settled(resigned);
    expect(term!.remainingMs()).toBe(0);
    await closeAll();
  });

  it('resolves when the term is lost first, though its body goes on', async () => {
    const { clock, candidate, seenAs, settled, closeAll } = make();
    let term: Term | undefined;
    let finish = (): void => undefined;
    const body = (mine: Term): Promise<void> => ((term = mine), new Promise((resolve) => (finish = resolve)));
    const ending = new AbortController();
    const run = candidate('a', {}, seenAs({ renew: hang })).run(body, { signal: ending.signal });
    await clock.advance(10);
    await settled(term!.resign({ drainMs: 60_000 }));
    expect(() => term!.check()).toThrow('expired');
    ending.abort();
    finish();
    await settled(run);
    await closeAll();
  });
});

describe('close', () => {
  it('ends all who wait, in every way to wait', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const leader = candidate('leader');
    const term = await settled(leader.acquire());
    const election = candidate('a');
    let bodies = 0;
    const waits = [
      election.acquire().catch((error: unknown) => error),
      election.acquire().catch((error: unknown) => error),
      election.run(() => (bodies++, undefined)),
      election.terms().next(),
      election.observe().next().then(() => 'shown'), // prettier-ignore
    ];
    const observed = election.observe();
    await observed.next();
    const waits2 = observed.next();
    await clock.advance(3_000);
    const fromMs = clock.now();
    await settled(election.close());
    expect(clock.now() - fromMs).toBeLessThanOrEqual(10);
    const closed: unknown = expect.objectContaining({ code: 'CLOSED' });
    expect(await Promise.all(waits)).toEqual([closed, closed, undefined, { done: true, value: undefined }, 'shown']);
    expect(await waits2).toEqual({ done: true, value: undefined });
    await settled(term.resign());
    await clock.advance(10_000);
    expect(bodies).toBe(0);
    expect(() => election.terms()).toThrow('the election is closed');
    await expect(election.run(() => undefined)).rejects.toThrow('the election is closed');
    await closeAll();
  });

  it('does not let them wait for a body that does not stop', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const election = candidate('a', { drainMs: 5_000 });
    void election.run(hang);
    await clock.advance(100);
    const waiting = election.acquire().catch((error: unknown) => error);
    await clock.advance(100);
    const closed = election.close();
    const fromMs = clock.now();
    expect(await settled(waiting)).toMatchObject({ code: 'CLOSED' });
    expect(clock.now() - fromMs).toBeLessThanOrEqual(10);
    await settled(closed);
    await closeAll();
  });

  it('leaves a body behind that does not stop: after drainMs and two calls, with nothing left open at the store', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    const watches: AbortSignal[] = [];
    const store = seenAs({ watch: (key, end) => (watches.push(end), memory.watch(key, end)) });
    const election = candidate('a', { drainMs: 700, requestMs: 300 }, store);
    void election.run(hang);
    await clock.advance(100);
    expect(watches.map(({ aborted }) => aborted)).toEqual([false]);
    let closed = false;
    const closing = election.close().then(() => (closed = true));
    await clock.advance(700 + 2 * 300 - 1);
    expect(closed).toBe(false);
    await clock.advance(1);
    expect(closed).toBe(true);
    expect(watches.map(({ aborted }) => aborted)).toEqual([true]);
    await settled(closing);
    await closeAll();
  });

  it('waits until what was granted unheard is given back', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let released = false;
    const store = seenAs({
      acquire: async (candidacy, signal) => {
        await memory.acquire(candidacy, signal);
        throw new Error('the answer was lost');
      },
      release: async (held, signal) => {
        await clock.sleep(450);
        released = await memory.release(held, signal);
        return released;
      },
    });
    const election = candidate('a', {}, store);
    election.acquire().catch(() => undefined);
    await clock.advance(10);
    await settled(election.close());
    expect(released).toBe(true);
    await closeAll();
  });
});

describe('run', () => {
  it('stands again when its body ended after a loss that nobody had noticed', async () => {
    const { clock, candidate, seenAs, settled, closeAll, log } = make();
    const quiet: LeaseStore = seenAs({});
    delete quiet.watch; // a hint would show it
    const stall = stalling(clock);
    const runtime = { clock: stall.clock, random: seededRandom(3) };
    const election = candidate('a', { runtime }, quiet);
    let terms = 0;
    const run = election.run(() => {
      if (++terms === 1) stall.aheadMs = 60_000;
    });
    await settled(run);
    expect(terms).toBe(2);
    expect(log).toContain('a leading > lost: stalled');
    await closeAll();
  });

  it('hears of the loss where it awaits that its news are stored', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let silent = true;
    const store = seenAs({ renew: (...args) => (silent ? hang() : memory.renew(...args)) });
    const caught: unknown[] = [];
    const run = candidate('a', {}, store).run(async (term) => {
      if (caught.length > 0) return;
      await term.update('news').catch((error: unknown) => caught.push(error));
      silent = false;
    });
    await settled(run);
    expect(caught).toEqual([expect.objectContaining({ message: expect.stringMatching(/of the election "x" is over: expired/) as string })]); // prettier-ignore
    expect(isLeadershipLost(caught[0])).toBe(true);
    expect(clock.now()).toBeLessThan(6_000);
    await closeAll();
  });
});

/** A store whose watches are counted, and whose calls hang when told to. */
function counted(clock: VirtualClock) {
  const { memory, seenAs } = make();
  const state = { watches: 0, silent: false };
  const store = seenAs({
    read: (...args) => (state.silent ? hang() : memory.read(...args)),
    acquire: (...args) => (state.silent ? hang() : memory.acquire(...args)),
    watch: (key, signal) => {
      state.watches++;
      signal.addEventListener('abort', () => state.watches--, { once: true });
      return memory.watch(key, signal);
    },
  });
  const settled = async (promise: Promise<unknown>): Promise<void> => {
    let done = false as boolean;
    void promise.finally(() => (done = true));
    while (!done) await clock.advance(10);
  };
  return { state, store, settled };
}

describe.each(['observe', 'terms'] as const)('%s', (what) => {
  const open = (election: Election, signal: AbortSignal): AsyncIterableIterator<unknown> => election[what]({ signal });

  it.each(['waits', 'is at a step', 'has not begun'])(
    'ends at once when it %s, and leaves nothing behind',
    async (when) => {
      const clock = new VirtualClock();
      await failOnLeaks(
        async ({ runtime, signal }) => {
          const { state, store, settled } = counted(clock);
          const election = new Election(store, { name: 'x', id: 'a', ttlMs: 2_000, runtime });
          const iterator = open(election, signal);
          if (when === 'is at a step') await iterator.next();
          state.silent = when === 'waits';
          const waiting = when === 'waits' ? iterator.next() : undefined;
          await clock.advance(100);
          const fromMs = clock.now();
          expect(await iterator.return!()).toEqual({ done: true, value: undefined });
          expect(clock.now()).toBe(fromMs);
          if (waiting !== undefined) expect(await waiting).toEqual({ done: true, value: undefined });
          await Promise.resolve();
          if (what === 'observe') expect([state.watches, clock.pending]).toEqual([0, 0]);
          expect(await iterator.next()).toEqual({ done: true, value: undefined });
          await settled(election.close());
          expect([state.watches, clock.pending]).toEqual([0, 0]);
        },
        { clock },
      );
    },
  );

  it('ends with its signal, also one that has aborted before', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      async ({ runtime, signal, abort }) => {
        const { state, store, settled } = counted(clock);
        const election = new Election(store, { name: 'x', id: 'a', ttlMs: 2_000, runtime });
        state.silent = true;
        const waiting = open(election, signal).next();
        await clock.advance(100);
        abort('enough');
        expect(await waiting).toEqual({ done: true, value: undefined });
        expect(await open(election, signal).next()).toEqual({ done: true, value: undefined });
        await settled(election.close());
        expect([state.watches, clock.pending]).toEqual([0, 0]);
      },
      { clock },
    );
  });
});
