/* What the calls that try an ejected member show of it. */
import {
  type BalancerLease,
  type CallOutcome,
  LoadBalancer,
  type LoadBalancerOptions,
  type RunOptions,
  type Verdict,
} from 'holdfast/balancing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { steady } from '../support/serving.ts';

const ids = ['a', 'b', 'c'];
const onlyA: ReadonlySet<string> = new Set(['b', 'c']);

/** The length of a first ejection, as chance says here. */
const firstMs = 2_500;

function make(options: LoadBalancerOptions<string> = {}) {
  const clock = new VirtualClock();
  const events: unknown[] = [];
  const pool = new LoadBalancer(ids, { ...options, runtime: steady(clock) });
  for (const name of ['eject', 'restore'] as const) pool.on(name, (event) => events.push([name, event]));
  const at = (id: string): BalancerLease<string> => pool.pick({ avoid: new Set(ids.filter((other) => other !== id)) });
  const a = () => pool.stats().members[0]!;
  for (const id of ['b', 'c']) at(id).release();
  return { clock, pool, events, at, a };
}

/** Where `a` is ejected, and a call would try it now. */
async function due(options: LoadBalancerOptions<string> = {}) {
  const made = make(options);
  const { clock, at, a, pool } = made;
  for (let i = 0; i < 5; i++) at('a').release('failed');
  await clock.advance(firstMs);
  expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: 0 });
  /** Work that answers after so long, for a caller who waits 100 ms. */
  const call = async (ms: number, value: unknown, more: RunOptions<unknown> = {}): Promise<void> => {
    const run = pool.run(() => clock.sleep(ms).then(() => value), { deadline: 100, avoid: onlyA, ...more });
    run.catch(() => undefined);
    await clock.advance(ms);
  };
  return { ...made, call };
}

describe('a trial that is called off', () => {
  it('restores with the third, though none has an end, and waits for its turn again before', async () => {
    const { clock, events, at, a } = await due();
    for (let i = 0; i < 2; i++) {
      at('a').release('ignore');
      expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: firstMs });
      await clock.advance(firstMs);
    }
    at('a').release('ignore');
    expect(a()).toMatchObject({ ejected: undefined, failedInRow: 0 });
    expect(events[1]).toEqual(['restore', { id: 'a', why: 'answered', afterMs: 3 * firstMs }]);
  });

  it('is no failure, nor silence: neither is its member out longer, nor nearer to an ejection after it', async () => {
    const { clock, pool, a } = await due();
    const caller = new AbortController();
    const gone = pool.run(() => clock.sleep(Infinity), { avoid: onlyA, signal: caller.signal });
    gone.catch(() => undefined);
    await clock.advance(10);
    caller.abort();
    expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: firstMs - 10, failedInRow: 5 });
  });

  it('says nothing when it began before the ejection that is under way', async () => {
    const { clock, at, a } = await due();
    const old: BalancerLease<string>[] = [];
    for (let i = 0; i < 3; i++) {
      old.push(at('a'));
      await clock.advance(firstMs);
      for (let j = 0; j < 100; j++) at('b').release();
    }
    at('a').release('ok');
    expect(a().ejected).toBeUndefined();
    await clock.advance(1);
    for (let i = 0; i < 5; i++) at('a').release('failed');
    expect(a().ejected).toBe('consecutive');
    for (const lease of old) lease.release('ignore');
    expect(a().ejected).toBe('consecutive');
  });

  it('does not bring back whom its probe has ejected, nor does a call that is served', async () => {
    let well = true;
    const probe = { check: (id: string) => well || id !== 'a', everyMs: 100_000, rise: 1, fall: 1 };
    const { clock, pool, at, a } = make({ probe });
    await clock.advance(1);
    for (let i = 0; i < 5; i++) at('a').release('failed');
    await clock.advance(firstMs);
    const trials: BalancerLease<string>[] = [];
    for (let i = 0; i < 3; i++) {
      trials.push(at('a'));
      await clock.advance(firstMs);
    }
    expect(a().ejected).toBe('consecutive');
    await clock.advance(75_000);
    expect(a().ejected).toBeUndefined();
    well = false;
    await clock.advance(75_000);
    expect(a().ejected).toBe('probe');
    for (const trial of trials) trial.release('ignore');
    await clock.advance(1);
    at('a').release('ok');
    expect(a().ejected).toBe('probe');
    pool.close();
  });
});

it('one call of a hundred is a trial, and what was not spent is saved up', async () => {
  const { clock, pool, at, a } = await due();
  // Three may be made at once. Of two more, each after a quarter of the calls that earn one, a half is left.
  at('a').release('failed');
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 24; j++) at('b').release();
    await clock.advance(a().ejectedForMs);
    at('a').release('failed');
  }
  await clock.advance(a().ejectedForMs);
  const asked = Array.from({ length: 50 }, () => {
    const lease = pool.pick();
    lease.release();
    return lease.member;
  });
  expect(asked.indexOf('a')).toBe(49);
});

