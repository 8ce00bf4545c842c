import fc from 'fast-check';
import { latencyAndFailures, LoadBalancer, type LoadBalancerOptions, roundRobin } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { type Candidate, choose, type Occasion } from '../../src/balancing/choice.ts';
import { runs } from '../support/properties.ts';
import { steady } from '../support/serving.ts';
import { plain } from './brief.ts';

interface Entry {
  readonly rank: number;
  readonly cost: number;
}

class Fake implements Candidate {
  readonly entry: Entry;
  looked = 0;

  constructor(entry: Entry) {
    this.entry = entry;
  }

  rank(): number {
    this.looked++;
    return this.entry.rank;
  }

  cost(): number {
    return this.entry.cost;
  }
}

const at: Occasion = { now: 0, avoid: new Set(), panic: false };
const entries = fc.array(
  fc.record({
    rank: fc.constantFrom(0, 0, 0, 1, 4, 9),
    cost: fc.oneof(fc.nat({ max: 3 }), fc.double({ noNaN: true }), fc.constantFrom(Infinity, -Infinity, 0)),
  }),
  { maxLength: 30, size: 'max' },
);

/** Who may be chosen when all are looked at, by sorting. */
function best(list: readonly Entry[]): readonly Entry[] {
  const [first] = [...list].sort((a, b) => a.rank - b.rank || (a.cost < b.cost ? -1 : a.cost > b.cost ? 1 : 0));
  return list.filter(({ rank, cost }) => rank === first?.rank && cost === first.cost);
}

describe('a choice', () => {
  it('among all is what sorting by rank and cost gives', () => {
    fc.assert(
      fc.property(entries, fc.integer(), (list, seed) => {
        const chosen = choose(
          list.map((entry) => new Fake(entry)),
          Infinity,
          at,
          seededRandom(seed),
        );
        if (list.length === 0) expect(chosen).toBeUndefined();
        else expect(best(list)).toContain(chosen!.entry);
      }),
      { numRuns: runs(10) },
    );
  });

  it('among some is the best of those looked at: each once, and as many of rank 0 as there are and may be', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 20 }), fc.integer(), (list, looks, seed) => {
        const fakes = list.map((entry) => new Fake(entry));
        const chosen = choose([...fakes], looks, at, seededRandom(seed));
        const looked = fakes.filter(({ looked }) => looked > 0);
        expect(Math.max(0, ...fakes.map(({ looked }) => looked))).toBeLessThanOrEqual(1);
        const healthy = (some: readonly Fake[]): number => some.filter(({ entry }) => entry.rank === 0).length;
        expect(healthy(looked)).toBe(Math.min(looks, healthy(fakes)));
        // Whoever ranks behind is taken only when nobody ranks 0.
        if (healthy(fakes) < looks) expect(looked).toHaveLength(fakes.length);
        if (list.length > 0) expect(best(looked.map(({ entry }) => entry))).toContain(chosen!.entry);
      }),
      { numRuns: runs(10) },
    );
  });

  it('draws for equals only, when all are looked at', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat()), fc.integer({ min: 1, max: 9 }), (costs, equals) => {
        let draws = 0;
        const chance = (): number => {
          draws++;
          return 0.5;
        };
        const fakes = (list: readonly number[]): Fake[] => list.map((cost) => new Fake({ rank: 0, cost }));
        choose(fakes(costs), Infinity, at, chance);
        expect(draws).toBe(0);
        choose(fakes(Array.from({ length: equals }, () => 7)), Infinity, at, chance);
        expect(draws).toBe(equals - 1);
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

  const names = Array.from({ length: 40 }, (_, i) => `m${String(i)}`);
  const balancerOf = (count: number, options: LoadBalancerOptions<string> = plain): LoadBalancer<string> =>
    new LoadBalancer(names.slice(0, count), {
      ...options,
      runtime: { clock: new VirtualClock(), random: seededRandom(7).stream(String(count)) },
    });

  it.each([1, 2, 3, 5, 7])('are equally likely, of %i', (count) => {
    expectUniform(choose(balancerOf(count)), names.slice(0, count));
  });

  it.each<[string, LoadBalancerOptions<string>]>([
    ['two are compared', { choices: 2 }],
    ['one is drawn', { choices: 1 }],
    ['16 of 40 are compared', {}],
  ])('are equally likely when %s', (_, options) => {
    expectUniform(choose(balancerOf(40, { ...plain, ...options })), names);
  });

  it('are equally likely by the default cost, when all have shown the same', () => {
    expectUniform(choose(balancerOf(5, { cost: latencyAndFailures() })), names.slice(0, 5));
  });

  it('are equally likely to be the first of a round', () => {
    const counts = new Map<string, number>();
    const random = seededRandom(7);
    for (let i = 0; i < choices; i++) {
      const runtime = { clock: new VirtualClock(), random };
      const { member } = new LoadBalancer(['a', 'b', 'c'], { cost: roundRobin(), probation: false, runtime }).pick();
      counts.set(member, (counts.get(member) ?? 0) + 1);
    }
    expectUniform(counts, ['a', 'b', 'c']);
  });

  it('are equally likely wherever they stand among busier ones', () => {
    const balancer = balancerOf(7);
    const busy = new Set(['m0', 'm2', 'm3', 'm6']);
    for (let i = 0; i < busy.size; i++) balancer.pick({ avoid: new Set(names.filter((name) => !busy.has(name))) });
    expect(
      balancer
        .stats()
        .members.filter(({ pending }) => pending > 0)
        .map(({ id }) => id),
    ).toEqual([...busy]);
    expectUniform(choose(balancer), ['m1', 'm4', 'm5']);
  });

  it('are equally likely among those not avoided, and among all when all are avoided', () => {
    expectUniform(choose(balancerOf(5), new Set(['m0', 'm4'])), ['m1', 'm2', 'm3']);
    expectUniform(choose(balancerOf(3), new Set(names)), ['m0', 'm1', 'm2']);
  });

  it('spread a burst evenly: no member ever has two more than another', () => {
    const balancer = new LoadBalancer(names.slice(0, 7), { ...plain, runtime: steady(new VirtualClock(), 0.999) });
    for (let i = 0; i < 70; i++) {
      balancer.pick();
      const pendings = balancer.stats().members.map(({ pending }) => pending);
      expect(Math.max(...pendings) - Math.min(...pendings)).toBeLessThanOrEqual(1);
    }
  });
});
