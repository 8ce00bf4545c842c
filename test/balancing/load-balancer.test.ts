import { isNoMembers, LoadBalancer } from 'holdfast/balancing';
import { Deadline, isClosed, isDeadlineExceeded, systemRuntime } from 'holdfast/core';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  catchWarnings,
  CountingClock,
  finish,
  listenersOf,
  rejectionOf,
  steady,
  thrownBy,
  watch,
} from '../support/serving.ts';
import { brief } from './brief.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const forever = (): Promise<never> => new Promise(() => undefined);
const pendings = (balancer: Pick<LoadBalancer<unknown>, 'stats'>): readonly number[] =>
  balancer.stats().members.map(({ pending }) => pending);

function make(members: readonly string[] = ['a', 'b']) {
  const clock = new VirtualClock();
  const counting = new CountingClock(clock);
  return { clock, counting, balancer: new LoadBalancer(members, { runtime: steady(counting) }) };
}

describe('run', () => {
  it('settles as the work does', async () => {
    const { clock, balancer } = make();
    expect(
      await finish(
        clock,
        balancer.run((member) => `asked ${member}`),
      ),
    ).toMatch(/^asked [ab]$/);
    expect(await balancer.run(async () => 'later')).toBe('later');
    const broken = new Error('broken');
    expect(await rejectionOf(() => balancer.run(() => Promise.reject(broken)))).toBe(broken);
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('takes a synchronous throw for a rejection, and the member is free again', async () => {
    const { balancer } = make();
    const broken = new Error('broken');
    const work = (): never => {
      throw broken;
    };
    expect(await rejectionOf(() => balancer.run(work))).toBe(broken);
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('settles at the deadline even if the work ignores it, and tells the work', async () => {
    const { clock, counting, balancer } = make();
    let signal: AbortSignal | undefined;
    let left: number | undefined;
    const running = balancer.run(
      (_, attempt) => {
        signal = attempt.signal;
        left = attempt.deadline.remaining();
        return forever();
      },
      { deadline: Deadline.after(10, clock) },
    );
    const settled = watch(running, clock, counting);
    await clock.runUntilIdle();
    expect(isDeadlineExceeded(settled()!.error)).toBe(true);
    expect(settled()!.error).toHaveProperty('message', 'the deadline of a balanced call has passed');
    expect(settled()).toMatchObject({ atMs: 10, timers: 0 });
    expect(left).toBe(10);
    expect(isDeadlineExceeded(signal!.reason)).toBe(true);
  });

  it('settles with the caller’s reason even if the work ignores the abort, and tells the work', async () => {
    const { clock, counting, balancer } = make();
    const controller = new AbortController();
    let signal: AbortSignal | undefined;
    const running = balancer.run(
      (_, attempt) => {
        ({ signal } = attempt);
        return forever();
      },
      { signal: controller.signal, deadline: 50 },
    );
    const settled = watch(running, clock, counting, controller.signal);
    await clock.advance(3);
    controller.abort('gone');
    await clock.runUntilIdle();
    expect(settled()).toMatchObject({ error: 'gone', atMs: 3, timers: 0, listeners: 0 });
    expect(signal!.reason).toBe('gone');
  });

  it('never aborts the signal of work that has succeeded', async () => {
    const { clock, balancer } = make();
    const controller = new AbortController();
    const work = (_: string, { signal }: { readonly signal: AbortSignal }): AbortSignal => signal;
    const signal = await balancer.run(work, { signal: controller.signal, deadline: 10 });
    controller.abort();
    await clock.advance(3_600_000);
    expect(signal.aborted).toBe(false);
  });

  it('counts what is in flight until the work itself has settled, so a member that hangs is not given more', async () => {
    const { clock, balancer } = make();
    const asked: string[] = [];
    for (let i = 0; i < 9; i++) {
      const work = (member: string): Promise<void> => {
        asked.push(member);
        return asked[0] === member ? forever() : clock.sleep(1);
      };
      await Promise.allSettled([balancer.run(work, { deadline: 5 }), clock.advance(10)]);
    }
    expect(asked.slice(1)).toEqual(Array.from({ length: 8 }, () => (asked[0] === 'a' ? 'b' : 'a')));
    expect([...pendings(balancer)].sort()).toEqual([0, 1]);
  });

  it('calls no work when the call is refused', async () => {
    const { counting, balancer } = make();
    let calls = 0;
    const work = (): number => ++calls;
    expect(isDeadlineExceeded(await rejectionOf(() => balancer.run(work, { deadline: 0 })))).toBe(true);
    const signal = AbortSignal.abort('gone');
    expect(await rejectionOf(() => balancer.run(work, { signal, deadline: 0 }))).toBe('gone');
    const empty = new LoadBalancer<string>([], { runtime: steady(counting) });
    expect(isNoMembers(await rejectionOf(() => empty.run(work)))).toBe(true);
    balancer.close();
    expect(isClosed(await rejectionOf(() => balancer.run(work)))).toBe(true);
    expect(calls).toBe(0);
    expect(counting.most).toBe(0);
    expect(listenersOf(signal)).toBe(0);
  });

  it('leaves no unhandled rejection of work that fails when the caller has gone', async () => {
    const { clock, balancer } = make();
    await failOnLeaks(async () => {
      const running = balancer.run(() => clock.sleep(9).then(() => Promise.reject(new Error('late'))), { deadline: 5 });
      expect(isDeadlineExceeded(await rejectionOf(() => finish(clock, running)))).toBe(true);
    });
    expect(clock.now()).toBe(9);
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('keeps one listener on the signal of many calls, and none afterwards', async () => {
    const { clock, balancer } = make();
    const { signal } = new AbortController();
    const warnings = catchWarnings();
    const calls = Array.from({ length: 50 }, () => balancer.run(() => clock.sleep(1), { signal }));
    expect(listenersOf(signal)).toBe(1);
    expect(pendings(balancer)).toEqual([25, 25]);
    await finish(clock, Promise.all(calls));
    expect(listenersOf(signal)).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('tells `visit` the member before the work, as a method of the options', async () => {
    const { balancer } = make(['a']);
    const seen: unknown[] = [];
    const options = {
      visited: seen,
      visit(member: unknown) {
        this.visited.push(member);
      },
    };
    await balancer.run((member, attempt) => {
      expect(seen).toEqual([member]);
      attempt.visit('another');
    }, options);
    expect(seen).toEqual(['a', 'another']);
  });

  it('rejects with what `visit` throws, calls no work, and the member is free again', async () => {
    const { balancer } = make();
    const broken = new Error('broken');
    let calls = 0;
    const visit = (): never => {
      throw broken;
    };
    expect(await rejectionOf(() => balancer.run(() => ++calls, { visit }))).toBe(broken);
    expect(calls).toBe(0);
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('may be called from inside work', async () => {
    const { balancer } = make();
    const both = await balancer.run(async (outer) => [outer, await balancer.run((inner) => inner)]);
    expect([...both].sort()).toEqual(['a', 'b']);
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('runs on the platform’s time and chance when no runtime is given', async () => {
    const timers = vi.spyOn(systemRuntime.clock, 'setTimer');
    const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
    const balancer = new LoadBalancer(['a', 'b']);
    expect(await balancer.run((member) => member, { deadline: 60_000 })).toBe('a');
    expect(timers).toHaveBeenCalledTimes(1);
    expect(chance).toHaveBeenCalledTimes(1);
  });
});

describe('avoid', () => {
  it('is honoured whenever there is another member, however busy', async () => {
    const { balancer } = make(['a', 'b', 'c']);
    for (let i = 0; i < 7; i++) balancer.pick({ avoid: new Set(['a', 'c']) });
    expect(pendings(balancer)).toEqual([0, 7, 0]);
    expect(await balancer.run((member) => member, { avoid: new Set(['a', 'c']) })).toBe('b');
  });

  it('ranks last when there is no other, by the requests in flight', () => {
    const { balancer } = make();
    const all = new Set(['a', 'b']);
    const [first, second] = [balancer.pick({ avoid: all }), balancer.pick({ avoid: all })];
    expect([first.member, second.member].sort()).toEqual(['a', 'b']);
    expect(pendings(balancer)).toEqual([1, 1]);
  });

  it('of members that are not there changes nothing', () => {
    const { balancer } = make(['a']);
    expect(balancer.pick({ avoid: new Set(['x', undefined, null, 5]) }).member).toBe('a');
  });
});

describe('pick', () => {
  it('takes the least busy, and release gives it back once however often it is called', () => {
    const { balancer } = make();
    const lease = balancer.pick();
    const other = balancer.pick();
    expect(new Set([lease.member, other.member])).toEqual(new Set(['a', 'b']));
    lease.release();
    lease.release();
    lease[Symbol.dispose]();
    expect([...pendings(balancer)].sort()).toEqual([0, 1]);
    const { release } = other;
    release();
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('is given back at the end of a `using` block, also by a throw', () => {
    const { balancer } = make();
    const block = (): void => {
      using lease = balancer.pick();
      expect(brief(balancer).members).toContainEqual({ id: lease.member, pending: 1 });
      throw new Error('broken');
    };
    expect(block).toThrow('broken');
    expect(pendings(balancer)).toEqual([0, 0]);
  });

  it('throws without members and after close', () => {
    const { balancer } = make([]);
    expect(isNoMembers(thrownBy(() => balancer.pick()))).toBe(true);
    balancer.close();
    expect(isClosed(thrownBy(() => balancer.pick()))).toBe(true);
  });
});

describe('close', () => {
  it('takes no further request, lets those in flight go on, and may be repeated', async () => {
    const { clock, balancer } = make(['a']);
    const running = balancer.run(() => clock.sleep(5).then(() => 'done'));
    balancer.close();
    await balancer[Symbol.asyncDispose]();
    expect(brief(balancer)).toEqual({ members: [{ id: 'a', pending: 1 }] });
    expect(await finish(clock, running)).toBe('done');
    expect(brief(balancer)).toEqual({ members: [{ id: 'a', pending: 0 }] });
  });

  it('is what disposing does', async () => {
    const { balancer } = make();
    await balancer[Symbol.asyncDispose]();
    expect(isClosed(thrownBy(() => balancer.pick()))).toBe(true);
  });
});

describe('isNoMembers', () => {
  it('knows the error by its code', () => {
    expect(isNoMembers(thrownBy(() => make([]).balancer.pick()))).toBe(true);
    expect(isNoMembers(new Error('NO_MEMBERS'))).toBe(false);
    expect(isNoMembers(undefined)).toBe(false);
  });
});
