import {
  type BalancerLease,
  leastRequest,
  LoadBalancer,
  type LoadBalancerOptions,
  roundRobin,
} from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';

function make(ids: readonly string[], options: LoadBalancerOptions<string> = {}) {
  const clock = new VirtualClock();
  const events: unknown[] = [];
  const pool = new LoadBalancer(ids, { ...options, runtime: { clock, random: seededRandom(4) } });
  for (const name of ['eject', 'restore', 'panic'] as const) pool.on(name, (event) => events.push([name, event]));
  const at = (id: string): BalancerLease<string> => pool.pick({ avoid: new Set(ids.filter((other) => other !== id)) });
  const fail = (id: string, times = 5): void => {
    for (let i = 0; i < times; i++) at(id).release('failed');
  };
  const of = (id: string) => pool.stats().members.find((member) => member.id === id)!;
  const answer = (...some: readonly string[]): void => {
    for (const id of some) at(id).release();
  };
  return { clock, pool, events, at, fail, answer, of };
}

describe('an ejected member', () => {
  it('is told of, tried by one call when its time is over, and back with its answer as if it were new', async () => {
    const { clock, pool, events, at, fail, of } = make(['a', 'b', 'c']);
    const warm = [at('b'), at('c')];
    await clock.advance(7);
    for (const lease of warm) lease.release();
    fail('a', 4);
    expect(events).toEqual([]);
    fail('a', 1);
    const { ejectedForMs } = of('a');
    expect(events).toEqual([['eject', { id: 'a', why: 'consecutive', forMs: ejectedForMs }]]);
    expect(ejectedForMs).toBeGreaterThanOrEqual(2_500);
    expect(ejectedForMs).toBeLessThanOrEqual(5_000);
    await clock.advance(ejectedForMs);
    const trial = pool.pick();
    expect(trial.member).toBe('a');
    for (let i = 0; i < 20; i++) expect(pool.pick().member).not.toBe('a');
    await clock.advance(7);
    trial.release();
    expect(events[1]).toEqual(['restore', { id: 'a', why: 'answered', afterMs: ejectedForMs + 7 }]);
    expect(of('a')).toMatchObject({ ejected: undefined, failures: 0, failedInRow: 0, latencyMs: 7 });
  });

  it('stays out twice as long when the trial fails, and as long again when nothing comes of it', async () => {
    const { clock, pool, fail, answer, of } = make(['a', 'b', 'c']);
    answer('b', 'c');
    fail('a');
    await clock.advance(5_000);
    const first = pool.pick();
    expect(first.member).toBe('a');
    first.release('ignore');
    expect(of('a').ejectedForMs).toBeGreaterThanOrEqual(2_500);
    await clock.advance(5_000);
    const trial = pool.pick();
    expect(trial.member).toBe('a');
    trial.release('failed');
    expect(of('a').ejectedForMs).toBeGreaterThanOrEqual(5_000);
    expect(of('a').ejectedForMs).toBeLessThanOrEqual(10_000);
  });

  it('is tried again when a trial never ends', async () => {
    const { clock, pool, fail, answer } = make(['a', 'b', 'c']);
    answer('b', 'c');
    fail('a');
    await clock.advance(5_000);
    expect(pool.pick().member).toBe('a');
    for (let i = 0; i < 20; i++) expect(pool.pick().member).not.toBe('a');
    await clock.advance(5_000);
    expect(pool.pick().member).toBe('a');
  });

  it('is not restored by what began before, and not ejected longer by it', async () => {
    const { clock, at, fail, of } = make(['a', 'b']);
    const before = [at('a'), at('a')];
    await clock.advance(1);
    fail('a');
    const { ejectedForMs } = of('a');
    before[0]!.release('ok');
    before[1]!.release('failed');
    expect(of('a')).toMatchObject({ ejected: 'consecutive', ejectedForMs });
  });

  it('may be one of several that fail all calls while most others serve, whatever the cost', () => {
    const ids = Array.from({ length: 10 }, (_, i) => `m${String(i)}`);
    const { pool, events } = make(ids, { cost: roundRobin() });
    const dead = new Set(['m0', 'm1', 'm2']);
    for (let i = 0; i < 200; i++) {
      const lease = pool.pick();
      lease.release(dead.has(lease.member) ? 'failed' : 'ok');
    }
    expect(new Set(events.map((event) => (event as [string, { id: string }])[1].id))).toEqual(dead);
    expect(pool.stats()).toMatchObject({ healthy: 7, panic: false });
  });

  it('may be one that is silent, whatever the cost; one that answers some calls is slow, not silent', async () => {
    const { clock, pool, events } = make(['silent', 'slow', 'a', 'b', 'c'], { cost: roundRobin() });
    const forever = new Promise<never>(() => undefined);
    let asked = 0;
    for (let i = 0; i < 100; i++) {
      const call = pool.run((id) => (id === 'silent' || (id === 'slow' && asked++ % 8 > 0) ? forever : 'fine'), {
        deadline: 100,
      });
      call.catch(() => undefined);
      await clock.advance(100);
    }
    expect(events.map((event) => (event as [string, { id: string; why: string }])[1])).toMatchObject([
      { id: 'silent', why: 'consecutive' },
    ]);
  });

  it('starts anew when it has served much since: overload after an outage is no relapse', async () => {
    const { clock, at, fail, of, answer } = make(['a', 'b', 'c']);
    answer('b', 'c');
    for (const served of [1, 40]) {
      fail('a');
      await clock.advance(of('a').ejectedForMs);
      for (let i = 0; i < served; i++) at('a').release('ok');
    }
    fail('a', 5);
    expect(of('a').ejectedForMs).toBeLessThanOrEqual(5_000);
  });

  it('may be one that fails too often, though not in a row', () => {
    const { at, of } = make(['a', 'b'], { outlier: { successRate: 0.8, minCalls: 10 } });
    for (let i = 0; i < 20; i++) at('b').release('ok');
    for (let i = 0; i < 9; i++) at('a').release(i % 3 === 0 ? 'failed' : 'ok');
    expect(of('a').ejected).toBeUndefined();
    at('a').release('failed');
    expect(of('a').ejected).toBe('successRate');
  });

  it('may be one that fails while the others fail one call of ten', () => {
    const { at, fail, of } = make(['a', 'b', 'c']);
    for (const id of ['b', 'c']) for (let i = 0; i < 10; i++) at(id).release(i === 0 ? 'failed' : 'ok');
    fail('a');
    expect(of('a').ejected).toBe('consecutive');
  });

  it('keeps its state by its id, through updates', () => {
    const { pool, fail, of } = make(['a', 'b', 'c']);
    fail('a');
    pool.update(['c', 'a']);
    expect(of('a').ejected).toBe('consecutive');
    for (let i = 0; i < 10; i++) expect(pool.pick().member).toBe('c');
  });

  it('there is none with `outlier: false`', () => {
    const { events, fail, of } = make(['a', 'b'], { outlier: false });
    fail('a', 50);
    expect(of('a')).toMatchObject({ ejected: undefined, failedInRow: 50, failures: 5 });
    expect(events.filter((event) => (event as string[])[0] === 'eject')).toEqual([]);
  });

  it('there is none while the others fail too: what all suffer from is nobody’s fault', () => {
    const { at, fail, of } = make(['a', 'b', 'c']);
    for (let i = 0; i < 80; i++) at('b').release(i % 8 === 0 ? 'failed' : 'ok');
    fail('a');
    expect(of('a')).toMatchObject({ ejected: undefined, failedInRow: 5 });
  });

  it('there is none either while each of the others fails so little that only all together show it', async () => {
    const { clock, at, fail, of } = make(['a', 'b', 'c', 'd', 'e']);
    for (const id of ['b', 'c', 'd', 'e']) for (const outcome of ['failed', 'ok'] as const) at(id).release(outcome);
    await clock.advance(100);
    fail('a');
    expect(of('a')).toMatchObject({ ejected: undefined, failedInRow: 5 });
  });
});

