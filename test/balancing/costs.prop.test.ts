import fc from 'fast-check';
import {
  type Cost,
  type CostSignal,
  latencyAndFailures,
  leastRequest,
  LoadBalancer,
  type LoadBalancerOptions,
  type MemberView,
  peakEwma,
  type PoolView,
  roundRobin,
  type Verdict,
} from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { runs } from '../support/properties.ts';

interface Settled {
  readonly verdict: Verdict;
  readonly ms: number;
  readonly atMs: number;
  readonly medianMs: number | undefined;
}

/** All that has happened, and each figure computed anew from it: slow, and nothing to get wrong by keeping it up to date. */
class History implements CostSignal {
  readonly member: MemberView;
  readonly pool: PoolView;
  readonly withFailures: boolean;
  readonly events: Settled[] = [];
  /** When the calls started that nobody has heard of. */
  readonly open: number[] = [];

  constructor(pool: PoolView, member: MemberView, withFailures: boolean) {
    this.pool = pool;
    this.member = member;
    this.withFailures = withFailures;
  }

  started(now: number): void {
    this.open.push(now);
  }

  settled(verdict: Verdict, ms: number, now: number): void {
    this.open.splice(this.open.indexOf(now - ms), 1);
    this.events.push({ verdict, ms, atMs: now, medianMs: this.pool.medianMs(now) });
  }

  #latency(): { readonly ms: number | undefined; readonly reading: (now: number, median?: number) => number } {
    let ms: number | undefined;
    let stampMs = 0;
    let answers = 0;
    const reading = (at: number, median?: number): number =>
      ms === undefined ? (median ?? 0) : ms * Math.exp((stampMs - at) / 10_000);
    const note = (to: number, { atMs, medianMs }: Settled): void => {
      const most = Math.max(ms ?? 0, medianMs === undefined ? Infinity : 10 * medianMs);
      ms = Math.min(to, most);
      stampMs = atMs;
    };
    for (const event of this.events) {
      const { verdict, medianMs } = event;
      const before = reading(event.atMs, medianMs);
      if (verdict === 'ignore' && event.ms > before) note(event.ms, event);
      if (verdict === 'failed') note(Math.max(event.ms, ms ?? medianMs ?? 0), event);
      if (verdict !== 'ok') continue;
      const cold = ms === undefined ? (medianMs ?? event.ms) : before;
      const most = Math.max(ms ?? 0, medianMs === undefined ? Infinity : 10 * medianMs);
      if (answers++ < 5) note(cold + (Math.min(event.ms, most) - cold) / 5, event);
      else if (event.ms >= before) note(event.ms, event);
      else note(event.ms + (before - event.ms) * Math.exp((stampMs - event.atMs) / 10_000), event);
    }
    return { ms, reading };
  }

  #failures(now: number): number {
    let count = 0;
    let stampMs = 0;
    let rowMs = Infinity;
    for (const { verdict, ms, atMs } of this.events) {
      if (verdict === 'ignore' || (verdict === 'ok' && rowMs !== Infinity && atMs - ms < rowMs)) continue;
      rowMs = verdict === 'ok' ? Infinity : Math.min(rowMs, atMs - ms);
      const left = count * Math.exp((stampMs - atMs) / 5_000);
      count = verdict === 'ok' ? left / 2 : Math.min(5, left + 1);
      stampMs = atMs;
    }
    return count * Math.exp((stampMs - now) / 5_000);
  }

  cost(now: number): number {
    const reading = this.#latency().reading(now, this.pool.medianMs(now));
    const { pending, weight } = this.member;
    if (!this.withFailures) return (Math.max(0.1, reading) * (pending + 1)) / weight;
    const ageMs = this.open.length === 0 ? 0 : now - Math.min(...this.open);
    return (Math.max(0.1, reading, ageMs) * (pending + 1 + 15 * this.#failures(now))) / weight;
  }

  latencyMs(): number | undefined {
    return this.#latency().ms;
  }
}

/** A pool's median is up to a second old, and how old depends on who asked for it last: here it stays as it is. */
const withMedian =
  (cost: Cost, medianMs: number | undefined): Cost =>
  ({ random }) =>
    cost({ random, medianMs: () => medianMs });

const byTheBook =
  (withFailures: boolean): Cost =>
  (pool) =>
  (member) =>
    new History(pool, member, withFailures);

type Op =
  | { readonly op: 'pick' }
  | { readonly op: 'release'; readonly which: number; readonly verdict: Verdict }
  | { readonly op: 'advance'; readonly ms: number };

const ops: fc.Arbitrary<readonly Op[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({ op: 'pick' as const }) },
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant('release' as const),
        which: fc.nat(),
        verdict: fc.constantFrom<Verdict>('ok', 'ok', 'ok', 'failed', 'ignore'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        op: fc.constant('advance' as const),
        ms: fc.constantFrom(0, 1, 3, 17, 250, 4_000, 40_000),
      }),
    },
  ),
  { maxLength: 80, size: 'max' },
);