describe('a trial that fails', () => {
  it('leaves what is known of its member', async () => {
    const { at, a } = await due();
    const { failures } = a();
    expect(failures).toBeGreaterThan(1);
    at('a').release('failed');
    expect(a().failures).toBeGreaterThan(failures);
  });

  it('is one also when the answer is bad, by `classify` or by `accept`, in time or late', async () => {
    const asked: CallOutcome[] = [];
    const classify = (outcome: CallOutcome): Verdict => {
      asked.push(outcome);
      return outcome.status === 'resolved' && outcome.value !== 503 ? 'ok' : 'failed';
    };
    const accept = (value: unknown): boolean => value !== 503;
    for (const ms of [5, 500]) {
      for (const [options, more] of [
        [{ classify }, {}],
        [{}, { accept }],
      ] as const) {
        const { clock, call, events, a } = await due(options);
        await call(ms, 503, more);
        expect(a()).toMatchObject({ ejected: 'consecutive', answered: true });
        expect(a().ejectedForMs).toBe(2 * firstMs - Math.max(0, ms - 100));
        expect(events).toHaveLength(1);
        await clock.advance(2 * firstMs);
        await call(ms, 200, more);
        expect(a().ejected).toBeUndefined();
      }
    }
    expect(asked.map((outcome) => [outcome.status, outcome.ms])).toEqual([
      ['resolved', 5],
      ['resolved', 5],
      ['expired', 100],
      ['resolved', 500],
      ['expired', 100],
      ['resolved', 500],
    ]);
  });

  it('in panic makes the wait four times as long at most: all that heal should be back soon', async () => {
    const longest: number[] = [];
    for (const panicBelow of [1, 0]) {
      const { clock, pool, at, a } = await due({ panicBelow, outlier: { maxMs: 1_000_000 } });
      expect(pool.stats().panic).toBe(panicBelow === 1);
      for (let i = 0; i < 4; i++) {
        at('a').release('failed');
        longest[panicBelow] = a().ejectedForMs;
        await clock.advance(a().ejectedForMs);
        for (let j = 0; j < 100; j++) at('b').release();
      }
    }
    expect(longest).toEqual([firstMs * 16, firstMs * 4]);
  });
});

describe('a trial that is served', () => {
  it('restores when its caller has gone meanwhile: the member is slow and well', async () => {
    const { call, events, a } = await due();
    await call(500, 'late');
    expect(a()).toMatchObject({ ejected: undefined, answered: true });
    expect(events[1]).toEqual(['restore', { id: 'a', why: 'answered', afterMs: firstMs + 500 }]);
  });
});

describe('a call that is no trial', () => {
  it('brings no trial nearer when it does not ask its member after all', async () => {
    const { at, pool, a } = make();
    for (let i = 0; i < 5; i++) at('a').release('failed');
    const visit = (): never => {
      throw new Error('not him');
    };
    await expect(pool.run((id) => id, { visit, avoid: onlyA })).rejects.toThrow('not him');
    expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: firstMs });
  });

  it('shows nothing when it is called off, however often: nobody is brought back by callers who go', async () => {
    const { clock, at, a } = make();
    for (let i = 0; i < 5; i++) at('a').release('failed');
    await clock.advance(1);
    for (let i = 0; i < 3; i++) at('a').release('ignore');
    expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: firstMs - 1 });
  });

  it('says nothing of an ejection of the same instant, and neither ends nor prolongs it', () => {
    const { at, a } = make();
    const [well, ill] = [at('a'), at('a')];
    for (let i = 0; i < 5; i++) at('a').release('failed');
    well.release('ok');
    ill.release('failed');
    expect(a()).toMatchObject({ ejected: 'consecutive', ejectedForMs: firstMs });
  });
});

it('what most have suffered from is over for one: only its probe brings back whom its probe has ejected', async () => {
  let well = true;
  const probe = { check: (id: string) => well || id !== 'c', everyMs: 1_000, rise: 100, fall: 1 };
  const { clock, pool, at, a, events } = make({ probe });
  await clock.advance(1);
  for (let i = 0; i < 5; i++) at('a').release('failed');
  well = false;
  await clock.advance(firstMs);
  expect(pool.stats()).toMatchObject({ healthy: 1, panic: true });
  at('a').release('ok');
  expect(a().ejected).toBeUndefined();
  expect(events.at(-1)).toMatchObject(['restore', { id: 'a', why: 'answered' }]);
  expect(pool.stats().members[2]).toMatchObject({ ejected: 'probe', ejectedForMs: Infinity });
  pool.close();
});
