import { LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import { isClosed, isDeadlineExceeded, systemClock } from 'holdfast/core';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { CountingClock } from '../support/serving.ts';

function make(
  check: (id: string, options: { readonly signal: AbortSignal }) => unknown,
  options: Partial<LoadBalancerOptions<string>> = {},
) {
  const clock = new VirtualClock();
  const counting = new CountingClock(clock);
  const events: unknown[] = [];
  const pool = new LoadBalancer(['a', 'b', 'c', 'd'], {
    probe: { check, everyMs: 1_000, timeoutMs: 200, rise: 2, fall: 3 },
    runtime: { clock: counting, random: seededRandom(1) },
    ...options,
  });
  pool.on('eject', ({ id, why, forMs }) => events.push(['eject', id, why, forMs]));
  pool.on('restore', ({ id, why }) => events.push(['restore', id, why]));
  const ejected = (): readonly string[] =>
    pool
      .stats()
      .members.filter((member) => member.ejected !== undefined)
      .map(({ id }) => id);
  return { clock, counting, pool, events, ejected };
}

describe('an active probe', () => {
  it.each<[string, (id: string, options: { readonly signal: AbortSignal }) => unknown]>([
    ['rejects', (id) => (id === 'b' ? Promise.reject(new Error('down')) : Promise.resolve())],
    [
      'throws',
      (id) => {
        if (id === 'b') throw new Error('down');
      },
    ],
    ['says false', (id) => id !== 'b'],
    ['is silent', (id) => (id === 'b' ? new Promise(() => undefined) : undefined)],
  ])('that %s ejects after `fall` in a row, and such a member gets no call', async (_, check) => {
    const { clock, pool, events, ejected } = make(check);
    await clock.advance(2_000);
    expect(ejected()).toEqual([]);
    await clock.advance(3_500);
    expect(events).toEqual([['eject', 'b', 'probe', Infinity]]);
    for (let i = 0; i < 100; i++) expect(pool.pick().member).not.toBe('b');
    await clock.advance(100_000);
    expect(ejected()).toEqual(['b']);
    pool.close();
  });

  it('restores after `rise` in a row, also a member that calls have ejected, before its time', async () => {
    let down = true;
    const { clock, pool, events, ejected } = make((id) => !(down && id === 'b'));
    await clock.advance(6_000);
    down = false;
    await clock.advance(1_250);
    expect(ejected()).toEqual(['b']);
    await clock.advance(1_250);
    expect(ejected()).toEqual([]);
    const others = new Set(['a', 'b', 'd']);
    for (let i = 0; i < 5; i++) pool.pick({ avoid: others }).release('failed');
    expect(ejected()).toEqual(['c']);
    await clock.advance(2_490);
    expect(events.map((event) => (event as string[]).slice(0, 3))).toEqual([
      ['eject', 'b', 'probe'],
      ['restore', 'b', 'probe'],
      ['eject', 'c', 'consecutive'],
      ['restore', 'c', 'probe'],
    ]);
    pool.close();
  });

  it('is counted to the one: the third failure in a row ejects, the second success restores', async () => {
    let asked = 0;
    const { clock, pool } = make((id) => id !== 'a' || ++asked > 3);
    const after: number[] = [];
    for (const name of ['eject', 'restore'] as const) pool.on(name, () => after.push(asked));
    await clock.advance(20_000);
    expect(after).toEqual([3, 5]);
    pool.close();
  });

  it('that rejects has failed at once, and not when its time is up', async () => {
    const check = (id: string): unknown => (id === 'b' ? Promise.reject(new Error('down')) : undefined);
    const { clock, pool, ejected } = make(check, { probe: { check, everyMs: 1_000, timeoutMs: 1_000_000, fall: 1 } });
    await clock.advance(1_000);
    expect(ejected()).toEqual(['b']);
    pool.close();
  });

  it('that is answered after its time has failed all the same', async () => {
    const clock = new VirtualClock();
    const runtime = { clock, random: seededRandom(1) };
    const { pool, events } = make((id) => (id === 'b' ? clock.sleep(300) : undefined), { runtime });
    await clock.advance(20_000);
    expect(events).toEqual([['eject', 'b', 'probe', Infinity]]);
    pool.close();
  });

  it('never takes the last resort away: when all are down, all get calls', async () => {
    const { clock, pool, ejected } = make(() => false);
    await clock.advance(10_000);
    expect(ejected()).toEqual(['a', 'b', 'c', 'd']);
    expect(pool.stats()).toMatchObject({ healthy: 0, panic: true });
    const seen = new Set<string>();
    for (let i = 0; i < 8; i++) seen.add(pool.pick().member);
    expect(seen.size).toBe(4);
    pool.close();
  });

  it('is not sent to all at once, every so often, and is told when its time is up', async () => {
    const [times, reasons] = [new Map<string, number[]>(), [] as unknown[]];
    const { clock, pool } = make((id, { signal }) => {
      times.set(id, [...(times.get(id) ?? []), clock.now()]);
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return id === 'a' ? new Promise(() => undefined) : undefined;
    });
    await clock.advance(20_000);
    expect(new Set([...times.values()].map(([first]) => first)).size).toBe(4);
    for (const [id, list] of times) {
      expect(list[0]).toBeLessThan(1_000);
      const waits = list.slice(1).map((at, i) => at - list[i]! - (id === 'a' ? 200 : 0));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(750);
      expect(Math.max(...waits)).toBeLessThanOrEqual(1_250);
      expect(new Set(waits).size).toBeGreaterThan(5);
    }
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.every((reason) => isDeadlineExceeded(reason))).toBe(true);
    pool.close();
  });

  it('ends with its member, with close, and leaves nothing', async () => {
    const reasons: unknown[] = [];
    const { clock, counting, pool } = make((_, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return new Promise(() => undefined);
    });
    await failOnLeaks(async () => {
      pool.update(['a', 'new']);
      expect(counting.pending).toBe(2);
      await clock.advance(1_050);
      expect(counting.pending).toBe(2);
      pool.close();
      pool.close();
      expect(counting.pending).toBe(0);
      pool.update(['a', 'late']);
      await clock.advance(10_000);
      expect(counting.pending).toBe(0);
    });
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons.filter((reason) => !isDeadlineExceeded(reason)).every((reason) => isClosed(reason))).toBe(true);
  });

  it('that is under way at close is told so, and counts no more, whatever comes of it', async () => {
    const reasons: unknown[] = [];
    const answers: ((well: boolean) => void)[] = [];
    const check = (_: string, { signal }: { readonly signal: AbortSignal }): Promise<boolean> => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return new Promise((resolve) => answers.push(resolve));
    };
    const probe = { check, everyMs: 1_000, timeoutMs: 1_000_000, fall: 1 };
    const { clock, counting, pool, events } = make(check, { probe });
    await clock.advance(1_000);
    expect(answers).toHaveLength(4);
    pool.close();
    expect(counting.pending).toBe(0);
    for (const answer of answers) answer(false);
    await clock.advance(100_000);
    expect(answers).toHaveLength(4);
    expect(events).toEqual([]);
    expect(reasons).toMatchObject(
      answers.map(() => ({ code: 'CLOSED', message: 'a health probe is no longer wanted' })),
    );
  });

  it('keeps no process alive', () => {
    const timers = vi.spyOn(systemClock, 'setTimer');
    const pool = new LoadBalancer(['a'], { probe: { check: () => true } });
    expect(timers).toHaveBeenCalledTimes(1);
    expect(timers.mock.calls[0]![2]?.ref ?? false).toBe(false);
    pool.close();
    timers.mockRestore();
  });
});
