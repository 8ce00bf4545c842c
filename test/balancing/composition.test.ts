import fc from 'fast-check';
import { LoadBalancer, replicate } from 'holdfast/balancing';
import { type Attempt, hedge } from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { codeOf, finish, steady } from '../support/serving.ts';
import { brief } from './brief.ts';

const forever = (): Promise<never> => new Promise(() => undefined);

describe('the attempts of a hedged call through a balancer', () => {
  it('each go to another member, while there is another, however busy it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 5, size: 'max' }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        async (seed, busy, failing) => {
          const clock = new VirtualClock();
          const names = busy.map((_, index) => `m${String(index)}`);
          const balancer = new LoadBalancer(names, { runtime: { clock, random: seededRandom(seed) } });
          // Members are busy with other things: without `avoid` the least busy would be taken again and again.
          for (const [index, count] of busy.entries()) {
            const others = new Set(names.filter((_, other) => other !== index));
            for (let i = 0; i < count * 10; i++) balancer.pick({ avoid: others });
          }
          const used: string[] = [];
          const call = hedge(
            (_request: number, attempt) =>
              balancer.run((member) => {
                used.push(member);
                return failing[attempt.attempt - 1] === true ? Promise.reject(new Error('down')) : forever();
              }, attempt),
            { after: 3, extra: 5, runtime: steady(clock) },
          );
          await finish(
            clock,
            call(0, { deadline: 100 }).catch(() => undefined),
          );
          expect(used).toHaveLength(6);
          expect(new Set(used.slice(0, busy.length)).size).toBe(busy.length);
        },
      ),
    );
  });

  it('are told of each other, and of nobody else’s', async () => {
    const clock = new VirtualClock();
    const balancer = new LoadBalancer(['a', 'b', 'c'], { runtime: steady(clock) });
    const seen: [number, readonly unknown[]][] = [];
    const call = hedge(
      (_request: number, attempt) =>
        balancer.run((_, inner) => {
          seen.push([attempt.attempt, [...inner.avoid]]);
          return attempt.attempt === 3 ? 'done' : Promise.reject(new Error('down'));
        }, attempt),
      { after: 3, extra: 2, runtime: steady(clock) },
    );
    for (let i = 0; i < 2; i++) {
      seen.length = 0;
      expect(await finish(clock, call(0))).toBe('done');
      expect(seen.map(([attempt, avoid]) => [attempt, avoid.length])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
      ]);
    }
  });

  it('tell the work which attempt it is, and why', async () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    const ask = replicate<string, number, never>(
      ['a', 'b', 'c'],
      () =>
        async (_, options = {}) => {
          const { attempt, cause } = options as Attempt;
          seen.push([attempt, cause]);
          return await (attempt === 1 ? forever() : Promise.reject(new Error('down')));
        },
      { runtime: steady(clock) },
    );
    const call = hedge(ask, { after: 3, extra: 2, budget: false, runtime: steady(clock) });
    await finish(
      clock,
      call(0, { deadline: 9 }).catch(() => undefined),
    );
    expect(seen).toEqual([
      [1, 'original'],
      [2, 'hedge'],
      [3, 'retry'],
    ]);
  });

  it('pass deadline and signal on, and the loser’s member counts until its work has settled', async () => {
    const clock = new VirtualClock();
    const balancer = new LoadBalancer(['slow', 'quick'], { runtime: steady(clock, 0) });
    const inner: Attempt[] = [];
    const call = hedge(
      (_request: number, outer) =>
        balancer.run((member, attempt) => {
          inner.push(attempt);
          return member === 'slow' ? clock.sleep(50).then(() => member) : member;
        }, outer),
      { after: 5, runtime: steady(clock) },
    );
    const asking = call(0, { deadline: 30 });
    await clock.advance(6);
    expect(await asking).toBe('quick');
    expect(inner.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(codeOf(inner[0]!.signal.reason)).toBe('SUPERSEDED');
    expect(inner[1]!.deadline.remaining()).toBe(24);
    expect(brief(balancer).members).toEqual([
      { id: 'slow', pending: 1 },
      { id: 'quick', pending: 0 },
    ]);
    await clock.runUntilIdle();
    expect(brief(balancer).members[0]).toEqual({ id: 'slow', pending: 0 });
  });

  it('compose through balancers within balancers: each says its member to the outermost', async () => {
    const clock = new VirtualClock();
    const zones = new LoadBalancer(
      ['east', 'west'].map((id) => ({
        id,
        replicas: new LoadBalancer([`${id}/1`, `${id}/2`], { runtime: steady(clock) }),
      })),
      { runtime: steady(clock) },
    );
    const used: string[] = [];
    const avoided: (readonly unknown[])[] = [];
    const call = hedge(
      (_request: number, attempt) => {
        avoided.push([...attempt.avoid]);
        return zones.run(
          (zone, inZone) =>
            zone.replicas.run((replica) => {
              used.push(replica);
              throw new Error('down');
            }, inZone),
          attempt,
        );
      },
      { after: 5, extra: 3, runtime: steady(clock) },
    );
    await finish(
      clock,
      call(0).catch(() => undefined),
    );
    expect(used.map((replica) => replica.split('/')[0])).toHaveLength(4);
    expect(new Set(used.slice(0, 2).map((replica) => replica.split('/')[0]))).toEqual(new Set(['east', 'west']));
    expect(avoided.map((members) => members.length)).toEqual([0, 2, 4, expect.any(Number)]);
    expect(avoided[1]).toContain(used[0]);
  });
});

