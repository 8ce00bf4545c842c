import fc from 'fast-check';
import {
  type BalancerLease,
  leastRequest,
  LoadBalancer,
  type LoadBalancerOptions,
  type Verdict,
} from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { runs } from '../support/properties.ts';

interface Member {
  readonly id: string;
  readonly weight: number;
}

const names = Array.from({ length: 20 }, (_, i) => `m${String(i)}`);
const members: fc.Arbitrary<readonly Member[]> = fc
  .oneof(
    { weight: 4, arbitrary: fc.subarray(names, { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: fc.subarray(names, { minLength: 15 }) },
  )
  .chain((ids) =>
    fc
      .array(fc.constantFrom(1, 1, 1, 1, 1, 3, 0), { minLength: ids.length, maxLength: ids.length })
      .map((weights) => ids.map((id, i) => ({ id, weight: weights[i]! }))),
  );

type Op =
  | { readonly op: 'pick'; readonly avoid: readonly string[] }
  | { readonly op: 'release'; readonly which: number; readonly verdict: Verdict }
  | { readonly op: 'advance'; readonly ms: number }
  | { readonly op: 'update'; readonly members: readonly Member[] };

const ops: fc.Arbitrary<readonly Op[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant('pick' as const),
        avoid: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.subarray(names) }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant('release' as const),
        which: fc.nat(),
        verdict: fc.constantFrom<Verdict>('ok', 'failed', 'failed', 'failed', 'ignore'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.constantFrom(0, 5, 90, 1_000) }) },
    { weight: 1, arbitrary: members.map((list) => ({ op: 'update' as const, members: list })) },
  ),
  { maxLength: 80, size: 'max' },
);

/** What is known of an id, for as long as it is a member or busy. */
interface Known {
  pending: number;
  tried: boolean;
  answered: boolean;
}

const reached = new Set<string>();

class Run {
  readonly clock = new VirtualClock();
  readonly balancer: LoadBalancer<Member>;
  readonly all: boolean;
  list: readonly Member[];
  readonly known = new Map<string, Known>();
  readonly leases: BalancerLease<Member>[] = [];
  /** As a listener would mirror it. */
  readonly ejected = new Set<string>();
  panic = false;
  /** Trials that there are calls for: one of a hundred, three saved up. */
  trials = 3;

  constructor(seed: number, list: readonly Member[], options: LoadBalancerOptions<Member>) {
    this.list = list;
    this.all = options.choices === 'all';
    this.balancer = new LoadBalancer(list, { ...options, runtime: { clock: this.clock, random: seededRandom(seed) } });
    for (const { id } of list) this.#meet(id);
    this.balancer.on('eject', ({ id }) => this.ejected.add(id));
    this.balancer.on('restore', ({ id }) => this.ejected.delete(id));
    this.balancer.on('panic', ({ active }) => (this.panic = active));
    this.balancer.on('update', ({ removed }) => {
      for (const id of removed) this.ejected.delete(id);
    });
  }

