import fc from 'fast-check';
import { LoadBalancer } from 'holdfast/balancing';
import type { Attempt } from 'holdfast/calls';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { brief, plain } from './brief.ts';
import { runs } from '../support/properties.ts';
import { codeOf, CountingClock, listenersOf, thrownBy } from '../support/serving.ts';

const pool = ['a', 'b', 'c', '', '__proto__'] as const;
type Id = (typeof pool)[number];

interface Member {
  readonly id: Id;
}

const someIds = fc.subarray([...pool]);
const shuffledIds = fc.shuffledSubarray([...pool]);

type Op =
  | {
      readonly op: 'run';
      readonly how: 'throw' | 'value' | 'later';
      readonly avoid: readonly Id[];
      readonly ms: number;
    }
  | { readonly op: 'pick'; readonly avoid: readonly Id[] }
  | { readonly op: 'release' | 'abort'; readonly which: number }
  | { readonly op: 'settle'; readonly which: number; readonly ok: boolean }
  | { readonly op: 'advance'; readonly ms: number }
  | { readonly op: 'update'; readonly ids: readonly Id[] }
  | { readonly op: 'close' };

const which = fc.nat({ max: 20 });
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('run' as const),
      how: fc.constantFrom('throw' as const, 'value' as const, 'later' as const, 'later' as const),
      avoid: someIds,
      ms: fc.constantFrom(Infinity, 1, 3, 0),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('pick' as const), avoid: someIds }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom('release' as const, 'abort' as const), which }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('settle' as const), which, ok: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('update' as const), ids: shuffledIds }) },
  { weight: 1, arbitrary: fc.constant({ op: 'close' as const }) },
);

/** One call under way, as the model knows it: it counts for its member until the work has settled. */
interface Flight {
  readonly id: Id;
  readonly dueMs: number;
  readonly controller: AbortController;
  /** Settles the work. */
  readonly end: (ok: boolean) => void;
  over: boolean;
  /** What the caller should have been told, and what it was told; undefined while the call is pending. */
  expected?: string;
  told?: unknown;
}

interface Lease {
  readonly id: Id;
  readonly release: () => void;
  held: boolean;
}

/** What a balancer is: the order of ids, their newest objects, and what is in flight for each id whatever its history. */
class Model {
  members: readonly Member[] = [];
  closed = false;
  readonly inFlight = new Map<Id, number>();
  readonly flights: Flight[] = [];
  readonly leases: Lease[] = [];

  pending(id: Id): number {
    return this.inFlight.get(id) ?? 0;
  }

  add(id: Id, by: number): void {
    this.inFlight.set(id, this.pending(id) + by);
  }

  /** Whom a request may go to: those with the least in flight of those not avoided, of all when all are avoided. */
  eligible(avoid: ReadonlySet<unknown>): readonly Member[] {
    const wanted = this.members.filter((member) => !avoid.has(member));
    const candidates = wanted.length > 0 ? wanted : this.members;
    const least = Math.min(...candidates.map(({ id }) => this.pending(id)));
    return candidates.filter(({ id }) => this.pending(id) === least);
  }

  avoided(ids: readonly Id[]): ReadonlySet<Member> {
    return new Set(this.members.filter(({ id }) => ids.includes(id)));
  }

  refusal(): string | undefined {
    if (this.closed) return 'CLOSED';
    return this.members.length === 0 ? 'NO_MEMBERS' : undefined;
  }
}

const fresh = (ids: readonly Id[]): readonly Member[] => ids.map((id) => ({ id }));

const reached = new Set<string>();

class Run {
  readonly clock = new VirtualClock();
  readonly counting = new CountingClock(this.clock);
  readonly model = new Model();
  readonly balancer: LoadBalancer<Member>;
  readonly changes: unknown[] = [];

  constructor(seed: number, ids: readonly Id[]) {
    this.model.members = fresh(ids);
    this.balancer = new LoadBalancer(this.model.members, {
      ...plain,
      acceptEmpty: true,
      runtime: { clock: this.counting, random: seededRandom(seed) },
    });
    this.balancer.on('update', (change) => this.changes.push(change));
  }

  async apply(op: Op): Promise<void> {
    const { model, balancer, clock } = this;
    const one = <T>(list: readonly T[]): T | undefined => ('which' in op ? list[op.which % list.length] : undefined);
    switch (op.op) {
      case 'run':
        await this.#run(op);
        break;
      case 'pick':
        this.#pick(op.avoid);
        break;
      case 'release':
        this.#release(one(model.leases));
        break;
      case 'abort':
        this.#abort(one(model.flights));
        break;
      case 'settle':
        this.#settle(one(model.flights), op.ok);
        break;
      case 'advance':
        await clock.advance(op.ms);
        for (const flight of model.flights) if (flight.dueMs <= clock.now()) flight.expected ??= 'DEADLINE_EXCEEDED';
        break;
      case 'update':
        this.#update(op.ids);
        break;
      case 'close':
        balancer.close();
        model.closed = true;
    }
  }

