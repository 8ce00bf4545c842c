/* What an election says of itself: its term, its events, its health. */

import { seededRandom } from 'holdfast/testing';
import type { LeaderInfo, Term } from 'holdfast/election';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../support/serving.ts';
import { hang, make, stalling, ttlMs, untilStopped } from './support/electorate.ts';

const { signal } = new AbortController();

describe('the term of an election', () => {
  it('is there while this process leads, and only then: its loss is known before it is told that there is none', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const stall = stalling(clock);
    const election = candidate('a', { runtime: { clock: stall.clock, random: seededRandom(3) } });
    const heard: string[] = [];
    election.on('lost', ({ reason }) => heard.push(reason));
    expect(election.term).toBe(undefined);
    const term = await settled(election.acquire());
    expect(election.term).toBe(term);
    stall.aheadMs = term.remainingMs() - 1;
    expect([election.term, heard]).toEqual([term, []]);
    stall.aheadMs++;
    expect([election.term, heard]).toEqual([undefined, ['expired']]);
    await settled(term.resign());
    expect(election.term).toBe(undefined);
    await closeAll();
  });

  it('is not given up by one that was before it', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const election = candidate('a');
    const before = await settled(election.acquire());
    await settled(before.resign());
    const term = await settled(election.acquire());
    await settled(before.resign());
    await clock.advance(5_000);
    expect(election.term).toBe(term);
    expect(term.signal.aborted).toBe(false);
    expect(before.remainingMs()).toBe(0);
    await settled(term.resign());
    await closeAll();
  });

  it('passes a check for all the time that it has, and is told what it has when that is less', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const stall = stalling(clock);
    const runtime = { clock: stall.clock, random: seededRandom(3) };
    const term = await settled(candidate('a', { runtime }).acquire());
    stall.aheadMs = 0.25;
    const leftMs = term.remainingMs();
    expect(leftMs % 1).toBe(0.75);
    term.check(leftMs);
    expect(await term.guard(() => 'done', leftMs)).toBe('done');
    const less = `term ${String(term.token)} of the election "x" has ${String(Math.floor(leftMs))} ms left, and 1900 are asked for`;
    expect(thrownBy(() => term.check(1_900))).toMatchObject({ code: 'LEADERSHIP_LOST', message: less });
    await expect(term.guard(() => 'done', 1_900)).rejects.toMatchObject({ message: less });
    await settled(term.resign());
    await closeAll();
  });

  it('has a signal that throws nothing while it leads, and its loss from then on', async () => {
    const { candidate, settled, closeAll } = make();
    const term = await settled(candidate('a').acquire());
    const asked = Promise.resolve().then(() => {
      term.signal.throwIfAborted();
      return 'passed';
    });
    expect(await asked).toBe('passed');
    await settled(term.resign());
    expect(thrownBy(() => term.signal.throwIfAborted())).toMatchObject({ code: 'LEADERSHIP_LOST' });
    await closeAll();
  });

  it('says why it is over', async () => {
    const { clock, candidate, settled, closeAll } = make();
    let term: Term | undefined;
    const run = candidate('a').run(async (mine) => {
      term = mine;
      await untilStopped(mine);
      await clock.sleep(100);
    });
    await clock.advance(10);
    const resigned = term!.resign();
    const { token } = term!;
    expect((term!.signal.reason as Error).message).toBe(`term ${String(token)} of the election "x" is over: resigned`);
    await settled(Promise.all([run, resigned]));
    expect(thrownBy(() => term!.check())).toMatchObject({
      message: `term ${String(token)} of the election "x" is over: resigned`,
    });
    await closeAll();
  });
});

