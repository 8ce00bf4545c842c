import {
  Election,
  type ElectionOptions,
  isLeadershipLost,
  type LeaseStore,
  MemoryLeaseStore,
  type Term,
} from 'holdfast/election';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { catchWarnings } from '../support/serving.ts';
import { hang, make, stalling, ttlMs, untilStopped } from './support/electorate.ts';

describe('run', () => {
  it('leads, gives back when its signal aborts and the body has stopped, and lets the next lead at once', async () => {
    const { clock, candidate, closeAll, log } = make();
    const seen: string[] = [];
    const ending = new AbortController();
    const body = async (term: Term): Promise<void> => {
      seen.push(`${term.id} leads`);
      await untilStopped(term);
      await clock.sleep(300);
      term.check();
      seen.push(`${term.id} stops`);
    };
    const first = candidate('a').run(body, { signal: ending.signal });
    await clock.advance(10);
    void candidate('b').run(body);
    await clock.advance(20_000);
    expect(seen).toEqual(['a leads']);
    ending.abort();
    await clock.advance(299);
    expect(seen).toEqual(['a leads']);
    await clock.advance(1);
    await first;
    expect(seen).toEqual(['a leads', 'a stops', 'b leads']);
    await closeAll();
    expect(log.filter((line) => line.startsWith('a'))).toEqual([
      'a idle > acquiring: free',
      'a acquiring > leading: granted',
      'a leading > draining: resigned',
      'a draining > released: released',
    ]);
  });

  it('comes back with the body, and gives back before', async () => {
    const { candidate, settled, closeAll, memory } = make();
    await settled(candidate('a').run((term) => expect(term.remainingMs()).toBeGreaterThan(1_800)));
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await expect(settled(candidate('b').run(() => Promise.reject(new Error('broken'))))).rejects.toThrow('broken');
    await closeAll();
  });

  it('loses its term when the store is silent for too long, tells the body before another can lead, and stands again', async () => {
    const { clock, candidate, seenAs, closeAll, log } = make();
    let silent = false;
    const store = seenAs({
      renew: (...args) => (silent ? hang() : seenAs({}).renew(...args)),
      acquire: (...args) => (silent ? hang() : seenAs({}).acquire(...args)),
    });
    const terms: Term[] = [];
    const lostMs: number[] = [];
    const body = async (term: Term): Promise<void> => {
      terms.push(term);
      await untilStopped(term);
      lostMs.push(clock.now());
    };
    void candidate('a', {}, store).run(body);
    await clock.advance(10);
    void candidate('b').run(body);
    await clock.advance(1_000);
    silent = true;
    const fromMs = clock.now();
    await clock.advance(10_000);
    expect(terms.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(terms[1]!.token).toBeGreaterThan(terms[0]!.token);
    expect(lostMs[0]! - fromMs).toBeLessThan(0.98 * ttlMs - 100);
    expect(() => { terms[0]!.check(); }).toThrow(/^term \d+ of the election "x" is over: expired/); // prettier-ignore
    expect(log).toContain('a leading > atRisk: unanswered');
    expect(log).toContain('a atRisk > lost: expired');
    silent = false;
    await closeAll();
  });

  it('keeps the next body waiting until the one before has settled', async () => {
    const { clock, candidate, seenAs, closeAll } = make();
    let bodies = 0;
    let most = 0;
    let calls = 0;
    const election = candidate('a', {}, seenAs({ renew: () => { calls++; return Promise.resolve([null]); } })); // prettier-ignore
    void election.run(async () => {
      most = Math.max(most, ++bodies);
      await clock.sleep(7_000);
      bodies--;
    });
    await clock.advance(3_000);
    expect(calls).toBe(1);
    expect(election.health(1_000)).toEqual({
      ok: false,
      reason: expect.stringContaining('its body goes on') as string,
    });
    await clock.advance(30_000);
    expect(most).toBe(1);
    expect(calls).toBeGreaterThan(2);
    await closeAll();
  });

  it('leaves the lease to expire when the body does not stop in time', async () => {
    const { clock, candidate, closeAll, memory, log, settled } = make();
    const election = candidate('a', { drainMs: 1_000 });
    void election.run(hang);
    await clock.advance(10);
    await settled(election.close());
    expect(log.at(-1)).toBe('a draining > lost: drainTimeout');
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: 'a' });
    await closeAll();
  });

  it('reports what a body throws after its loss, but for the loss itself', async () => {
    const warnings = catchWarnings();
    for (const thrown of ['own', 'loss']) {
      const { clock, candidate, seenAs, closeAll } = make();
      let terms = 0;
      const election = candidate('a', {}, seenAs({ renew: () => Promise.resolve([null]) }));
      void election.run(async (term) => {
        if (terms++ > 0) return;
        await untilStopped(term);
        if (thrown === 'own') throw new Error('something else');
        term.check();
      });
      await clock.advance(10_000);
      expect(terms).toBe(2);
      await closeAll();
    }
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: the body of an election failed after its term was lost: something else',
    ]);
  });
});

