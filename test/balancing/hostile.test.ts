import fc from 'fast-check';
import { type Cost, LoadBalancer, peakEwma } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';
import { hostileValues } from '../support/hostile.ts';
import { bad, catchWarnings, steady, watch } from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const odd = [Number.NaN, Infinity, -Infinity, -1, 0, -0, 1e308, 5e-324, '5', null, undefined, {}, 7n, true];
const broken = (): never => {
  throw new Error('broken');
};

describe('a cost', () => {
  it('of any value, or that throws, is a choice all the same: numbers in order, everything else last', () => {
    const warnings = catchWarnings();
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...odd, 'throws'), { minLength: 1, maxLength: 6 }),
        fc.integer(),
        (costs, seed) => {
          const ids = costs.map((_, i) => String(i));
          const cost: Cost = () => (member) => ({
            cost: () => (costs[Number(member.id)] === 'throws' ? broken() : bad(costs[Number(member.id)])),
          });
          const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
          const pool = new LoadBalancer(ids, { cost, probation: false, runtime });
          const worth = costs.map((value) => (typeof value === 'number' && !Number.isNaN(value) ? value : Infinity));
          const lease = pool.pick();
          expect(worth[Number(lease.member)] === Math.min(...worth)).toBe(true);
          lease.release();
          expect(pool.stats().members.every(({ pending }) => pending === 0)).toBe(true);
        },
      ),
      { numRuns: runs(10) },
    );
    for (const { message } of warnings) expect(message).toBe('holdfast: a cost failed: broken');
  });

  it('whose every method throws breaks nothing, and is reported once', async () => {
    const warnings = catchWarnings();
    const signal = { cost: broken, started: broken, settled: broken, latencyMs: broken, failures: broken };
    const pool = new LoadBalancer(['a', 'b', 'c'], { cost: () => () => signal, runtime: steady(new VirtualClock()) });
    for (let i = 0; i < 10; i++) expect(await pool.run((member) => member)).toMatch(/[abc]/);
    expect(pool.stats().members[0]).toMatchObject({ pending: 0, latencyMs: undefined, failures: 0 });
    expect(warnings).toHaveLength(1);
  });

  it.each(['cost', 'started', 'settled', 'latencyMs', 'failures'])('whose `%s` throws is reported', async (method) => {
    const warnings = catchWarnings();
    const signal = { cost: () => 0, [method]: broken };
    const pool = new LoadBalancer(['a'], { cost: () => () => signal, runtime: steady(new VirtualClock()) });
    for (let i = 0; i < 2; i++) expect(await pool.run((member) => member)).toBe('a');
    expect(pool.stats().members[0]).toMatchObject({ pending: 0, latencyMs: undefined, failures: 0 });
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a cost failed: broken']);
  });

  it('that cannot be made anew for a restored member leaves the old one', async () => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    let made = 0;
    const cost: Cost = (pool) => {
      const signal = peakEwma()(pool);
      return (member) => (++made > 2 ? broken() : signal(member));
    };
    const pool = new LoadBalancer(['a', 'b'], { cost, runtime: steady(clock) });
    for (let i = 0; i < 5; i++) pool.pick({ avoid: new Set(['b']) }).release('failed');
    await clock.advance(5_000);
    pool.pick({ avoid: new Set(['b']) }).release('ok');
    expect(pool.stats().members[0]).toMatchObject({ ejected: undefined, pending: 0 });
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a cost failed: broken']);
  });

  it('may ask for the median to tell its own latency', () => {
    const cost: Cost = (pool) => () => ({ cost: () => 1, latencyMs: () => (pool.medianMs(0) ?? 0) + 1 });
    const pool = new LoadBalancer(['a', 'b'], {
      cost,
      slowStart: { windowMs: 5 },
      runtime: steady(new VirtualClock()),
    });
    pool.pick();
    expect(pool.stats().members[0]!.latencyMs).toBeGreaterThan(0);
  });
});

it.each(hostileValues)('a call that is aborted for %s rejects with it, and is counted', async (_name, reason) => {
  const clock = new VirtualClock();
  const pool = new LoadBalancer(['a'], { runtime: steady(clock) });
  const caller = new AbortController();
  const settled = watch(
    pool.run(() => clock.sleep(5), { signal: caller.signal }),
    clock,
  );
  caller.abort(reason);
  await clock.runUntilIdle();
  expect(settled()?.error === reason).toBe(true);
  expect(pool.stats().members[0]).toMatchObject({ pending: 0, failures: 0 });
});