describe('events', () => {
  it('tell who leads, once for each change, and nothing where nothing is known', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const waiting = candidate('b');
    const told: (LeaderInfo | null)[] = [];
    waiting.on('leader', (leader) => told.push(leader));
    const first = await settled(candidate('a', { meta: 1 }).acquire());
    const next = waiting.acquire();
    await clock.advance(5_000); // renewals
    const { token } = first;
    expect(told.splice(0)).toEqual([{ id: 'a', token, meta: 1 }]);
    await settled(first.update(2));
    await clock.advance(1_000);
    expect(told.splice(0)).toEqual([{ id: 'a', token, meta: 2 }]);
    await settled(first.resign());
    const second = await settled(next);
    await clock.advance(5_000);
    expect(told.splice(0)).toEqual([null, { id: 'b', token: second.token, meta: undefined }]);
    await settled(second.resign());
    expect(told).toEqual([]);
    await closeAll();
  });

  it('tell that nobody leads where nobody ever did, once, however often it is looked at', async () => {
    const { clock, candidate, settled, closeAll } = make();
    const election = candidate('a', { rank: 20, renewMs: 100 });
    const told: (LeaderInfo | null)[] = [];
    election.on('leader', (leader) => told.push(leader));
    const ending = new AbortController();
    const campaign = election.terms({ signal: ending.signal }).next();
    await clock.advance(1_000);
    expect(told).toEqual([null]);
    ending.abort();
    await settled(campaign);
    await closeAll();
  });

  it('tell of each renewal with its term, and of nothing else as one', async () => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let renewals = 0;
    const election = candidate('a', {}, seenAs({ renew: (...args) => (renewals++, memory.renew(...args)) }));
    const told: Term[] = [];
    election.on('renewed', ({ term }) => told.push(term));
    const term = await settled(election.acquire());
    expect(told).toEqual([]);
    await clock.advance(5_000);
    await settled(term.resign());
    expect(renewals).toBeGreaterThan(5);
    expect(told).toHaveLength(renewals);
    for (const one of told) expect(one).toBe(term);
    await closeAll();
  });

  it('come in the order in which it happens, whatever a listener does', async () => {
    const { candidate, settled, closeAll, log } = make();
    const election = candidate('a');
    election.on('elected', ({ term }) => void term.resign());
    await settled(election.acquire());
    await closeAll();
    expect(log).toEqual([
      'a idle > acquiring: free',
      'a acquiring > leading: granted',
      'a leading > draining: resigned',
      'a draining > released: released',
    ]);
  });

  it('may end the campaign before its body has begun', async () => {
    const { memory, candidate, settled, closeAll } = make();
    const election = candidate('a');
    const ending = new AbortController();
    election.on('elected', () => {
      ending.abort();
    });
    let bodies = 0;
    await settled(election.run(() => bodies++, { signal: ending.signal }));
    expect(bodies).toBe(0);
    expect(await memory.read('x', signal)).toMatchObject({ holder: null });
    await closeAll();
  });
});

describe('a body in office', () => {
  it('that asks for more time than there is, and throws what it is told, has thrown in office', async () => {
    const { candidate, settled, closeAll } = make();
    const ended = await settled(candidate('a').run((term) => term.check(1_900)).catch((error: unknown) => error)); // prettier-ignore
    expect(ended).toMatchObject({ code: 'LEADERSHIP_LOST', message: expect.stringContaining('1900 are asked for') as string }); // prettier-ignore
    await closeAll();
  });
});

describe('news of a leader', () => {
  it('are not stored by a renewal that was not answered, though the lease is given back right after it', async () => {
    const { clock, candidate, seenAs, settled, closeAll } = make();
    const election = candidate('a', { requestMs: 300 }, seenAs({ renew: hang }));
    const term = await settled(election.acquire());
    const stored = term.update('news').then(() => 'stored', (error: unknown) => error); // prettier-ignore
    await clock.advance(10);
    await settled(term.resign());
    expect(await stored).toMatchObject({ code: 'LEADERSHIP_LOST' });
    await closeAll();
  });
});

describe('health', () => {
  it('counts from the loss, whatever happens after it, and is ok again when the body has stopped', async () => {
    const { clock, memory, candidate, closeAll, log } = make();
    const election = candidate('a');
    expect(election.health()).toEqual({ ok: true });
    let finish = (): void => undefined;
    void election.run((term) =>
      log.includes('a leading > lost: superseded')
        ? untilStopped(term)
        : new Promise<void>((resolve) => (finish = resolve)),
    );
    await clock.advance(1_000);
    expect(election.health(0)).toEqual({ ok: true });
    await memory.release((await memory.read('x', signal))!, signal); // by hand
    await clock.advance(0);
    expect(log).toContain('a leading > lost: superseded');
    expect(election.health(0)).toEqual({ ok: true });
    await clock.advance(400);
    const other = await candidate('b').acquire(); // the watch tells of it
    await clock.advance(600);
    const reason = 'a term was lost 1000 ms ago and its body goes on';
    expect([election.health(1_000), election.health(999)]).toEqual([{ ok: true }, { ok: false, reason }]);
    await clock.advance(ttlMs - 1_000);
    expect(election.health()).toEqual({ ok: true });
    await clock.advance(1);
    expect(election.health()).toMatchObject({ ok: false });
    finish();
    await clock.advance(0);
    expect(election.health(0)).toEqual({ ok: true });
    await other.resign();
    await closeAll();
  });
});