describe('a term', () => {
  it('knows that it is over in the statement after a stall, before any timer', async () => {
    const { clock, candidate, closeAll, settled } = make();
    const stall = stalling(clock);
    const election = candidate('a', { runtime: { clock: stall.clock, random: seededRandom(3) } });
    const heard: string[] = [];
    election.on('lost', ({ reason }) => heard.push(reason));
    const term = await settled(election.acquire());
    expect(term.signal.aborted).toBe(false);
    stall.aheadMs = 60_000;
    expect(term.signal.aborted).toBe(true);
    expect(heard).toEqual(['stalled']);
    expect(term.remainingMs()).toBe(0);
    expect(() => { term.check(); }).toThrow('stalled'); // prettier-ignore
    expect(() => { term.signal.throwIfAborted(); }).toThrow('stalled'); // prettier-ignore
    await settled(term.resign());
    await closeAll();
  });

  it('has its reason in a listener too, where the loss is not told yet', async () => {
    const { clock, candidate, settled, closeAll, log } = make();
    const stall = stalling(clock);
    const election = candidate('a', { runtime: { clock: stall.clock, random: seededRandom(3) } });
    const term = await settled(election.acquire());
    expect([term.signal.aborted, term.signal.reason]).toEqual([false, undefined]);
    const seen: unknown[] = [];
    election.once('renewed', () => {
      stall.aheadMs = 60_000;
      seen.push(term.signal.aborted, term.signal.reason);
      for (const ask of [
        () => {
          term.signal.throwIfAborted();
        },
        () => {
          term.check();
        },
      ])
        // prettier-ignore
        try {
          ask();
        } catch (error) {
          seen.push(error);
        }
    });
    await clock.advance(1_000);
    const { reason } = term.signal as { readonly reason: unknown };
    expect(reason).toSatisfy(isLeadershipLost);
    expect((reason as Error).message).toBe('term 1 of the election "x" is over: its time has run out');
    expect(seen).toEqual([true, reason, reason, reason]);
    expect(log).toContain('a leading > lost: stalled');
    await settled(term.resign());
    await closeAll();
  });

  it('shows the reason to who asks for it first after a stall', async () => {
    const { clock, candidate, settled, closeAll } = make();
    for (const ask of [
      ({ signal }: Term): unknown => signal.reason,
      ({ signal }: Term): unknown => {
        try {
          signal.throwIfAborted();
        } catch (error) {
          return error;
        }
        return undefined;
      },
    ]) {
      // prettier-ignore
      const stall = stalling(clock);
      const term = await settled(
        candidate('a', { runtime: { clock: stall.clock, random: seededRandom(3) } }).acquire(),
      );
      expect(ask(term)).toBe(undefined);
      stall.aheadMs = 60_000;
      expect(ask(term)).toMatchObject({
        code: 'LEADERSHIP_LOST',
        message: expect.stringContaining('stalled') as string,
      });
      await settled(term.resign());
      await clock.advance(5_000);
    }
    await closeAll();
  });

  it.each([
    ['the wall clock leaps ahead, as after a sleep of the machine', 60_000, true],
    ['the wall clock is set back', -60_000, false],
  ])('%s', async (_, leapMs, over) => {
    const { clock, candidate, closeAll, settled } = make();
    const odd = stalling(clock);
    const term = await settled(candidate('a', { runtime: { clock: odd.clock, random: seededRandom(3) } }).acquire());
    odd.leapMs = leapMs;
    expect(term.signal.aborted).toBe(over);
    await settled(term.resign());
    await closeAll();
  });

  it('checks for time that is left, guards, and tells the token', async () => {
    const { clock, candidate, closeAll, settled } = make();
    const term = await settled(candidate('a').acquire());
    term.check(1_800);
    expect(() => { term.check(1_900); }).toThrow(/^term 1 of .+ has 18\d\d ms left, and 1900 are asked for$/); // prettier-ignore
    expect(await term.guard((token) => token)).toBe(term.token);
    const late = term.guard(async () => {
      await clock.sleep(10);
      await term.resign();
      return 'done';
    });
    await expect(settled(late)).rejects.toSatisfy(isLeadershipLost);
    await expect(term.guard(() => 1)).rejects.toSatisfy(isLeadershipLost);
    await expect(term.update('x')).rejects.toSatisfy(isLeadershipLost);
    await closeAll();
  });

  it('tells the world, and tells it anew', async () => {
    const { clock, candidate, closeAll, settled } = make();
    const shown: unknown[] = [];
    const watcher = candidate('w');
    void (async () => {
      for await (const leader of watcher.observe()) shown.push(leader);
    })();
    await clock.advance(1);
    const term = await settled(candidate('a', { meta: { url: 'http://a' } }).acquire());
    await clock.advance(1);
    await settled(term.update({ url: 'http://b' }));
    await clock.advance(1);
    await settled(term.resign());
    await clock.advance(1);
    const { token } = term;
    expect(shown).toEqual([
      null,
      { id: 'a', token, meta: { url: 'http://a' } },
      { id: 'a', token, meta: { url: 'http://b' } },
      null,
    ]);
    await closeAll();
  });

  it('goes to whom it is given, though another waits longer', async () => {
    const { clock, candidate, closeAll, settled } = make();
    const term = await settled(candidate('a').acquire());
    const order: string[] = [];
    for (const id of ['b', 'c', 'd']) {
      void candidate(id).run(async (mine) => {
        order.push(mine.id);
        await untilStopped(mine);
      });
      await clock.advance(5);
    }
    await settled(term.resign({ to: 'd' }));
    await clock.advance(100);
    expect(order).toEqual(['d']);
    await closeAll();
  });
});

