/* Where the rules of health begin and end, to the call and to the millisecond. */
import { type BalancerLease, LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { steady } from '../support/serving.ts';

/** The length of a first ejection, as chance says here. */
const firstMs = 2_500;

function make(ids: readonly string[], options: LoadBalancerOptions<string> = {}) {
  const clock = new VirtualClock();
  const pool = new LoadBalancer(ids, { ...options, runtime: steady(clock) });
  const others = (id: string): ReadonlySet<string> => new Set(ids.filter((other) => other !== id));
  const at = (id: string): BalancerLease<string> => pool.pick({ avoid: others(id) });
  /** Calls to a member, one after the other: `o` is served, `x` fails. */
  const calls = (id: string, outcomes: string): void => {
    for (const outcome of outcomes) at(id).release(outcome === 'o' ? 'ok' : 'failed');
  };
  const a = () => pool.stats().members[0]!;
  return { clock, pool, others, calls, a };
}

it('whose share of successes is `successRate` is well; one more failure, and it is ejected', () => {
  const outlier = { successRate: 0.5, minCalls: 10, consecutive: Infinity };
  const { calls, a } = make(['a', 'b', 'c'], { outlier });
  calls('a', 'oxoxoxoxox');
  expect(a().ejected).toBeUndefined();
  calls('a', 'x');
  expect(a().ejected).toBe('successRate');
});

describe('others that fail', () => {
  it.each<[string, readonly string[], number, 'consecutive' | undefined]>([
    ['one call of ten', ['x' + 'o'.repeat(9)], 0, 'consecutive'],
    ['one call of nine', ['x' + 'o'.repeat(8)], 0, undefined],
    ['one call of eleven, each of several', ['xoooooooooo', 'oxooooooooo', 'ooxoooooooo'], 0, 'consecutive'],
    ['one call of two a moment ago, each of many', Array<string>(10).fill('xo'), 1_000, undefined],
    ['the same, and it is long ago', Array<string>(10).fill('xo'), 30_000, 'consecutive'],
  ])('%s', async (_, outcomes, agoMs, ejected) => {
    const ids = outcomes.map((_, i) => `other ${String(i)}`);
    const { clock, calls, a } = make(['a', ...ids]);
    for (const [i, id] of ids.entries()) calls(id, outcomes[i]!);
    await clock.advance(agoMs);
    calls('a', 'xxxxx');
    expect(a().ejected).toBe(ejected);
  });
});

describe('an ejection after another is twice as long', () => {
  it.each([
    ['when one call less than `minCalls` was served in between', 1, 0, 2],
    ['not when so many were', 2, 0, 1],
    ['as long after the restoration as the one before was', 0, firstMs, 2],
    ['not a millisecond later', 0, firstMs + 1, 1],
  ])('%s', async (_, served, afterMs, times) => {
    const { clock, calls, a } = make(['a', 'b', 'c'], { outlier: { minCalls: 2 } });
    calls('b', 'o');
    calls('c', 'o');
    calls('a', 'xxxxx');
    await clock.advance(firstMs);
    calls('a', 'o' + 'o'.repeat(served));
    await clock.advance(afterMs);
    calls('a', 'xxxxx');
    expect(a().ejectedForMs).toBe(firstMs * times);
  });
});

it.each([
  [4_999, 0],
  [5_000, 1],
])('a deadline that passes after %i ms without a word is %i failure in a row', async (deadline, failedInRow) => {
  const { clock, pool, others, a } = make(['a', 'b']);
  const call = pool.run(() => clock.sleep(Infinity), { deadline, avoid: others('a') });
  call.catch(() => undefined);
  await clock.advance(deadline);
  expect(a()).toMatchObject({ failedInRow, failures: 1 });
});

it('a trial is due with the hundredth call for it, and not before', async () => {
  const { clock, pool, calls, a } = make(['a', 'b', 'c'], { outlier: { baseMs: 1, maxMs: 1 } });
  const next = async (): Promise<string> => {
    await clock.advance(1);
    const lease = pool.pick();
    lease.release(lease.member === 'a' ? 'failed' : 'ok');
    return lease.member;
  };
  calls('b', 'o');
  calls('c', 'o');
  calls('a', 'xxxxx');
  expect(a().ejected).toBe('consecutive');
  // Three are saved up; four cost as much as was saved and half of what has come since.
  for (let trials = 0; trials < 4; trials++) {
    expect(await next()).toBe('a');
    if (trials < 3) calls('b', 'o'.repeat(49));
  }
  calls('b', 'o'.repeat(48));
  expect(await next()).not.toBe('a');
  expect(await next()).toBe('a');
});
