import { LoadBalancer } from 'holdfast/balancing';
import { Budget, hedge, percentile } from 'holdfast/calls';
import { VirtualClock, seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { recordWarnings } from '../support/warnings.ts';

recordWarnings();
const hang = (): Promise<never> => new Promise(() => undefined);

describe('LoadBalancer.run with a policy', () => {
  const make = (): { clock: VirtualClock; pool: LoadBalancer<string> } => {
    const clock = new VirtualClock();
    return { clock, pool: new LoadBalancer(['a', 'b', 'c'], { runtime: { clock, random: seededRandom(1) } }) };
  };

  it('hedges on another member, tells the loser, and leaves nothing pending', async () => {
    const { clock, pool } = make();
    const seen: { member: string; attempt: number; cause: string; signal: AbortSignal }[] = [];
    const answer = pool.run(
      (member, { attempt, cause, signal }) => {
        seen.push({ member, attempt, cause, signal });
        if (attempt > 1) return member;
        return new Promise<string>((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
      },
      { hedge: { after: 40 }, deadline: 500 },
    );
    await clock.advance(40);
    expect(await answer).toBe(seen[1]!.member);
    expect(seen.map(({ attempt, cause }) => `${attempt} ${cause}`)).toEqual(['1 original', '2 hedge']);
    expect(seen[0]!.member).not.toBe(seen[1]!.member);
    expect(seen.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(pool.stats().members.map(({ pending }) => pending)).toEqual([0, 0, 0]);
    expect(clock.pending).toBe(0);
  });

  it('tries every member once before any twice', async () => {
    const { clock, pool } = make();
    const tried: string[] = [];
    const answer = pool.run(
      (member) => {
        tried.push(member);
        throw new Error(`${member} is down`);
      },
      { retry: { attempts: 4, backoff: { baseMs: 1, maxMs: 1 } }, budget: false },
    );
    answer.catch(() => undefined);
    for (let i = 0; i < 4; i++) await clock.advance(1);
    await expect(answer).rejects.toMatchObject({ code: 'ATTEMPTS_FAILED' });
    expect(new Set(tried.slice(0, 3))).toEqual(new Set(['a', 'b', 'c']));
    expect(tried).toHaveLength(4);
  });

  it('takes its attempts from one budget of its own, a tenth of its calls and one a second', async () => {
    const { clock, pool } = make();
    let attempts = 0;
    for (let i = 0; i < 200; i++) {
      const failing = pool.run(
        () => {
          attempts++;
          return Promise.reject(new Error('down'));
        },
        { retry: { backoff: { baseMs: 0, maxMs: 0 } } },
      );
      failing.catch(() => undefined);
      await clock.advance(1);
      await expect(failing).rejects.toThrow();
    }
    // 200 originals in 0.2 s: 20, and 10 for the window of 10 s.
    expect(attempts).toBe(200 + 20 + 10);
  });

  it('has a budget on its own clock: what is spent is there again when the window has passed', async () => {
    const { clock, pool } = make();
    let attempts = 0;
    const down = (): Promise<never> => {
      attempts++;
      return Promise.reject(new Error('down'));
    };
    const spend = async (options: { readonly budget?: false }): Promise<number> => {
      attempts = 0;
      for (let i = 0; i < 20; i++)
        pool.run(down, { retry: { backoff: { baseMs: 0, maxMs: 0 } }, ...options }).catch(() => undefined);
      await clock.advance(10);
      return attempts;
    };
    expect(await spend({})).toBe(20 + 2 + 10);
    await clock.advance(20_000);
    expect(await spend({})).toBe(20 + 2 + 10);
    expect(await spend({ budget: false })).toBe(3 * 20);
  });

  it('makes one attempt more where it is told to hedge and not to retry', async () => {
    const { clock, pool } = make();
    let attempts = 0;
    const failing = pool.run(
      () => {
        attempts++;
        return Promise.reject(new Error('down'));
      },
      { hedge: { after: 1_000 } },
    );
    failing.catch(() => undefined);
    await clock.advance(10_000);
    await expect(failing).rejects.toMatchObject({ code: 'ATTEMPTS_FAILED' });
    expect(attempts).toBe(2);
  });

  it('counts a call once for a budget that an outer hedge has too', async () => {
    const { clock, pool } = make();
    const budget = new Budget({ ratio: 0.5, minPerSecond: 0, runtime: { clock, random: seededRandom(1) } });
    const get = hedge((_: string, attempt) => pool.run((member) => member, { ...attempt, retry: {}, budget }), {
      after: percentile(0.95),
      budget,
      runtime: { clock, random: seededRandom(2) },
    });
    await get('x');
    expect(budget.stats().originals).toBe(1);
  });

  it.each([
    ['with a retry', { retry: { backoff: { baseMs: 0, maxMs: 0 } } }],
    ['with a hedge', { hedge: { after: 40 } }],
  ])('a value that is refused has failed, for its member too, and goes to discard, %s', async (_, policy) => {
    const { pool } = make();
    const discarded: string[] = [];
    const asked: string[] = [];
    const answer = await pool.run(
      (member) => {
        asked.push(member);
        return `${member} ${String(asked.length)}`;
      },
      { ...policy, accept: (value) => !value.endsWith('1'), discard: (value) => discarded.push(value) },
    );
    expect(answer).toBe(`${asked[1]!} 2`);
    expect(discarded).toEqual([`${asked[0]!} 1`]);
    const { members } = pool.stats();
    expect(members.map(({ id, failedInRow }) => (id === asked[0] ? failedInRow === 1 : failedInRow === 0))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('a single attempt is judged too; what `accept` throws is why it failed; `classify` has the last word', async () => {
    const { clock } = make();
    const discarded: number[] = [];
    const run = async (accept: () => boolean, classify?: () => 'ok'): Promise<readonly unknown[]> => {
      const pool = new LoadBalancer(['a'], { classify, runtime: { clock, random: seededRandom(1) } });
      const error: unknown = await pool
        .run(() => 7, { accept, discard: (value) => discarded.push(value) })
        .then(() => undefined, (reason: unknown) => reason); // prettier-ignore
      const { failedInRow, failures } = pool.stats().members[0]!;
      return [error, failedInRow, failures];
    };
    expect(await run(() => false)).toMatchObject([{ code: 'NOT_ACCEPTED' }, 1, 1]);
    const broken = new Error('broken');
    expect(await run(() => { throw broken; })).toEqual([broken, 1, 1]); // prettier-ignore
    expect(await run(() => false, () => 'ok')).toMatchObject([{ code: 'NOT_ACCEPTED' }, 0, 0]); // prettier-ignore
    expect(discarded).toEqual([7, 7, 7]);
  });

  it('hands what comes after the deadline, or after another has won, to discard, once', async () => {
    const { clock, pool } = make();
    const discarded: string[] = [];
    const late = (member: string, { attempt }: { attempt: number }): Promise<string> =>
      clock.sleep(attempt === 1 ? 100 : 5).then(() => `${member} ${String(attempt)}`);
    const options = { deadline: 50, discard: (value: string) => discarded.push(value) };
    const alone = pool.run(late, options);
    alone.catch(() => undefined);
    const hedged = pool.run(late, { ...options, hedge: { after: 10 } });
    await clock.advance(100);
    await expect(alone).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await hedged).toMatch(/ 2$/);
    expect(discarded).toHaveLength(2);
    expect(discarded.every((value) => value.endsWith(' 1'))).toBe(true);
  });

  it('settles at the deadline though nobody answers, and refuses bad policies at the door', async () => {
    const { clock, pool } = make();
    const answer = pool.run(hang, { hedge: { after: 10, extra: 2 }, budget: false, deadline: 100 });
    answer.catch(() => undefined);
    await clock.advance(100);
    await expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(clock.pending).toBe(0);
    const bad = { hedge: { after: -1 } };
    await expect(pool.run(() => 1, bad)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(pool.run(() => 1, { retry: {}, budget: 7 as never })).rejects.toThrow(/^budget must be a Budget/);
    await expect(pool.run(() => 1, { retry: {}, accept: 7 as never })).rejects.toThrow(/^accept must be a function/);
    expect(await pool.run(() => 1, { retry: {}, hedge: { after: 5 }, accept: (value) => value === 1 })).toBe(1);
  });
});

describe('LoadBalancer, attacked', () => {
  const make = (members: string[] = ['a', 'b']): { clock: VirtualClock; pool: LoadBalancer<string> } => {
    const clock = new VirtualClock();
    return {
      clock,
      pool: new LoadBalancer(members, { runtime: { clock, random: seededRandom(1) }, acceptEmpty: true }),
    };
  };

  it('says that there is nobody, or that it is closed, whatever the policy', async () => {
    const { pool } = make([]);
    for (const options of [{}, { hedge: { after: 5 } }, { retry: {} }])
      await expect(pool.run(() => 1, options)).rejects.toMatchObject({ code: 'NO_MEMBERS' });
    pool.close();
    for (const options of [{}, { hedge: { after: 5 } }, { retry: {} }])
      await expect(pool.run(() => 1, options)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('counts a lease once though a listener releases it in the midst of its release', () => {
    const { pool } = make();
    const avoid = new Set(['b']);
    for (let i = 0; i < 4; i++) pool.pick({ avoid }).release('failed');
    const other = pool.pick({ avoid });
    const lease = pool.pick({ avoid });
    let heard = 0;
    pool.on('eject', () => {
      heard++;
      lease.release('failed');
    });
    lease.release('failed');
    expect(heard).toBe(1);
    const pending = (): number[] => pool.stats().members.map((member) => member.pending);
    expect(pending()).toEqual([1, 0]);
    other.release();
    expect(pending()).toEqual([0, 0]);
  });

  it('learns nothing from a lease that ends without a word', () => {
    const { pool } = make();
    pool.pick({ avoid: new Set(['b']) })[Symbol.dispose]();
    expect(pool.stats().members[0]!.answered).toBe(false);
  });

  it.each([undefined, { windowMs: 60_000 }])(
    'in panic serves from those who have joined and work, slow start or not: %o',
    async (slowStart) => {
      const clock = new VirtualClock();
      const runtime = { clock, random: seededRandom(1) };
      const pool = new LoadBalancer(['a', 'b', 'c', 'd', 'e', 'f'], { runtime, ...(slowStart && { slowStart }) });
      const counts = { ok: 0, failed: 0 };
      const call = (): void => {
        pool
          .run((member) => {
            if (member > 'f') return clock.sleep(10);
            return clock.sleep(5).then(() => {
              throw new Error('broken');
            });
          })
          .then(
            () => counts.ok++,
            () => counts.failed++,
          );
      };
      for (let i = 0; i < 2_000; i++) {
        call();
        await clock.advance(5);
      }
      counts.failed = 0;
      pool.update(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
      for (let i = 0; i < 3_000; i++) {
        call();
        await clock.advance(5);
      }
      expect(counts.ok).toBeGreaterThan(20 * counts.failed);
    },
  );

  it('forgets a moment in which all weights were 0', async () => {
    const clock = new VirtualClock();
    let weight = 1;
    const pool = new LoadBalancer(['a', 'b'], {
      runtime: { clock, random: seededRandom(1) },
      weight: () => weight,
      slowStart: { windowMs: 600_000, floor: 0.5 },
    });
    pool.update(['a', 'b', 'c']);
    const taken = new Map<string, number>();
    const call = async (): Promise<void> => {
      const member = await pool.run((one) => clock.sleep(1).then(() => one));
      taken.set(member, (taken.get(member) ?? 0) + 1);
    };
    for (let i = 0; i < 600; i++) {
      weight = i < 10 ? 0 : 1;
      const done = call();
      await clock.advance(10);
      await done;
    }
    expect(taken.get('c')).toBeGreaterThan(50);
  });
});