  #meet(id: string): void {
    if (!this.known.has(id)) this.known.set(id, { pending: 0, tried: false, answered: false });
  }

  /** Who is neither a member nor busy is forgotten. */
  #forget(): void {
    for (const [id, { pending }] of this.known)
      if (pending === 0 && !this.list.some((member) => member.id === id)) this.known.delete(id);
  }

  async apply(op: Op): Promise<void> {
    switch (op.op) {
      case 'pick':
        this.#pick(new Set(this.list.filter(({ id }) => op.avoid.includes(id))));
        break;
      case 'release': {
        const [lease] = this.leases.splice(op.which % Math.max(1, this.leases.length), 1);
        if (lease !== undefined) this.#release(lease, op.verdict);
        break;
      }
      case 'advance':
        await this.clock.advance(op.ms);
        break;
      case 'update': {
        this.balancer.update(op.members);
        this.list = op.members;
        for (const { id } of op.members) this.#meet(id);
        this.#forget();
        // Who comes back while busy is as known, and as ejected, as before.
        for (const { id, ejected } of this.balancer.stats().members) if (ejected !== undefined) this.ejected.add(id);
      }
    }
    this.check();
  }

  #pick(avoid: ReadonlySet<Member>): void {
    const { balancer, known } = this;
    const { members: stats, panic } = balancer.stats();
    // As the choice counts itself.
    this.trials += 1 / 100;
    const about = this.list.map((member, i) => {
      const { ejected, ejectedForMs } = stats[i]!;
      const { pending, tried, answered } = known.get(member.id)!;
      const due = ejected !== undefined && ejectedForMs === 0 && this.trials >= 1 - 1e-9;
      const out = ejected !== undefined && !due && !panic;
      const probation = !answered && pending > 0;
      // What a choice looks at, in this order: it must have weight, not be avoided, not be ejected, not be on probation.
      const order = [member.weight === 0, avoid.has(member), out, probation].map(Number).join('');
      return { member, order, first: !tried || due, due, out, probation };
    });
    const least = about.map(({ order }) => order).sort()[0];
    const lease = balancer.pick({ avoid });
    const chosen = about.find(({ member }) => member === lease.member)!;
    expect(chosen.order).toBe(least);
    const best = about.filter(({ order }) => order === least);
    if (this.all && best.some(({ first }) => first)) expect(chosen.first).toBe(true);
    if (chosen.due) reached.add('trial');
    if (chosen.due) this.trials = Math.min(3, this.trials) - 1;
    if (chosen.out) reached.add('ejected in need');
    if (chosen.probation) reached.add('second call of an unknown in need');
    if (panic && chosen.member.weight > 0) reached.add('panic');
    if (avoid.has(chosen.member)) reached.add('avoided in need');
    if (chosen.member.weight === 0) reached.add('weightless in need');
    this.leases.push(lease);
    const record = known.get(lease.member.id)!;
    record.pending++;
    record.tried = true;
  }

  #release(lease: BalancerLease<Member>, verdict: Verdict): void {
    lease.release(verdict);
    lease.release('failed');
    const record = this.known.get(lease.member.id)!;
    record.pending--;
    if (verdict !== 'ignore') record.answered = true;
    this.#forget();
    const { members, healthy, panic } = this.balancer.stats();
    if (members.some(({ id }) => id === lease.member.id))
      expect(panic).toBe(members.length > 1 && healthy < members.length / 2);
  }

  check(): void {
    const { members: stats, healthy, panic } = this.balancer.stats();
    expect(stats.map(({ id }) => id)).toEqual(this.list.map(({ id }) => id));
    for (const { id, pending, answered } of stats) expect({ id, pending, answered }).toEqual({ id, ...this.#seen(id) });
    expect(new Set(stats.filter(({ ejected }) => ejected !== undefined).map(({ id }) => id))).toEqual(this.ejected);
    expect(healthy).toBeLessThanOrEqual(stats.length - this.ejected.size);
    // Failures age by themselves; that panic is over is seen with the next answer.
    if (stats.length > 1 && healthy < stats.length / 2) expect(panic).toBe(true);
    expect(this.panic).toBe(panic);
    if (stats.length === 1) expect(stats[0]!.ejected).toBeUndefined();
  }

  #seen(id: string): Pick<Known, 'pending' | 'answered'> {
    const { pending, answered } = this.known.get(id)!;
    return { pending, answered };
  }

  rest(): void {
    for (const lease of this.leases) this.#release(lease, 'ok');
    this.check();
    for (const { pending } of this.balancer.stats().members) expect(pending).toBe(0);
  }
}

it('an ejected member, a second call for an unknown one, an avoided one: only when there is nobody else; all counted by id', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      members,
      fc.record({
        choices: fc.constantFrom('auto' as const, 'all' as const, 1, 2),
        outlier: fc.constantFrom({ consecutive: 2, baseMs: 100, maxMs: 1_000 }, { successRate: 0.9, minCalls: 3 }),
      }),
      ops,
      async (seed, list, options, history) => {
        const run = new Run(seed, list, options);
        run.check();
        for (const op of history) await run.apply(op);
        run.rest();
      },
    ),
    { numRuns: runs(10) },
  );
  expect([...reached].sort()).toEqual(
    [
      ...['trial', 'ejected in need', 'panic', 'second call of an unknown in need'],
      ...['avoided in need', 'weightless in need'],
    ].sort(),
  );
}, 120_000);

it('when most are ejected everyone may be chosen, and is as likely as another', () => {
  const count = 6;
  const clock = new VirtualClock();
  const pool = new LoadBalancer(names.slice(0, count), {
    cost: leastRequest(),
    probation: false,
    runtime: { clock, random: seededRandom(3) },
  });
  for (const bad of names.slice(0, 4)) {
    const others = new Set(names.filter((name) => name !== bad));
    for (let i = 0; i < 5; i++) pool.pick({ avoid: others }).release('failed');
  }
  expect(pool.stats()).toMatchObject({ healthy: 2, panic: true });
  const taken = new Map<string, number>();
  const calls = 6_000;
  for (let i = 0; i < calls; i++) {
    const lease = pool.pick();
    lease.release('ignore');
    taken.set(lease.member, (taken.get(lease.member) ?? 0) + 1);
  }
  const sigma = Math.sqrt(calls * (1 / count) * (1 - 1 / count));
  expect(taken.size).toBe(count);
  for (const times of taken.values()) expect(Math.abs(times - calls / count)).toBeLessThan(5 * sigma);
});

it('with as many healthy as panicBelow asks for, no ejected member is chosen before its time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 2, max: 30 }), fc.nat(), async (seed, count, out) => {
      const clock = new VirtualClock();
      const ids = Array.from({ length: count }, (_, i) => String(i));
      const bad = ids.slice(0, out % (Math.floor(count / 2) + 1));
      const pool = new LoadBalancer(ids, { runtime: { clock, random: seededRandom(seed) } });
      for (const id of bad) {
        const others = new Set(ids.filter((other) => other !== id));
        for (let i = 0; i < 5; i++) pool.pick({ avoid: others }).release('failed');
      }
      expect(pool.stats()).toMatchObject({ healthy: count - bad.length, panic: false });
      await clock.advance(2_499);
      for (let i = 0; i < 3 * count; i++) expect(bad).not.toContain(pool.pick().member);
    }),
    { numRuns: runs(10) },
  );
});