it.each<[string, Cost, Cost]>([
  ['latencyAndFailures', latencyAndFailures(), byTheBook(true)],
  ['peakEwma', peakEwma(), byTheBook(false)],
])(
  '%s chooses whom an implementation over the whole history chooses',
  async (_, cost, reference) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.constantFrom(1, 1, 2, 0.5), { minLength: 1, maxLength: 5 }),
        fc.constantFrom<LoadBalancerOptions<never>['choices']>('auto', 2),
        fc.constantFrom(undefined, 2, 300),
        ops,
        async (seed, weights, choices, medianMs, history) => {
          const clock = new VirtualClock();
          const members = weights.map((weight, i) => ({ id: String(i), weight }));
          const make = (of: Cost): LoadBalancer<(typeof members)[number]> =>
            new LoadBalancer(members, {
              cost: withMedian(of, medianMs),
              choices,
              runtime: { clock, random: seededRandom(seed) },
            });
          const [ours, theirs] = [make(cost), make(reference)];
          const leases: (readonly [ReturnType<typeof ours.pick>, ReturnType<typeof ours.pick>])[] = [];
          for (const op of history) {
            if (op.op === 'advance') {
              await clock.advance(op.ms);
            } else if (op.op === 'pick') {
              const pair = [ours.pick(), theirs.pick()] as const;
              expect(pair[0].member).toBe(pair[1].member);
              leases.push(pair);
            } else if (leases.length > 0) {
              const [pair] = leases.splice(op.which % leases.length, 1);
              for (const lease of pair!) lease.release(op.verdict);
            }
            const [left, right] = [ours.stats(), theirs.stats()];
            for (const [i, { latencyMs }] of left.members.entries()) {
              if (latencyMs === undefined) expect(right.members[i]!.latencyMs).toBeUndefined();
              else expect(latencyMs).toBeCloseTo(right.members[i]!.latencyMs!, 6);
            }
          }
        },
      ),
      { numRuns: runs(10) },
    );
  },
  120_000,
);

it('round robin gives each member its weight, in every row of as many calls as the weights sum up to', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      fc.nat({ max: 40 }),
      (seed, weights, skipped) => {
        const members = weights.map((weight, i) => ({ id: String(i), weight }));
        const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
        const balancer = new LoadBalancer(members, { cost: roundRobin(), probation: false, runtime });
        const take = (): string => {
          const lease = balancer.pick();
          lease.release();
          return lease.member.id;
        };
        for (let i = 0; i < skipped; i++) take();
        const row = Array.from({ length: weights.reduce((sum, weight) => sum + weight, 0) }, take);
        expect(members.map(({ id }) => row.filter((taken) => taken === id).length)).toEqual(weights);
      },
    ),
    { numRuns: runs(10) },
  );
});

it('least request keeps what is in flight in proportion to the weights', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
      fc.nat({ max: 60 }),
      (seed, weights, calls) => {
        const members = weights.map((weight, i) => ({ id: String(i), weight }));
        const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
        const balancer = new LoadBalancer(members, { cost: leastRequest(), probation: false, runtime });
        for (let i = 0; i < calls; i++) balancer.pick();
        const loads = balancer.stats().members.map(({ pending }, i) => ({ pending, weight: weights[i]! }));
        // Nobody could give a call away and be no better off than who takes it.
        const most = Math.max(...loads.map(({ pending, weight }) => pending / weight));
        for (const { pending, weight } of loads) expect(most).toBeLessThanOrEqual((pending + 1) / weight + 1e-9);
      },
    ),
    { numRuns: runs(10) },
  );
});