  async #run({ how, avoid: ids, ms }: Op & { op: 'run' }): Promise<void> {
    const { model, balancer, clock } = this;
    const avoid = model.avoided(ids);
    const eligible = model.eligible(avoid);
    const refusal = ms === 0 ? 'DEADLINE_EXCEEDED' : model.refusal();
    const controller = new AbortController();
    const seen: { member: Member; attempt: Attempt; visited: readonly unknown[]; stats: ReturnType<typeof brief> }[] =
      [];
    const visited: unknown[] = [];
    let end: Flight['end'] = () => undefined;
    const work = (member: Member, attempt: Attempt): Promise<string> | string => {
      seen.push({ member, attempt, visited: [...visited], stats: brief(balancer) });
      if (how === 'value') return 'value';
      if (how === 'throw') throw new Error('thrown');
      return new Promise((resolve, reject) => {
        end = (ok) => {
          if (ok) resolve('value');
          else reject(new Error('thrown'));
        };
      });
    };
    const visit = (member: unknown): unknown => visited.push(member);
    const ending = balancer.run(work, { signal: controller.signal, deadline: ms, avoid, visit });
    let told: unknown;
    ending.then(
      (value) => (told = value),
      (error: unknown) => (told = error instanceof Error && error.message === 'thrown' ? 'thrown' : codeOf(error)),
    );
    await clock.advance(0);
    reached.add(refusal ?? how);
    if (refusal !== undefined) {
      expect(seen).toEqual([]);
      expect(told).toBe(refusal);
      return;
    }
    expect(seen).toHaveLength(1);
    const { member, attempt, stats } = seen[0]!;
    expect(eligible).toContain(member);
    expect(seen[0]!.visited).toEqual([member]);
    expect(attempt).toMatchObject({ attempt: 1, cause: 'original', avoid });
    expect(attempt.deadline.remaining()).toBe(ms);
    expect(stats.members).toEqual(
      model.members.map(({ id }) => ({ id, pending: model.pending(id) + (id === member.id ? 1 : 0) })),
    );
    if (how === 'later') this.#follow({ id: member.id, dueMs: clock.now() + ms, controller, end, over: false }, ending);
    else expect(told).toBe(how === 'value' ? 'value' : 'thrown');
  }

  #follow(flight: Flight, ending: Promise<string>): void {
    this.model.flights.push(flight);
    this.model.add(flight.id, 1);
    ending.then(
      (value) => (flight.told = value),
      (error: unknown) =>
        (flight.told = error instanceof Error && error.message === 'thrown' ? 'thrown' : codeOf(error)),
    );
  }

  #pick(ids: readonly Id[]): void {
    const { model, balancer } = this;
    const avoid = model.avoided(ids);
    const eligible = model.eligible(avoid);
    const refusal = model.refusal();
    if (refusal !== undefined) {
      expect(codeOf(thrownBy(() => balancer.pick({ avoid })))).toBe(refusal);
      return;
    }
    const lease = balancer.pick({ avoid });
    expect(eligible).toContain(lease.member);
    if (avoid.has(lease.member)) reached.add('avoided in need');
    model.leases.push({ id: lease.member.id, release: lease.release, held: true });
    model.add(lease.member.id, 1);
  }

  #release(lease: Lease | undefined): void {
    if (lease === undefined) return;
    lease.release();
    if (lease.held) this.model.add(lease.id, -1);
    else reached.add('released twice');
    lease.held = false;
  }

  #abort(flight: Flight | undefined): void {
    if (flight === undefined) return;
    flight.controller.abort('called off');
    flight.expected ??= 'called off';
  }

  #settle(flight: Flight | undefined, ok: boolean): void {
    if (flight === undefined || flight.over) return;
    if (flight.expected !== undefined) reached.add('settled after the caller had gone');
    flight.end(ok);
    flight.over = true;
    flight.expected ??= ok ? 'value' : 'thrown';
    this.model.add(flight.id, -1);
  }

  #update(ids: readonly Id[]): void {
    const { model, balancer } = this;
    const before = model.members.map(({ id }) => id);
    const added = ids.filter((id) => !before.includes(id));
    const removed = before.filter((id) => !ids.includes(id));
    if (removed.some((id) => model.pending(id) > 0)) reached.add('removed while busy');
    if (added.some((id) => model.pending(id) > 0)) reached.add('returned while busy');
    this.changes.length = 0;
    model.members = fresh(ids);
    balancer.update(model.members);
    expect(this.changes).toEqual(added.length + removed.length > 0 ? [{ added, removed }] : []);
  }

  /** What is known of the members is what the model knows. */
  check(): void {
    const { model, balancer } = this;
    expect(brief(balancer)).toEqual({ members: model.members.map(({ id }) => ({ id, pending: model.pending(id) })) });
    for (const { expected, told, controller } of model.flights) {
      expect(told).toBe(expected);
      expect(listenersOf(controller.signal)).toBe(told === undefined ? 1 : 0);
    }
  }

  /** Ends all that is under way; then nobody is busy, whoever was gone meanwhile. */
  async rest(): Promise<void> {
    const { model, balancer, clock } = this;
    for (const lease of model.leases) this.#release(lease);
    for (const flight of model.flights) this.#settle(flight, true);
    await clock.advance(0);
    this.check();
    balancer.update(fresh(pool));
    expect(brief(balancer)).toEqual({ members: pool.map((id) => ({ id, pending: 0 })) });
    expect(this.counting.pending).toBe(0);
  }
}

it(
  'every request in flight is counted once, for its member, until it is over; each goes where the least are',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        shuffledIds,
        fc.array(ops, { maxLength: 40, size: 'max' }),
        async (seed, ids, history) => {
          const run = new Run(seed, ids);
          await failOnLeaks(
            async () => {
              run.check();
              for (const op of history) {
                await run.apply(op);
                await run.clock.advance(0);
                run.check();
              }
              await run.rest();
            },
            { clock: run.clock },
          );
        },
      ),
      { numRuns: runs(2) },
    );
    expect([...reached].sort()).toEqual(
      [
        ...['throw', 'value', 'later', 'CLOSED', 'NO_MEMBERS', 'DEADLINE_EXCEEDED', 'released twice'],
        ...['avoided in need', 'removed while busy', 'returned while busy', 'settled after the caller had gone'],
      ].sort(),
    );
  },
);
