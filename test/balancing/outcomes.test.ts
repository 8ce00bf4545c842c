import { runInNewContext } from 'node:vm';
import { type CallOutcome, leastRequest, LoadBalancer, type LoadBalancerOptions, replicate } from 'holdfast/balancing';
import { hedge } from 'holdfast/calls';
import { HoldfastError } from 'holdfast/core';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bad, catchWarnings, finish, rejectionOf, steady } from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const forever = (): Promise<never> => new Promise(() => undefined);

/** As Jest's tests see what the platform makes. */
const ofAnotherRealm: unknown = runInNewContext('Object.assign(new Error(), { name: "TimeoutError" })');

function make(options: Partial<LoadBalancerOptions<string>> = {}, members: readonly string[] = ['a']) {
  const clock = new VirtualClock();
  const outcomes: CallOutcome[] = [];
  const pool = new LoadBalancer(members, {
    classify: (outcome) => {
      outcomes.push(outcome);
      return outcome.status === 'resolved' ? 'ok' : outcome.status === 'aborted' ? 'ignore' : 'failed';
    },
    runtime: steady(clock),
    ...options,
  });
  return { clock, pool, outcomes, first: () => pool.stats().members[0]! };
}

describe('what is concluded from a call', () => {
  it.each<[string, (clock: VirtualClock) => Parameters<LoadBalancer<string>['run']>, CallOutcome['status'], number]>([
    ['an answer is ok', (clock) => [() => clock.sleep(5)], 'resolved', 0],
    [
      'an error is a failure',
      (clock) => [() => clock.sleep(5).then(() => Promise.reject(new Error('down')))],
      'rejected',
      1,
    ],
    ['a synchronous throw is a failure', () => [() => { throw new Error('down'); }], 'rejected', 1], // prettier-ignore
    ['a passed deadline is a failure', () => [forever, { deadline: 5 }], 'expired', 1],
    [
      'an outer deadline is one too',
      (clock) => [forever, { signal: abortIn(clock, new HoldfastError('DEADLINE_EXCEEDED', 'late')) }],
      'expired',
      1,
    ],
    [
      'an AbortSignal.timeout is one too',
      (clock) => [forever, { signal: abortIn(clock, new DOMException('late', 'TimeoutError')) }],
      'expired',
      1,
    ],
    ['one of another realm is one too', (clock) => [forever, { signal: abortIn(clock, ofAnotherRealm) }], 'expired', 1],
    ['a caller who has gone is ignored', (clock) => [forever, { signal: abortIn(clock, 'gone') }], 'aborted', 0],
    [
      'a lost hedge is ignored',
      (clock) => [forever, { signal: abortIn(clock, new HoldfastError('SUPERSEDED', 'lost')) }],
      'aborted',
      0,
    ],
  ])('%s', async (_, call, status, failures) => {
    for (const own of [true, false]) {
      const { clock, pool, outcomes, first } = make(own ? {} : { classify: undefined });
      await finish(clock, Promise.allSettled([pool.run(...call(clock))]));
      // One deadline that passes is no silence: it counts in the cost, not in the row.
      expect(first()).toMatchObject({ failures, failedInRow: status === 'expired' ? 0 : failures });
      if (own) expect(outcomes.map((outcome) => outcome.status)).toEqual([status]);
    }
  });

  it('carries the value or the error, and how long it took', async () => {
    const { clock, pool, outcomes } = make();
    const down = new Error('down');
    await finish(
      clock,
      pool.run(() => clock.sleep(7).then(() => 'value')),
    );
    await finish(clock, Promise.allSettled([pool.run(() => clock.sleep(3).then(() => Promise.reject(down)))]));
    expect(outcomes).toEqual([
      { status: 'resolved', value: 'value', ms: 7 },
      { status: 'rejected', error: down, ms: 3 },
    ]);
  });

  it('is told once, at the instant the caller is told; what the work does later shows only that the member is there', async () => {
    const { clock, pool, outcomes, first } = make();
    const accept = vi.fn(() => true);
    const running = pool.run(() => clock.sleep(50).then(() => 'late'), { deadline: 10, accept });
    const settled = rejectionOf(() => running);
    await clock.advance(10);
    await settled;
    expect(first()).toMatchObject({ pending: 1, failures: 1, answered: false });
    await clock.advance(100);
    expect(first()).toMatchObject({ pending: 0, failedInRow: 0, answered: true });
    expect(outcomes).toHaveLength(1);
    expect(accept).not.toHaveBeenCalled();
  });

  it('is a failure when the caller does not accept the answer', async () => {
    const { pool, first } = make({ classify: undefined });
    const refused = await rejectionOf(() => pool.run(() => 'bad', { accept: () => false }));
    expect(refused).toMatchObject({ code: 'NOT_ACCEPTED' });
    expect(first()).toMatchObject({ failures: 1, failedInRow: 1, answered: true });
  });

  it('is nothing when the caller has gone, however long he waited', async () => {
    const { clock, pool, first } = make({ classify: undefined });
    const caller = new AbortController();
    const running = pool.run(forever, { signal: caller.signal });
    await clock.advance(60_000);
    caller.abort('gone');
    expect(await rejectionOf(() => running)).toBe('gone');
    expect(first()).toMatchObject({ failures: 0, failedInRow: 0 });
  });

  it('makes a failure no smaller when it is a success of a call that had begun before', async () => {
    const { clock, pool, first } = make();
    const old = pool.pick();
    await clock.advance(1);
    pool.pick().release('failed');
    old.release('ok');
    expect(first()).toMatchObject({ failures: 1, failedInRow: 1 });
    pool.pick().release('ok');
    expect(first()).toMatchObject({ failures: 0.5, failedInRow: 0 });
  });

  it('raises the cost of a hedge’s loser and never lowers it', async () => {
    const clock = new VirtualClock();
    const pool = new LoadBalancer(['slow', 'quick'], { runtime: steady(clock) });
    const ask = hedge(
      (_: number, attempt) => pool.run((member) => clock.sleep(member === 'slow' ? Infinity : 5), attempt),
      { after: 40, runtime: steady(clock) },
    );
    await finish(clock, ask(0));
    const [slow, quick] = pool.stats().members;
    expect(slow).toMatchObject({ latencyMs: 45, failures: 0, ejected: undefined });
    expect(quick).toMatchObject({ latencyMs: 5 });
    const lease = pool.pick({ avoid: new Set(['quick']) });
    await clock.advance(1);
    lease.release('ignore');
    expect(pool.stats().members[0]).toMatchObject({ latencyMs: 45 });
  });

  it('does not blame the member for a `visit` that throws or aborts', async () => {
    const told: unknown[] = [];
    const signal = { cost: () => 0, settled: (...heard: unknown[]) => told.push(heard) };
    const { pool, first } = make({ cost: () => () => signal });
    const broken = new Error('broken');
    const visit = (): never => {
      throw broken;
    };
    expect(await rejectionOf(() => pool.run(() => 'never', { visit }))).toBe(broken);
    expect(told).toEqual([['ignore', 0, 0]]);
    expect(first()).toMatchObject({ pending: 0, failures: 0, failedInRow: 0 });
  });
});

