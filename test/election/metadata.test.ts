/* What a leader tells the world: when it is taken, how it changes, and what becomes of it. */

import { Election, type LeaderInfo, type LeaseStore, type Term } from 'holdfast/election';
import { describe, expect, it } from 'vitest';
import { make, untilStopped } from './support/electorate.ts';

const { signal } = new AbortController();

async function toldBy(store: LeaseStore): Promise<unknown> {
  const { data = 'null' } = (await store.read('x', signal))!;
  return JSON.parse(data);
}

describe('metadata', () => {
  it('is taken as it is at the door, whatever becomes of the object', async () => {
    const { clock, memory, candidate, seenAs, settled, closeAll } = make();
    const slow = seenAs({ renew: async (...args) => (await clock.sleep(100), await memory.renew(...args)) });
    const meta = { urls: ['http://a'] };
    const election = candidate('a', { meta }, slow);
    meta.urls.push('http://later');
    const term = await settled(election.acquire());
    expect(await toldBy(memory)).toEqual({ meta: { urls: ['http://a'] } });
    const next = { urls: ['http://b'] };
    const stored = term.update(next);
    next.urls.push('http://later');
    await settled(stored);
    expect(await toldBy(memory)).toEqual({ meta: { urls: ['http://b'] } });
    next.urls.push('http://even later');
    await clock.advance(5_000); // renewals
    expect(await toldBy(memory)).toEqual({ meta: { urls: ['http://b'] } });
    await settled(term.resign());
    const again = await settled(election.acquire());
    expect(await toldBy(memory)).toEqual({ meta: { urls: ['http://b'] } });
    await settled(again.resign());
    await closeAll();
  });

  it('that changes while the leader drains leaves for whom it resigns as it is', async () => {
    const { clock, memory, candidate, settled, closeAll } = make();
    let term: Term | undefined;
    const ending = new AbortController();
    const run = candidate('a').run(
      async (mine) => {
        term = mine;
        await untilStopped(mine);
        await mine.update({ url: 'http://b' });
        await clock.sleep(500);
      },
      { signal: ending.signal },
    );
    await clock.advance(10);
    const resigned = term!.resign({ to: 'd' });
    await clock.advance(100);
    expect(await toldBy(memory)).toEqual({ meta: { url: 'http://b' }, to: 'd' });
    await settled(Promise.all([resigned, run]));
    expect(await memory.read('x', signal)).toMatchObject({ holder: null });
    expect(await toldBy(memory)).toMatchObject({ to: 'd' });
    await closeAll();
  });

  it('can be taken back', async () => {
    const { clock, memory, candidate, settled, closeAll } = make();
    const shown: (LeaderInfo | null)[] = [];
    const watcher = candidate('w');
    void (async () => {
      for await (const leader of watcher.observe()) shown.push(leader);
    })();
    const election = candidate('a', { meta: { url: 'http://a' } });
    const term = await settled(election.acquire());
    await clock.advance(1);
    await settled(term.update(undefined));
    await clock.advance(5_000); // renewals leave it taken back
    expect(shown.slice(-2).map((leader) => leader?.meta)).toEqual([{ url: 'http://a' }, undefined]);
    expect(await toldBy(memory)).toEqual({});
    await settled(term.resign());
    await settled((await settled(election.acquire())).resign());
    expect(((await memory.read('x', signal))!.data ?? '{}').includes('http')).toBe(false);
    await closeAll();
  });

  it('that is taken back right before a resignation is not told by what is renewed meanwhile', async () => {
    const { clock, memory, candidate, seenAs, settled, closeAll } = make();
    const slow = seenAs({ renew: async (...args) => (await clock.sleep(300), await memory.renew(...args)) });
    let term: Term | undefined;
    const run = candidate('a', { meta: { url: 'http://a' } }, slow).run((mine) => ((term = mine), clock.sleep(3_000)));
    await clock.advance(740); // a renewal is under way
    const stored = term!.update(undefined);
    const resigned = term!.resign();
    await settled(stored);
    expect(await toldBy(memory)).toEqual({});
    await clock.advance(1_500);
    expect(await toldBy(memory)).toEqual({});
    await settled(Promise.all([resigned, run]));
    await closeAll();
  });

  it('is not written where there is none', async () => {
    const { memory, candidate, settled, closeAll } = make();
    const term = await settled(candidate('a').acquire());
    expect(await memory.read('x', signal)).toMatchObject({ holder: 'a', data: undefined });
    await settled(term.resign({ to: 'b' }));
    expect(await toldBy(memory)).toEqual({ to: 'b' });
    await closeAll();
  });

  it.each([undefined, '', 'text', 'null', '5', '"text"', 'true', '[1]', '{"url":1}', '{"to":5}'])(
    'that another program has written is no obstacle (%s)',
    async (data) => {
      const { clock, memory, candidate, settled, closeAll } = make();
      const observed = candidate('w').observe();
      expect(await observed.next()).toEqual({ done: false, value: null });
      const held = await memory.acquire({ key: 'x', holder: 'other', nonce: 'n', ttlMs: 60_000, data }, signal);
      if (!held.granted) throw new Error('it is free');
      const { token } = held.record;
      expect(await settled(observed.next())).toEqual({ done: false, value: { id: 'other', token, meta: undefined } });
      const next = candidate('a').acquire();
      await clock.advance(100);
      await memory.release({ ...held.record, data }, signal);
      const fromMs = clock.now();
      const term = await settled(next);
      // Nor does it look as if the lease were meant for somebody else.
      expect(clock.now() - fromMs).toBeLessThanOrEqual(10);
      await settled(term.resign());
      await closeAll();
    },
  );

  it('that JSON cannot say is refused, and leaves what was told', async () => {
    const { memory, candidate, settled, closeAll } = make();
    const term = await settled(candidate('a', { meta: 1 }).acquire());
    await expect(term.update(1n)).rejects.toThrow('meta must be what JSON can say, got 1n');
    expect(await toldBy(memory)).toEqual({ meta: 1 });
    expect(() => new Election(memory, { name: 'x', meta: () => 1 })).toThrow('meta must be what JSON can say');
    await settled(term.resign());
    await closeAll();
  });
});