describe('a weight', () => {
  it.each(odd.filter((value) => !(typeof value === 'number' && value >= 0 && value < Infinity)))(
    'of %o counts as 1, and is reported once',
    (value) => {
      const warnings = catchWarnings();
      const pool = new LoadBalancer(['a', 'b'], { weight: () => bad(value), runtime: steady(new VirtualClock()) });
      for (let i = 0; i < 3; i++) pool.pick().release();
      expect(pool.stats().members.map(({ weight }) => weight)).toEqual([1, 1]);
      expect(warnings.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^holdfast: a weight counts as 1: weight must be a finite number >= 0, got /),
      ]);
    },
  );

  it('that throws counts as 1, and is reported once', () => {
    const warnings = catchWarnings();
    const pool = new LoadBalancer(['a'], { weight: broken, runtime: steady(new VirtualClock()) });
    for (let i = 0; i < 3; i++) pool.pick().release();
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a weight counts as 1: broken']);
  });

  it('is 1 for members that are no objects, and nobody is told', () => {
    const warnings = catchWarnings();
    const pool = new LoadBalancer([null, undefined, 7], { id: String, runtime: steady(new VirtualClock()) });
    for (let i = 0; i < 3; i++) pool.pick().release();
    expect(pool.stats().members.map(({ weight }) => weight)).toEqual([1, 1, 1]);
    expect(warnings).toEqual([]);
  });

  it('is the member’s own when no function is given, and may change at any time', () => {
    const members = [
      { id: 'a', weight: 0 },
      { id: 'b', weight: 1 },
    ];
    const pool = new LoadBalancer(members, { runtime: steady(new VirtualClock()) });
    for (let i = 0; i < 5; i++) expect(pool.pick().member.id).toBe('b');
    members[0]!.weight = 1;
    members[1]!.weight = 0;
    for (let i = 0; i < 5; i++) expect(pool.pick().member.id).toBe('a');
    members[0]!.weight = 0;
    expect(['a', 'b']).toContain(pool.pick().member.id);
  });

  it('as huge or tiny as a number can be still leaves a choice', () => {
    const pool = new LoadBalancer(
      [
        { id: 'a', weight: Number.MAX_VALUE },
        { id: 'b', weight: Number.MIN_VALUE },
      ],
      { runtime: steady(new VirtualClock()) },
    );
    for (let i = 0; i < 20; i++) pool.pick().release();
    expect(pool.stats().members.map(({ pending }) => pending)).toEqual([0, 0]);
  });
});

describe('a listener', () => {
  it('that throws, or uses the balancer, breaks neither it nor the others', async () => {
    const warnings = catchWarnings();
    const clock = new VirtualClock();
    const pool = new LoadBalancer(['a', 'b'], { runtime: steady(clock) });
    const heard: string[] = [];
    for (const event of ['eject', 'restore', 'panic'] as const) {
      pool.on(event, broken);
      pool.on(event, () => {
        heard.push(event);
        pool.pick().release('ignore');
        pool.stats();
      });
    }
    const at = (id: string): void =>
      pool.pick({ avoid: new Set(['a', 'b'].filter((other) => other !== id)) }).release('failed');
    for (const id of ['a', 'b']) for (let i = 0; i < 5; i++) at(id);
    await clock.advance(5_000);
    for (let i = 0; i < 4; i++) expect(await pool.run((member) => member)).toMatch(/[ab]/);
    expect(heard).toEqual(['eject', 'panic', 'restore', 'panic']);
    expect(warnings).toHaveLength(4);
    expect(pool.stats().members.every(({ pending }) => pending === 0)).toBe(true);
  });

  it('of `eject` may close the balancer or empty it', () => {
    const pool = new LoadBalancer(['a', 'b'], { acceptEmpty: true, runtime: steady(new VirtualClock()) });
    pool.on('eject', () => {
      pool.update([]);
      pool.close();
    });
    for (let i = 0; i < 5; i++) pool.pick({ avoid: new Set(['b']) }).release('failed');
    expect(pool.stats()).toEqual({ members: [], healthy: 0, panic: false });
    expect(() => pool.pick()).toThrow('closed');
  });
});

it('a clock that stands still or jumps is no trouble', async () => {
  let now = 1e6;
  const clock = Object.assign(new VirtualClock(), { now: () => now });
  const pool = new LoadBalancer(['a', 'b'], {
    runtime: { clock, random: seededRandom(1) },
    slowStart: { windowMs: 10 },
  });
  for (const jump of [0, 1e12, -1e12, 0.1, -5]) {
    const lease = pool.pick();
    now += jump;
    lease.release(jump < 0 ? 'failed' : 'ok');
    for (const { latencyMs, failures } of pool.stats().members) {
      expect(latencyMs === undefined || (latencyMs >= 0 && latencyMs < Infinity)).toBe(true);
      expect(failures).toBeGreaterThanOrEqual(0);
    }
  }
});

describe('a pool', () => {
  it('of one takes every call, whatever is said of it', () => {
    const pool = new LoadBalancer([{ id: 'a', weight: 0 }], { choices: 2, runtime: steady(new VirtualClock()) });
    for (const outcome of ['failed', 'ignore', 'ok'] as const)
      for (let i = 0; i < 20; i++) pool.pick({ avoid: new Set([pool.pick().member]) }).release(outcome);
    expect(pool.stats()).toMatchObject({ members: [{ id: 'a', ejected: undefined }] });
  });

  it('of a thousand works as one of three', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => String(i));
    const pool = new LoadBalancer(ids, { runtime: { clock: new VirtualClock(), random: seededRandom(1) } });
    for (let i = 0; i < 1_000; i++) pool.pick();
    // 16 looked at: now and then all of them are busy already.
    expect(pool.stats().members.filter(({ pending }) => pending === 1).length).toBeGreaterThan(850);
    expect(Math.max(...pool.stats().members.map(({ pending }) => pending))).toBeLessThanOrEqual(2);
  });
});