/** A signal that aborts in 5 ms. */
function abortIn(clock: VirtualClock, reason: unknown): AbortSignal {
  const controller = new AbortController();
  clock.setTimer(5, () => controller.abort(reason));
  return controller.signal;
}

describe('classify', () => {
  it('decides: a 503 that resolves may be a failure, a 404 that rejects none', async () => {
    const { pool, first } = make({
      classify: (outcome) => {
        if (outcome.status === 'rejected') return 'ok';
        return outcome.status === 'resolved' && outcome.value === 503 ? 'failed' : 'ok';
      },
    });
    await pool.run(() => 503);
    expect(first().failedInRow).toBe(1);
    await rejectionOf(() => pool.run(() => Promise.reject(new Error('404'))));
    expect(first().failedInRow).toBe(0);
  });

  const said = 'what classify returns must be "ok", "failed" or "ignore", got';

  it.each<[string, () => never, string]>([
    ['throws', () => { throw new Error('broken'); }, 'broken'], // prettier-ignore
    ['says something else', () => bad('perhaps'), `${said} "perhaps"`],
    ['says nothing', () => bad(undefined), `${said} undefined`],
    ['promises something', () => bad(Promise.resolve('ok')), `${said} a Promise`],
  ])('that %s is reported once, and the default holds', async (_, classify, message) => {
    const warnings = catchWarnings();
    const { pool, first } = make({ classify });
    for (let i = 0; i < 3; i++) expect(await pool.run(() => 'value')).toBe('value');
    expect(first()).toMatchObject({ failedInRow: 0, answered: true });
    await rejectionOf(() => pool.run(() => Promise.reject(new Error('down'))));
    expect(first()).toMatchObject({ failedInRow: 1 });
    expect(warnings.map((warning) => warning.message)).toEqual([`holdfast: classify failed: ${message}`]);
  });
});