describe('the leaves of a gather through balancers', () => {
  it('avoid their own members only: what one target uses is free for another', async () => {
    const clock = new VirtualClock();
    const balancer = new LoadBalancer(['a', 'b'], { runtime: steady(clock) });
    const avoided: number[] = [];
    const gathering = scatterGather(
      [1, 2, 3, 4],
      (_target, attempt) => {
        avoided.push(attempt.avoid.size);
        return balancer.run((member) => member, attempt);
      },
      { runtime: steady(clock), hedge: { after: 5 } },
    );
    const { values } = await finish(clock, gathering);
    expect(avoided).toEqual([0, 0, 0, 0]);
    expect([...values].sort()).toEqual(['a', 'a', 'b', 'b']);
  });

  it('survive a replica that hangs and one that fails, with no error told and nothing left', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      async ({ runtime, signal }) => {
        const balancers = [0, 1, 2].map(
          (shard) =>
            new LoadBalancer([`${String(shard)}/good`, `${String(shard)}/bad`], {
              runtime: { clock: runtime.clock, random: seededRandom(shard) },
            }),
        );
        const ask = (replica: string): Promise<string> => {
          if (replica.endsWith('good')) return clock.sleep(2).then(() => replica);
          return replica.startsWith('1') ? Promise.reject(new Error('down')) : forever();
        };
        for (let i = 0; i < 20; i++) {
          const gathering = scatterGather(balancers, (balancer, attempt) => balancer.run(ask, attempt), {
            deadline: 50,
            hedge: { after: 5 },
            signal,
            runtime,
          });
          const { values } = await finish(clock, gathering);
          expect(values).toEqual(['0/good', '1/good', '2/good']);
        }
      },
      { clock },
    );
  });

  it('free nobody before the work has settled, when the gather is called off', async () => {
    const clock = new VirtualClock();
    const balancer = new LoadBalancer(['a', 'b'], { runtime: steady(clock) });
    const gathering = scatterGather([5, 9], (ms, attempt) => balancer.run(() => clock.sleep(ms), attempt), {
      require: 0,
      straggler: 1,
      deadline: 2,
      runtime: steady(clock),
    });
    const settling = gathering.then(() => balancer.stats().members.map(({ pending }) => pending));
    expect(await finish(clock, settling)).toEqual([1, 1]);
    expect(balancer.stats().members.map(({ pending }) => pending)).toEqual([0, 0]);
  });
});