describe('panic', () => {
  it('begins when fewer than half serve, and ends with the first that makes them half', async () => {
    const { clock, pool, events, at, fail, of } = make(['a', 'b', 'c', 'd'], { cost: leastRequest() });
    for (const id of ['a', 'b', 'c']) fail(id);
    const panics = (): unknown[] => events.filter((event) => (event as string[])[0] === 'panic');
    expect(panics()).toEqual([['panic', { active: true, healthy: 1, members: 4 }]]);
    expect(pool.stats()).toMatchObject({ healthy: 1, panic: true });
    await clock.advance(1);
    at('b').release('ok');
    expect(panics()[1]).toEqual(['panic', { active: false, healthy: 2, members: 4 }]);
    // What most have suffered from is over for one: the others may be tried at once.
    expect([of('a'), of('b'), of('c')]).toMatchObject([
      { ejected: 'consecutive', ejectedForMs: 0 },
      { ejected: undefined },
      { ejected: undefined, failedInRow: 5 },
    ]);
    expect(pool.pick().member).toBe('a');
  });

  it('brings no trial nearer by what others answer, nor by who fails next', () => {
    const { pool, events, fail, answer, of } = make(['a', 'b', 'c', 'd'], { panicBelow: 1 });
    answer('c', 'd');
    fail('a');
    fail('b');
    answer('c');
    expect(pool.stats().panic).toBe(true);
    for (const id of ['a', 'b']) {
      const { ejectedForMs } = of(id);
      expect(ejectedForMs).toBeGreaterThanOrEqual(2_500);
      expect(events).toContainEqual(['eject', { id, why: 'consecutive', forMs: ejectedForMs }]);
    }
  });

  it('is over when failures have aged, at the next answer', async () => {
    const { clock, pool, at, events } = make(['a', 'b', 'c'], { outlier: false });
    for (const id of ['a', 'b']) for (let i = 0; i < 5; i++) at(id).release('failed');
    expect(pool.stats()).toMatchObject({ healthy: 1, panic: true });
    await clock.advance(60_000);
    expect(pool.stats()).toMatchObject({ healthy: 3, panic: true });
    at('c').release('ok');
    expect(pool.stats()).toMatchObject({ healthy: 3, panic: false });
    expect(events.at(-1)).toEqual(['panic', { active: false, healthy: 3, members: 3 }]);
  });

  it('begins also when nobody is ejected but most fail more than one call of five', () => {
    const { pool, at } = make(['a', 'b', 'c'], { outlier: false });
    for (const id of ['a', 'b']) {
      for (let i = 0; i < 12; i++) at(id).release(i % 3 === 0 ? 'failed' : 'ok');
    }
    expect(pool.stats()).toMatchObject({ healthy: 1, panic: true });
  });
});