describe('a lease', () => {
  it('says how it went: ok when nothing is said, nothing at the end of a `using` block', async () => {
    const { clock, pool, first } = make();
    const take = async (): Promise<ReturnType<typeof pool.pick>> => {
      const lease = pool.pick();
      await clock.advance(4);
      return lease;
    };
    (await take()).release('failed');
    expect(first()).toMatchObject({ failedInRow: 1, answered: true });
    {
      using lease = await take();
      expect(lease.member).toBe('a');
    }
    expect(first()).toMatchObject({ failedInRow: 1, pending: 0 });
    (await take()).release();
    expect(first()).toMatchObject({ failedInRow: 0 });
    const lease = await take();
    expect(() => lease.release(bad('broken'))).toThrow('outcome must be "ok", "failed" or "ignore", got "broken"');
    expect(first().pending).toBe(1);
    lease.release('failed');
    lease.release('ok');
    expect(first()).toMatchObject({ failedInRow: 1, pending: 0 });
  });
});

describe('replicate', () => {
  it('is the balancer as a call: signal, deadline and the hints of an attempt go through', async () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    const get = replicate(
      [{ id: 'a' }, { id: 'b' }],
      ({ id }) =>
        async (path: string, options) => {
          seen.push([options?.signal instanceof AbortSignal, options?.deadline]);
          return `${path} from ${id}`;
        },
      { cost: leastRequest(), runtime: { clock, random: seededRandom(1) } },
    );
    const visited: unknown[] = [];
    const { balancer } = get;
    const answer = await get('/1', { deadline: 50, visit: (member) => visited.push(member) });
    expect(answer).toMatch(/^\/1 from [ab]$/);
    expect(visited).toHaveLength(1);
    expect(await get('/2', { avoid: new Set(visited) })).not.toBe(`/2${answer.slice(2)}`);
    expect(seen).toMatchObject([
      [true, { expired: false }],
      [true, {}],
    ]);
    expect(balancer.stats().members.map(({ pending }) => pending)).toEqual([0, 0]);
    balancer.close();
    expect(await rejectionOf(() => get('/3'))).toMatchObject({ code: 'CLOSED' });
  });

  it('takes calls as members, and rejects when a member’s call cannot be had', async () => {
    const calls = [async (n: number) => n + 1];
    const add = replicate(calls, (call) => call, { id: () => 'one' });
    expect(await add(1)).toBe(2);
    const broken = replicate(['a'], () => {
      throw new Error('no client');
    });
    expect(await rejectionOf(() => broken('x'))).toMatchObject({ message: 'no client' });
  });
});
