/* What others have fallen for, one test each. */
import { getEventListeners } from 'node:events';
import { type BalancerLease, leastRequest, LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { finish, rejectionOf } from '../support/serving.ts';
import { type Behaviour, exponential, type Sample, servers, shareOf, simulate } from './simulation.ts';

const varied =
  (ms: number): Behaviour =>
  (_, random) => ({ ms: exponential(random, ms), ok: true });
const fails =
  (ms: number): Behaviour =>
  () => ({ ms, ok: false });

function make(ids: readonly string[], options: Partial<LoadBalancerOptions<string>> = {}) {
  const clock = new VirtualClock();
  const pool = new LoadBalancer(ids, { runtime: { clock, random: seededRandom(11) }, ...options });
  const at = (id: string): BalancerLease<string> => pool.pick({ avoid: new Set(ids.filter((other) => other !== id)) });
  return { clock, pool, at };
}

const share = (samples: readonly Sample[], id: string): number => shareOf(samples, (sample) => sample.id === id);

describe('undici', () => {
  it.each([0, 1, 2])(
    '#4839, #4842: after a total outage the pool does not stick to the host that heals, nor miss it (%i)',
    (first) => {
      const down =
        (index: number): Behaviour =>
        (now, random) => {
          const healMs = index === first ? 20_000 : 40_000;
          return (now >= 5_000 && now < healMs ? fails(2) : varied(20))(now, random);
        };
      const samples = [1, 2, 3, 4, 5].flatMap((seed) =>
        simulate({
          seed,
          servers: Object.fromEntries([0, 1, 2].map((i) => [`s${String(i)}`, down(i)])),
          rps: 50,
          forMs: 90_000,
        }),
      );
      const between = (from: number, until: number): readonly Sample[] =>
        samples.filter(({ atMs }) => atMs >= from && atMs < until);
      expect(shareOf(between(25_000, 40_000), ({ ok }) => ok)).toBeGreaterThan(0.95);
      for (const id of ['s0', 's1', 's2']) expect(share(between(65_000, 90_000), id)).toBeGreaterThan(0.75 / 3);
    },
  );

  it('#1065: a slow host and one that answers 500 do not get as much as a fast one', () => {
    const samples = simulate({
      seed: 1,
      servers: { fast: varied(5), slow: varied(200), failing: fails(1) },
      rps: 100,
      forMs: 30_000,
    });
    expect(share(samples, 'fast')).toBeGreaterThan(0.95);
    expect(share(samples, 'failing')).toBeLessThan(0.01);
  });
});

describe('envoy and istio', () => {
  it('envoy#3263, #26877, #17504, istio#20135: everyone may fail, nobody is refused, and a single member is never ejected', async () => {
    const { clock, pool } = make(['a', 'b', 'c']);
    const down = (): Promise<never> => Promise.reject(new Error('down'));
    for (let i = 0; i < 200; i++) {
      expect(await rejectionOf(() => pool.run(down))).toMatchObject({ message: 'down' });
      await clock.advance(10);
    }
    expect(await pool.run((member) => member)).toMatch(/[abc]/);
    const alone = make(['a']);
    for (let i = 0; i < 50; i++) alone.pool.pick().release('failed');
    expect(alone.pool.stats().members[0]).toMatchObject({ ejected: undefined, failedInRow: 50 });
  });

  it('envoy#3263: who is left alone is not ejected any longer', () => {
    const { pool, at } = make(['a', 'b']);
    const restored: unknown[] = [];
    pool.on('restore', (event) => restored.push(event));
    for (let i = 0; i < 5; i++) at('a').release('failed');
    expect(pool.stats().members[0]!.ejected).toBe('consecutive');
    pool.update(['a']);
    expect(pool.stats().members[0]!.ejected).toBeUndefined();
    expect(restored).toEqual([{ id: 'a', why: 'alone', afterMs: 0 }]);
  });

  it('envoy#39737: with a panic threshold of 0, and all ejected, calls still go out', async () => {
    const probe = { check: () => false, everyMs: 100, fall: 1 };
    const { clock, pool } = make(['a', 'b'], { panicBelow: 0, cost: leastRequest(), probe });
    await clock.advance(200);
    expect(pool.stats()).toMatchObject({ healthy: 0, panic: false });
    const seen = new Set<string>();
    for (let i = 0; i < 4; i++) seen.add(pool.pick().member);
    expect(seen).toEqual(new Set(['a', 'b']));
  });

  it('envoy#12076: many ejected members do not keep an active probe from ejecting and restoring more', async () => {
    const { clock, pool, at } = make(['a', 'b', 'c', 'd'], {
      probe: { check: (id) => id !== 'd' && id !== 'c', everyMs: 100, rise: 2, fall: 2 },
    });
    for (const id of ['a', 'b']) for (let i = 0; i < 5; i++) at(id).release('failed');
    await clock.advance(500);
    expect(pool.stats().members.map(({ ejected }) => ejected)).toEqual([undefined, undefined, 'probe', 'probe']);
    pool.close();
  });

  it('envoy#19437: slow start under least request does not starve a new member while the others are idle', async () => {
    const { clock, pool } = make(['a', 'b'], { cost: leastRequest(), slowStart: { windowMs: 60_000 } });
    pool.update(['a', 'b', 'new']);
    let taken = 0;
    for (let i = 0; i < 1_000; i++) {
      const lease = pool.pick();
      if (lease.member === 'new') taken++;
      lease.release();
      await clock.advance(1);
    }
    expect(taken).toBeGreaterThan(20);
    expect(taken).toBeLessThan(60);
  });

  it('envoy#26290: one more new member does not hand the earlier ones more than their share', async () => {
    const { clock, pool } = make(['a', 'b'], { cost: leastRequest(), slowStart: { windowMs: 10_000 } });
    const taken = new Map<string, number>();
    const run = async (calls: number): Promise<void> => {
      taken.clear();
      for (let i = 0; i < calls; i++) {
        const lease = pool.pick();
        taken.set(lease.member, (taken.get(lease.member) ?? 0) + 1);
        clock.setTimer(50, () => lease.release());
        await clock.advance(2);
      }
    };
    await run(100);
    pool.update(['a', 'b', 'c']);
    await run(2_000);
    const before = taken.get('c')!;
    pool.update(['a', 'b', 'c', 'd']);
    await run(500);
    expect(taken.get('c')! / 500).toBeLessThan(1 / 4);
    expect(taken.get('c')! / 500).toBeLessThan((before / 2_000) * 1.6);
    expect(taken.get('d')!).toBeLessThan(500 / 4 / 4);
    await clock.advance(60);
  });
});

describe('tower and Linkerd', () => {
  it('tower#134: a new member does not wait for a default estimate to decay', async () => {
    const { clock, pool } = make(['a', 'b']);
    const serve = async (calls: number): Promise<Map<string, number>> => {
      const taken = new Map<string, number>();
      for (let i = 0; i < calls; i++) {
        const lease = pool.pick();
        taken.set(lease.member, (taken.get(lease.member) ?? 0) + 1);
        clock.setTimer(10, () => lease.release());
        await clock.advance(4);
      }
      return taken;
    };
    await serve(500);
    pool.update(['a', 'b', 'new']);
    // Its first call is among the next, and half a second later it has its share.
    const soon = await serve(125);
    expect(soon.get('new')).toBeGreaterThan(125 / 3 / 2);
    await clock.advance(20);
  });

  it('linkerd2#9652: the one member that has answered does not get everything', () => {
    const samples = simulate({ seed: 2, servers: servers(3, varied(20)), rps: 50, forMs: 20_000 });
    for (const id of ['s0', 's1', 's2']) expect(share(samples, id)).toBeGreaterThan(0.2);
  });

  it('linkerd2-proxy#4537: who answers 429 or 503 at once attracts no traffic', async () => {
    const { clock, pool } = make(['good', 'limited'], {
      classify: (outcome) => (outcome.status === 'resolved' && (outcome.value as number) >= 429 ? 'failed' : 'ok'),
    });
    let limited = 0;
    for (let i = 0; i < 500; i++) {
      const call = pool.run((member) => {
        if (member === 'good') return clock.sleep(20).then(() => 200);
        limited++;
        return 429;
      });
      await finish(clock, call);
    }
    expect(limited).toBeLessThan(10);
  });
});

describe('elasticsearch', () => {
  it('elasticsearch#147579: a new member is not flooded before its first answer', () => {
    const { pool } = make(['a', 'b', 'c']);
    for (const lease of Array.from({ length: 30 }, () => pool.pick())) lease.release();
    pool.update(['a', 'b', 'c', 'new']);
    for (let i = 0; i < 100; i++) pool.pick();
    expect(pool.stats().members[3]).toMatchObject({ id: 'new', pending: 1, answered: false });
  });

  it('… nor forgotten because nobody waits for its first call any more, or its probe has shown that it is well', async () => {
    const forever = new Promise<never>(() => undefined);
    for (const probe of [undefined, { check: () => true, everyMs: 100, rise: 1 }]) {
      const { clock, pool } = make(['a'], { probe, cost: leastRequest() });
      expect(await pool.run((id) => id)).toBe('a');
      pool.update(['a', 'new']);
      const deadline = probe === undefined ? 500 : Infinity;
      const first = pool.run(() => forever, { deadline });
      first.catch(() => undefined);
      for (let i = 0; i < 3; i++) pool.pick();
      expect(pool.stats().members[1]).toMatchObject({ id: 'new', pending: 1 });
      await clock.advance(500);
      for (let i = 0; i < 3; i++) pool.pick();
      expect(pool.stats().members[1]!.pending).toBeGreaterThan(1);
      pool.close();
    }
  });

  it('@elastic/transport (undici#1065): a member is found whoever is avoided, ejected or without weight', () => {
    const weights = new Map([
      ['a', 0],
      ['b', 1],
      ['c', 1],
    ]);
    const { pool, at } = make(['a', 'b', 'c'], { weight: (id) => weights.get(id)! });
    for (let i = 0; i < 5; i++) at('b').release('failed');
    expect(pool.stats().members[1]!.ejected).toBe('consecutive');
    for (const avoid of [[], ['c'], ['b', 'c'], ['a', 'b', 'c']])
      for (let i = 0; i < 10; i++) expect(['b', 'c']).toContain(pool.pick({ avoid: new Set(avoid) }).member);
    weights.set('b', 0).set('c', 0);
    expect(['a', 'b', 'c']).toContain(pool.pick().member);
  });
});

describe('opossum and cockatiel', () => {
  it('opossum#780, #861: the time limit of one call does not abort another', async () => {
    const { clock, pool } = make(['a']);
    const signals: AbortSignal[] = [];
    const call = (ms: number, deadline: number): Promise<unknown> =>
      pool.run(
        (_, { signal }) => {
          signals.push(signal);
          return clock.sleep(ms);
        },
        { deadline },
      );
    const [late, inTime] = [rejectionOf(() => call(100, 10)), call(100, 500)];
    await clock.advance(10);
    await late;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await finish(clock, inTime);
    expect(signals[1]!.aborted).toBe(false);
  });

  it('cockatiel#72: what a call returned is not aborted afterwards, by nobody', async () => {
    const { clock, pool } = make(['a']);
    const controller = new AbortController();
    const body = await pool.run((_, { signal }) => signal, { signal: controller.signal, deadline: 50 });
    controller.abort();
    await clock.advance(100);
    pool.close();
    expect(body.aborted).toBe(false);
  });

  it('cockatiel#69, #81, #82: many calls on one signal leave no listener', async () => {
    const { clock, pool } = make(['a', 'b']);
    const { signal } = new AbortController();
    await finish(clock, Promise.all(Array.from({ length: 50 }, () => pool.run(() => clock.sleep(5), { signal }))));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
