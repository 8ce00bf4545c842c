/** What a hostile reading of the rules found; each fell before it was mended. */
import { leastRequest, LoadBalancer, type LoadBalancerOptions, roundRobin } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { type Behaviour, type Sample, servers, shareOf, simulate } from './simulation.ts';

const steady: Behaviour = () => ({ ms: 20, ok: true });
const dead: Behaviour = () => ({ ms: 2, ok: false });
const lost = (samples: readonly Sample[]): number => shareOf(samples, ({ ok }) => !ok);

function make(ids: readonly string[], options: LoadBalancerOptions<string> = {}) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const pool = new LoadBalancer(ids, { ...options, runtime: { clock, random: seededRandom(4) } });
  pool.on('eject', ({ id }) => events.push(`eject ${id}`));
  pool.on('restore', ({ id }) => events.push(`restore ${id}`));
  pool.on('panic', ({ active }) => events.push(`panic ${String(active)}`));
  const at = (id: string) => pool.pick({ avoid: new Set(ids.filter((other) => other !== id)) });
  return { clock, pool, events, at };
}

describe('with little traffic, few calls are spent on trials', () => {
  it.each([
    [2, 1],
    [3, 1],
    [10, 1],
    [10, 4],
  ])('of %i members %i are dead, one call a minute', (count, out) => {
    const bad = Object.fromEntries(Array.from({ length: out }, (_, i) => [i, dead]));
    for (const cost of [undefined, leastRequest()]) {
      const samples = simulate({
        seed: 1,
        servers: servers(count, steady, bad),
        rps: 1 / 60,
        forMs: 1_000 * 60_000,
        options: { cost },
      });
      expect(lost(samples)).toBeLessThan(0.06);
    }
  });
});

describe('failures that many calls overlap', () => {
  it.each([
    [20, 200],
    [100, 1_000],
  ])('one of %i calls fails, each takes %i ms, 200 a second: nobody is ejected', async (every, ms) => {
    const { clock, pool, events } = make(['a', 'b', 'c'], { cost: roundRobin() });
    let calls = 0;
    for (let i = 0; i < 2_000; i++) {
      const call = pool.run(async (id) => {
        const fails = id === 'a' && ++calls % every === 0;
        await clock.sleep(ms);
        if (fails) throw new Error('now and then');
      });
      call.catch(() => undefined);
      await clock.advance(5);
    }
    expect(events).toEqual([]);
  });

  it('a member that fails fast gets no more than the others, though each fails now and then', () => {
    const now: Behaviour = (_, random) => ({ ms: 200, ok: random() >= 0.04 });
    for (const seed of [1, 2, 3]) {
      const samples = simulate({
        seed,
        servers: servers(3, now, { 0: (at, random) => (at > 4_000 ? dead(at, random) : now(at, random)) }),
        rps: 300,
        forMs: 20_000,
      });
      expect(lost(samples)).toBeLessThan(0.06);
    }
  });
});

it('a healed member that is slower than the hedge’s delay is back after three trials that were called off', async () => {
  const { clock, pool, events } = make(['a', 'b', 'c', 'd'], { cost: leastRequest() });
  let healed = false;
  const work = async (id: string): Promise<void> => {
    if (id !== 'a') {
      await clock.sleep(10);
      return;
    }
    if (!healed) throw new Error('down');
    await clock.sleep(60);
  };
  for (let i = 0; i < 6_000; i++) {
    if (i === 500) healed = true;
    pool.run(work, { hedge: { after: 30 } }).catch(() => undefined);
    await clock.advance(10);
  }
  expect(events.at(-1)).toBe('restore a');
});

it('what failed an hour ago keeps nobody in', async () => {
  const weights: Record<string, number> = { a: 1, b: 1, c: 1 };
  for (const c of [0, 1]) {
    const { clock, pool, at, events } = make(['a', 'b', 'c'], { cost: roundRobin(), weight: (id) => weights[id]! });
    weights['c'] = 1;
    at('c').release('failed');
    at('c').release('failed');
    weights['c'] = c;
    await clock.advance(3_600_000);
    for (let i = 0; i < 100; i++) {
      const lease = pool.pick();
      lease.release(lease.member === 'a' ? 'failed' : 'ok');
    }
    expect(events).toEqual(['eject a']);
  }
});