describe('acquire and terms', () => {
  it('wait for their turn, and end with their signal at once', async () => {
    const { clock, candidate, closeAll, settled } = make();
    const election = candidate('a');
    const term = await settled(election.acquire());
    const gone = new AbortController();
    const second = election.acquire({ signal: gone.signal });
    const third = election.acquire();
    second.catch(() => undefined);
    await clock.advance(1_000);
    gone.abort('gone');
    await expect(second).rejects.toBe('gone');
    const other = candidate('b').acquire({ signal: AbortSignal.abort('before') });
    await expect(other).rejects.toBe('before');
    await settled(term.resign());
    const next = await settled(third);
    expect(next.token).toBeGreaterThan(term.token);
    await settled(next.resign());
    await closeAll();
  });

  it('one term after another, and none when the loop is left', async () => {
    const { candidate, closeAll, settled, memory } = make();
    const election = candidate('a');
    const tokens: bigint[] = [];
    const loop = (async () => {
      for await (const term of election.terms()) {
        term.check();
        tokens.push(term.token);
        if (tokens.length === 3) break;
      }
    })();
    await settled(loop);
    expect(tokens).toEqual([...tokens].sort());
    expect(new Set(tokens).size).toBe(3);
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await closeAll();
  });
});

describe('what the store does', () => {
  it('a grant that comes when its lease would be over is given back, never led by', async () => {
    const { clock, candidate, seenAs, closeAll, memory } = make();
    let first = true;
    const released: string[] = [];
    const slow = seenAs({
      acquire: async (candidacy, signal) => {
        const result = await memory.acquire(candidacy, signal);
        if (!first) return result;
        first = false;
        await clock.sleep(1_900);
        return result;
      },
      release: (held, signal) => {
        released.push(held.nonce);
        return memory.release(held, signal);
      },
    });
    const terms: Term[] = [];
    void candidate('a', { requestMs: 500 }, slow).run((term) => (terms.push(term), untilStopped(term)));
    await clock.advance(400);
    expect(terms).toEqual([]);
    await clock.advance(3_000);
    expect(terms).toHaveLength(1);
    expect(terms[0]!.signal.aborted).toBe(false);
    await closeAll();
  });

  it('an acquisition that was done unheard is taken up by a fresh one, at once and under the same token', async () => {
    const { clock, candidate, seenAs, closeAll, memory } = make();
    let lost = true;
    const store = seenAs({
      acquire: async (candidacy, signal) => {
        const result = await memory.acquire(candidacy, signal);
        if (!lost) return result;
        lost = false;
        throw new Error('the answer was lost');
      },
    });
    let term: Term | undefined;
    void candidate('a', {}, store).run((mine) => ((term = mine), untilStopped(mine)));
    await clock.advance(1_000);
    expect(term?.token).toBe((await memory.read('x', new AbortController().signal))!.token);
    await closeAll();
  });

  it('a row that is deleted by hand ends the term with the next renewal, or with the hint', async () => {
    const { clock, candidate, closeAll, memory, log } = make();
    void candidate('a').run(untilStopped);
    await clock.advance(1_000);
    const record = (await memory.read('x', new AbortController().signal))!;
    await memory.release(record, new AbortController().signal);
    await clock.advance(20);
    expect(log).toContain('a leading > lost: superseded');
    await closeAll();
  });

  it('answers of a wrong shape are none', async () => {
    const { clock, candidate, seenAs, closeAll, memory } = make();
    const store = seenAs({
      acquire: async (candidacy, signal) => {
        const result = await memory.acquire(candidacy, signal);
        return result.granted ? { ...result, record: { ...result.record, token: 7 as never } } : result;
      },
    });
    const terms: Term[] = [];
    void candidate('a', {}, store).run((term) => terms.push(term));
    await clock.advance(5_000);
    expect(terms).toEqual([]);
    await closeAll();
  });
});

