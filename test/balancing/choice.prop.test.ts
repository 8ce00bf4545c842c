import fc from 'fast-check';
import { LoadBalancer } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { leastRequest } from '../../src/balancing/least-request.ts';
import { steady } from '../support/serving.ts';

const candidates = fc.array(
  fc.record({ pending: fc.nat({ max: 3 }), avoided: fc.boolean(), chances: fc.nat({ max: 9 }) }),
  { maxLength: 9, size: 'max' },
);

/** The same by sorting: avoided ones last, then by requests in flight. */
function best(list: readonly { readonly pending: number; readonly avoided: boolean }[]): readonly number[] {
  const rank = ({ pending, avoided }: { readonly pending: number; readonly avoided: boolean }): number =>
    (avoided ? 1_000 : 0) + pending;
  const least = Math.min(...list.map(rank));
  return [...list.keys()].filter((index) => rank(list[index]!) === least);
}

describe('leastRequest', () => {
  it('takes one of the least busy that are not avoided, of the least busy when all are', () => {
    fc.assert(
      fc.property(candidates, fc.infiniteStream(fc.nat({ max: 999 })), (list, chance) => {
        const members = list.map(({ pending }, member) => ({ member, pending }));
        const avoid = new Set([...list.keys()].filter((index) => list[index]!.avoided));
        const choice = leastRequest(members, avoid, () => chance.next().value / 1_000);
        if (list.length === 0) expect(choice).toBeUndefined();
        else expect(best(list)).toContain(choice!.member);
      }),
    );
  });

  it('draws for equals only', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat()), fc.integer({ min: 1, max: 9 }), (pendings, equals) => {
        let draws = 0;
        const chance = (): number => {
          draws++;
          return 0.5;
        };
        leastRequest(
          pendings.map((pending, member) => ({ member, pending })),
          new Set(),
          chance,
        );
        expect(draws).toBe(0);
        leastRequest(
          Array.from({ length: equals }, (_, member) => ({ member, pending: 0 })),
          new Set(),
          chance,
        );
        expect(draws).toBe(equals === 1 ? 0 : 1);
      }),
    );
  });
});

describe('equals', () => {
  // N = 20,000 choices a row, seed 7; tolerance 5 standard deviations of the binomial: a sound build fails once in
  // 1.7 million shares.
  const choices = 20_000;

  function expectUniform(counts: ReadonlyMap<string, number>, ids: readonly string[]): void {
    expect([...counts.keys()].sort()).toEqual([...ids].sort());
    const share = 1 / ids.length;
    const sigma = Math.sqrt(choices * share * (1 - share));
    for (const [id, count] of counts)
      expect(Math.abs(count - choices * share), `share of ${id}`).toBeLessThanOrEqual(5 * sigma);
  }

  function choose(balancer: LoadBalancer<string>, avoid?: ReadonlySet<string>): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (let i = 0; i < choices; i++) {
      const lease = balancer.pick(avoid === undefined ? {} : { avoid });
      lease.release();
      counts.set(lease.member, (counts.get(lease.member) ?? 0) + 1);
    }
    return counts;
  }

  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const balancerOf = (count: number): LoadBalancer<string> =>
    new LoadBalancer(names.slice(0, count), {
      runtime: { clock: new VirtualClock(), random: seededRandom(7).stream(String(count)) },
    });

  it.each([1, 2, 3, 5, 7])('are equally likely, of %i', (count) => {
    expectUniform(choose(balancerOf(count)), names.slice(0, count));
  });

  it('are equally likely wherever they stand among busier ones', () => {
    const balancer = balancerOf(7);
    const busy = new Set(['a', 'c', 'd', 'g']);
    for (let i = 0; i < busy.size; i++) balancer.pick({ avoid: new Set(names.filter((name) => !busy.has(name))) });
    expect(
      balancer
        .stats()
        .members.filter(({ pending }) => pending > 0)
        .map(({ id }) => id),
    ).toEqual([...busy]);
    expectUniform(choose(balancer), ['b', 'e', 'f']);
  });

  it('are equally likely among those not avoided, and among all when all are avoided', () => {
    expectUniform(choose(balancerOf(5), new Set(['a', 'e'])), ['b', 'c', 'd']);
    expectUniform(choose(balancerOf(3), new Set(names)), ['a', 'b', 'c']);
  });

  it('spread a burst evenly: no member ever has two more than another', () => {
    const balancer = new LoadBalancer(names, { runtime: steady(new VirtualClock(), 0.999) });
    for (let i = 0; i < 70; i++) {
      balancer.pick();
      const pendings = balancer.stats().members.map(({ pending }) => pending);
      expect(Math.max(...pendings) - Math.min(...pendings)).toBeLessThanOrEqual(1);
    }
  });
});