it.each([
  [1_000, []],
  [3_600_000, ['eject a']],
])('one of two others fails twice and is asked no more: %i ms later that is %j', async (ms, ejected) => {
  const { clock, at, events } = make(['a', 'b', 'c']);
  at('b').release('ok');
  for (let i = 0; i < 2; i++) at('c').release('failed');
  await clock.advance(ms);
  for (let i = 0; i < 5; i++) at('a').release('failed');
  expect(events.filter((event) => event.startsWith('eject'))).toEqual(ejected);
});

it('of three, no second one is ejected while one is, however long ago it failed', async () => {
  const { clock, at, events } = make(['a', 'b', 'c']);
  for (const id of ['a', 'b']) at(id).release('ok');
  for (let i = 0; i < 5; i++) at('c').release('failed');
  await clock.advance(60_000);
  for (let i = 0; i < 5; i++) at('a').release('failed');
  expect(events.filter((event) => event.startsWith('eject'))).toEqual(['eject c']);
});

it('who has no weight is none of the others: when the only other with some fails too, nobody is ejected', () => {
  const { at, events } = make(['a', 'b', 'c', 'd'], { weight: (id) => (id === 'a' || id === 'b' ? 1 : 0) });
  for (let i = 0; i < 2; i++) at('b').release('failed');
  for (let i = 0; i < 5; i++) at('a').release('failed');
  expect(events.filter((event) => event.startsWith('eject'))).toEqual([]);
});

it('no more than three trials are saved up, however many calls there were', async () => {
  const ids = Array.from({ length: 16 }, (_, i) => `m${String(i)}`);
  const { clock, pool, at } = make(ids);
  for (const id of ids) at(id).release('ok');
  for (let i = 0; i < 2_000; i++) pool.pick().release('ok');
  const out = ids.slice(0, 6);
  for (const id of out) for (let i = 0; i < 5; i++) at(id).release('failed');
  await clock.advance(5_000);
  const taken = ids.map(() => pool.pick().member);
  expect(taken.map((id) => out.includes(id)).lastIndexOf(true)).toBe(2);
});

describe('who answers late is not silent:', () => {
  it.each([
    ['all answers are late', 300, 200, 0],
    ['the member is new', 300, 50, 0],
    ['nothing was asked for long', 60, 50, 60_000],
  ])('%s', async (_, ms, deadline, idleMs) => {
    const { clock, pool, events } = make(['a', 'b', 'c'], { cost: roundRobin() });
    for (const id of ['b', 'c']) await pool.run(() => id);
    await clock.advance(idleMs);
    for (let i = 0; i < 400; i++) {
      pool.run((id) => clock.sleep(id === 'a' ? ms : 1), { deadline }).catch(() => undefined);
      await clock.advance(25);
    }
    expect(events).toEqual([]);
  });
});

it('a value whose `accept` aborts the call goes to discard', async () => {
  const { pool } = make(['a']);
  for (const policy of [{}, { hedge: { after: 50 } }]) {
    const caller = new AbortController();
    const got: string[] = [];
    const call = pool.run(() => 'body', {
      ...policy,
      signal: caller.signal,
      accept: () => {
        caller.abort();
        return true;
      },
      discard: (value) => got.push(value),
    });
    await expect(call).rejects.toThrow('aborted');
    expect(got).toEqual(['body']);
  }
});