describe('options', () => {
  it.each<[object, string]>([
    [{}, 'name must be a string of 1 to 512 characters, got undefined'],
    [{ name: '' }, 'name must be a string of 1 to 512 characters, got ""'],
    [{ name: 'x', ttlMs: 0 }, 'ttlMs must be a finite number >= 1, got 0'],
    [{ name: 'x', renewMs: 8_000 }, '1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs'],
    [{ name: 'x', requestMs: 5_000 }, '1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs'],
    [{ name: 'x', ttlMs: 500 }, '1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs'],
    [{ name: 'x', rank: -1 }, 'rank must be'],
    [{ name: 'x', meta: 1n }, 'meta must be what JSON can say'],
    [{ name: 'x', lease: 1 }, 'Election has no option "lease"'],
  ])('%o is refused', (options, message) => {
    expect(() => new Election(new MemoryLeaseStore(), options as ElectionOptions)).toThrow(message);
  });

  it.each<[number, string]>([
    [2_500, "ttlMs must be a multiple of the store's limits.stepMs (1000), got 2500"],
    [1_000, "ttlMs must be >= the store's limits.minTtlMs (2000), got 1000"],
    [90_000, "ttlMs must be <= the store's limits.maxTtlMs (60000), got 90000"],
  ])('a lease of %i ms is refused with the limit that it breaks', (lengthMs, message) => {
    const limits = { minTtlMs: 2_000, maxTtlMs: 60_000, stepMs: 1_000 };
    const store = make().seenAs({ limits });
    expect(() => new Election(store, { name: 'x', ttlMs: lengthMs })).toThrow(message);
    expect(new Election(store, { name: 'x', ttlMs: 3_000 }).id).not.toBe('');
  });

  it('a store is one', () => {
    expect(() => new Election({} as LeaseStore, { name: 'x' })).toThrow('store must be a LeaseStore');
  });
});