describe('a call that does not ask its member after all', () => {
  const withdrawn = async (pool: LoadBalancer<string>, avoid?: ReadonlySet<string>): Promise<void> => {
    const visit = (): never => {
      throw new Error('not him');
    };
    await expect(pool.run((id) => id, { visit, avoid })).rejects.toThrow('not him');
  };

  it('spends none of the calls for trials', async () => {
    const { clock, pool, events, at } = make(['a', 'b', 'c']);
    for (const id of ['b', 'c']) at(id).release('ok');
    for (let i = 0; i < 5; i++) at('a').release('failed');
    await clock.advance(5_000);
    for (let i = 0; i < 5; i++) await withdrawn(pool);
    expect(await pool.run((id) => id)).toBe('a');
    expect(events).toEqual(['eject a', 'restore a']);
  });

  it('does not show that its member is silent', async () => {
    const { clock, pool, events, at } = make(['a', 'b', 'c'], { cost: roundRobin() });
    for (const id of ['a', 'b', 'c']) at(id).release('ok');
    await withdrawn(pool, new Set(['b', 'c']));
    await clock.advance(60_000);
    for (let i = 0; i < 5; i++) {
      pool.run(() => clock.sleep(Infinity), { avoid: new Set(['b', 'c']), deadline: 50 }).catch(() => undefined);
      await clock.advance(50);
    }
    expect(events).toEqual([]);
    await clock.advance(5_000);
    pool.run(() => clock.sleep(Infinity), { avoid: new Set(['b', 'c']), deadline: 50 }).catch(() => undefined);
    await withdrawn(pool, new Set(['b', 'c']));
    await clock.advance(50);
    expect(pool.stats().members[0]).toMatchObject({ id: 'a', failedInRow: 1 });
  });

  it('leaves a new member to be tried first', async () => {
    const { pool } = make(['a'], {
      cost:
        () =>
        ({ id }) => ({ cost: () => (id === 'b' ? 1 : 0) }),
    });
    await pool.run((id) => id);
    pool.update(['a', 'b']);
    await withdrawn(pool);
    expect(await pool.run((id) => id)).toBe('b');
    expect(await pool.run((id) => id)).toBe('a');
  });
});

it('a new member whose call nobody waits for any more may have another: work that never ends keeps nobody out', async () => {
  const { clock, pool } = make(['a'], { cost: roundRobin() });
  await pool.run((id) => id);
  pool.update(['a', 'b']);
  const asked: number[] = [];
  for (let i = 0; i < 20; i++) {
    const work = (id: string): Promise<void> => {
      if (id === 'b') asked.push(clock.now());
      return clock.sleep(id === 'b' ? Infinity : 1);
    };
    pool.run(work, { deadline: 50 }).catch(() => undefined);
    await clock.advance(10);
  }
  expect(asked.length).toBeGreaterThan(2);
  for (const [i, atMs] of asked.entries()) expect(atMs - (asked[i - 1] ?? -50)).toBeGreaterThanOrEqual(50);
});

describe('events', () => {
  it('a trial of a member that has left says nothing of it, called off or served late', async () => {
    const { clock, pool, events, at } = make(['a', 'b', 'c']);
    for (const id of ['b', 'c']) at(id).release('ok');
    at('a'); // keeps it known
    for (let i = 0; i < 5; i++) at('a').release('failed');
    const trial = async <T>(start: () => T): Promise<T> => {
      await clock.advance(20_000);
      for (let i = 0; i < 99; i++) at('b').release('ok');
      return start();
    };
    for (let i = 0; i < 2; i++) (await trial(() => at('a'))).release('ignore');
    const third = await trial(() => at('a'));
    let late: Promise<void> | undefined;
    await trial(() => {
      late = pool.run(() => clock.sleep(100), { deadline: 50, avoid: new Set(['b', 'c']) });
    });
    late?.catch(() => undefined);
    pool.update(['b', 'c']);
    third.release('ignore');
    await clock.advance(200);
    pool.update(['a', 'b', 'c']);
    expect(pool.stats().members[0]).toMatchObject({ id: 'a', pending: 1, ejected: 'consecutive' });
    expect(events).toEqual(['eject a']);
  });

  it('a member that has left is not judged, and comes back as it left', () => {
    const { pool, events } = make(['a', 'b', 'c'], { probation: false });
    const held = Array.from({ length: 5 }, () => pool.pick({ avoid: new Set(['b', 'c']) }));
    pool.update(['b', 'c']);
    for (const lease of held.slice(1)) lease.release('failed');
    pool.update(['a', 'b', 'c']);
    held[0]!.release('failed');
    expect(pool.stats().members[0]).toMatchObject({ id: 'a', ejected: undefined });
    expect(events).toEqual([]);
  });

  it('panic is told when it begins and when it ends, whatever listeners do', () => {
    const { pool, events, at } = make(['a', 'b', 'c'], { panicBelow: 1, outlier: { consecutive: 1 } });
    pool.on('eject', () => {
      pool.update(['b', 'c']);
    });
    at('a').release('failed');
    expect(events.filter((event) => event.startsWith('panic'))).toEqual([]);
    const alone = make(['a']);
    for (let i = 0; i < 100; i++) alone.at('a').release(i % 3 === 0 ? 'ok' : 'failed');
    expect(alone.events).toEqual([]);
  });
});
