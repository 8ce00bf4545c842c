import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backlog, type Ending } from '../../src/queue/backlog/backlog.ts';
import type { Job } from '../../src/queue/backlog/job.ts';
import type { Room } from '../../src/queue/queue-store.ts';
import { numRuns, runs, seed } from '../support/properties.ts';
import { BacklogModel, type ModelJob } from './backlog-model.ts';

type Step = readonly [kind: number, a: number, b: number, c: number];

const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(9_999), fc.nat(9_999), fc.nat(9_999)), {
  maxLength: 300,
  size: 'max',
});
const allRules = fc.record({
  agingMs: fc.constantFrom(undefined, undefined, 3, 50),
  keyLimit: fc.constantFrom(1, 2),
  keyOrder: fc.constantFrom('strict', 'skip'),
  maxDead: fc.constantFrom(0, 2, 1_000),
  idPrefix: fc.constant('m-'),
});
/** Which rooms are offered: those that drop need books of their own, kept from the first time on. */
const overflows = fc.constantFrom<readonly Room['overflow'][]>(
  ['reject'],
  ['dropOldest'],
  ['dropLowest'],
  ['reject', 'dropOldest', 'dropLowest'],
);
const counted = { steps: 0 };

/** A backlog and its model, side by side. */
class Pair {
  readonly model: BacklogModel;
  readonly backlog: Backlog<number>;
  readonly #overflows: readonly Room['overflow'][];
  /** Of each model job the record; a job that was put back has a new one. */
  readonly #records = new Map<ModelJob, Job<number>>();
  readonly #models = new WeakMap<Job<number>, ModelJob>();
  readonly #fences = new Map<ModelJob, number>();
  #nowMs = 0;

  constructor(rules: ConstructorParameters<typeof BacklogModel>[0], allowed: readonly Room['overflow'][]) {
    this.model = new BacklogModel(rules);
    this.backlog = new Backlog(rules);
    this.#overflows = allowed;
  }

  #modelOf(record: Job<number> | undefined): ModelJob | undefined {
    return record && this.#models.get(record);
  }

  #record(job: ModelJob, record: Job<number>): void {
    this.#records.set(job, record);
    this.#models.set(record, job);
  }

  step([kind, a, b, c]: Step): void {
    // No two instants alike, so that ranks are never equal across priorities.
    this.#nowMs += (a % 8 === 0 ? 20 : 0.5) * ((b % 997) / 997 + 0.001);
    if (kind < 40) this.#offer(a, b, c);
    else if (kind < 60) this.#take(a);
    else if (kind < 78) this.#settle(a, b);
    else if (kind < 84) this.#cancel(a, kind < 82);
    else if (kind < 88) this.#redriveOrPurge(a, kind < 86);
    else if (kind < 92) this.#extend(a, b);
    else if (kind < 94) this.#stale(a);
    else this.#nowMs += b % 60;
    this.compare();
  }

  #offer(a: number, b: number, c: number): void {
    const key = a % 3 === 0 ? `k${String(b % 3)}` : undefined;
    const id = b % 4 === 0 ? `id${String(c % 12)}` : undefined;
    const mode = (['reject', 'replace', 'rerun'] as const)[c % 3]!;
    const dedupe = c % 5 === 0 ? { id: `d${String(a % 3)}`, mode } : undefined;
    const priority = a % 2 === 0 ? 0 : (b % 5) - 2;
    const delayMs = c % 4 === 0 ? (a % 40) + 0.1 : 0;
    const overflow = this.#overflows[b % this.#overflows.length]!;
    const room: Room = { max: 1 + (c % 20), overflow };
    const plain = key === undefined && id === undefined && dedupe === undefined && a % 7 > 0;
    const record = this.backlog.job(a, priority, plain ? undefined : { id, keyName: key, dedupe });
    const job: ModelJob = {
      n: record.seq,
      id,
      key,
      priority,
      dedupe,
      data: a,
      state: 'new',
      sinceMs: 0,
      attempt: 0,
      crashes: 0,
      holdsKey: false,
      active: false,
      leaseEndsMs: Infinity,
      rerun: undefined,
      cameBack: false,
    };
    const isFull = this.model.queued.length >= room.max;
    const victims = isFull ? this.model.victims(job, room) : [];
    const offer = this.backlog.offer(record, delayMs, room, this.#nowMs);
    const twin = this.model.twin(job, delayMs, this.#nowMs);
    if (twin !== undefined) {
      if (twin.replaced) this.#record(job, record);
      expect(offer.status).toBe('duplicate');
      expect(this.#modelOf(offer.job)).toBe(twin.twin);
      return;
    }
    if (isFull && victims.length === 0) {
      expect(offer.status).toBe('full');
      return;
    }
    expect(offer.status).toBe('added');
    const dropped = this.#modelOf(offer.dropped);
    if (isFull) {
      expect(victims).toContain(dropped);
      this.model.cancel(dropped!, this.#nowMs);
    } else expect(dropped).toBeUndefined();
    this.#record(job, record);
    this.model.add(job, delayMs, this.#nowMs);
  }

  #take(a: number): void {
    const leaseMs = a % 2 === 0 ? Infinity : 5 + (a % 31) + (a % 997) / 1e6;
    this.model.advance(this.#nowMs);
    this.backlog.counts(this.#nowMs);
    const { runnable } = this.model;
    const record = this.backlog.take(this.#nowMs, leaseMs);
    const job = this.model.take(this.#nowMs, leaseMs);
    expect(this.#modelOf(record)).toBe(job);
    expect(job !== undefined).toBe(runnable > 0);
    if (job === undefined) return;
    expect(record!.fence).toBeGreaterThan(this.#fences.get(job) ?? 0);
    this.#fences.set(job, record!.fence);
  }

  #one(a: number, ...states: ModelJob['state'][]): ModelJob | undefined {
    const jobs = this.model.in(...states);
    return jobs[a % Math.max(1, jobs.length)];
  }

  #settle(a: number, b: number): void {
    this.backlog.counts(this.#nowMs);
    this.model.advance(this.#nowMs);
    const job = this.#one(a, 'leased');
    if (job === undefined) return;
    const delayMs = a % 3 === 0 ? (b % 30) + 0.3 : 0;
    const endings: readonly Ending[] = [
      { kind: 'done' },
      { kind: 'done' },
      { kind: 'retry', delayMs, error: 'e', crashed: a % 2 === 0 },
      { kind: 'dead', reason: 'failed', error: 'e', crashed: a % 2 === 0 },
      { kind: 'release', delayMs },
      { kind: 'cancelled' },
    ];
    const ending = endings[b % endings.length]!;
    const record = this.#records.get(job)!;
    const held = this.backlog.held(this.backlog.idOf(record), BigInt(record.fence), this.#nowMs);
    job.id = record.details?.id;
    expect(held).toBe(record);
    this.backlog.settle(record, ending, this.#nowMs);
    this.model.settle(job, ending, this.#nowMs);
  }

  #cancel(a: number, wanted: boolean): void {
    const job = this.#one(a, 'waiting', 'delayed', 'leased', 'done', 'dead', 'cancelled', 'replaced');
    if (job === undefined) return;
    const record = this.#records.get(job)!;
    if (wanted) expect(this.backlog.cancel(record, this.#nowMs)).toBe(this.model.cancel(job, this.#nowMs));
    else expect(this.backlog.expire(record, this.#nowMs)).toBe(this.model.expire(job, this.#nowMs));
  }

  #redriveOrPurge(a: number, wanted: boolean): void {
    const job = this.model.dead[a % Math.max(1, this.model.dead.length)];
    expect(this.backlog.redrive('nobody', this.#nowMs)).toBeUndefined();
    if (job === undefined) return;
    const { id } = this.#records.get(job)!.details!;
    if (wanted) {
      this.#record(job, this.backlog.redrive(id!, this.#nowMs)!);
      this.model.redrive(job, this.#nowMs);
    } else {
      expect(this.backlog.purge(id!)).toBe(true);
      this.model.dead.splice(this.model.dead.indexOf(job), 1);
    }
  }

  #extend(a: number, b: number): void {
    this.backlog.counts(this.#nowMs);
    this.model.advance(this.#nowMs);
    const job = this.#one(a, 'leased');
    if (job === undefined) return;
    job.leaseEndsMs = this.#nowMs + (b % 50) + (b % 991) / 1e6;
    this.backlog.extend(this.#records.get(job)!, job.leaseEndsMs);
  }

  /** A fence of before is nobody's. */
  #stale(a: number): void {
    this.backlog.counts(this.#nowMs);
    this.model.advance(this.#nowMs);
    const job = this.#one(a, 'leased', 'waiting', 'done', 'dead');
    const record = job && this.#records.get(job);
    if (record?.details?.id === undefined) return;
    const fence = BigInt(record.fence) - (record.state === 'leased' ? 1n : 0n);
    expect(this.backlog.held(record.details.id, fence, this.#nowMs)).toBeUndefined();
  }

  compare(): void {
    const { model, backlog } = this;
    counted.steps++;
    same('waiting', backlog.waiting, model.in('waiting').length);
    same('delayed', backlog.delayed, model.in('delayed').length);
    same('leased', backlog.leased, model.in('leased').length);
    same('runnable', backlog.runnable, model.runnable);
    same('nextMs is not too late', backlog.nextMs <= model.nextMs, true);
    const seqs = (records: Iterable<Job<number>>): string => Array.from(records, ({ seq }) => seq).join();
    same('dead', seqs(backlog.dead.values()), seqs(model.dead.map((job) => this.#records.get(job)!)));
    const listed = [...backlog.jobs()].sort((a, b) => a.seq - b.seq);
    same('jobs', seqs(listed), seqs(model.queued.map((job) => this.#records.get(job)!).sort((a, b) => a.seq - b.seq)));
    for (const [job, record] of this.#records) {
      same('state', record.state, job.state);
      if (!record.isLive) continue;
      same('data', record.data, job.data);
      same('attempt', record.attempt, job.attempt);
      same('crashes', record.crashes, job.crashes);
      if (job.id !== undefined) same('found', backlog.find(job.id), record);
      const { active = 0, limit = 1 } = record.details?.key ?? {};
      same('a key within its limit', active <= limit, true);
    }
  }
}

/** As `expect(…).toBe(…)`, a hundred times as fast. */
function same(what: string, is: unknown, should: unknown): void {
  if (is !== should) expect.fail(`${what}: ${String(is)} instead of ${String(should)}`);
}

it('a backlog does what arrays that are searched from end to end do', () => {
  fc.assert(
    fc.property(allRules, overflows, steps, (rules, allowed, sequence) => {
      const pair = new Pair(rules, allowed);
      for (const step of sequence) pair.step(step);
    }),
    { seed, numRuns: runs(10) },
  );
  if (numRuns >= 100) expect(counted.steps).toBeGreaterThan(100_000);
});

it('a lease of an id that comes back with another job has a higher fence than those of the one before', () => {
  const rules = { agingMs: undefined, keyLimit: 1, keyOrder: 'strict', maxDead: 0, idPrefix: 'm-' } as const;
  const backlog = new Backlog<number>(rules);
  const fences = [1, 2, 3].map((n) => {
    backlog.offer(backlog.job(n, 0, { id: 'same' }), 0, { max: 1, overflow: 'reject' }, n);
    const job = backlog.take(n)!;
    const { fence } = job;
    backlog.settle(job, { kind: 'done' }, n);
    return fence;
  });
  expect(fences).toEqual([1, 2, 3]);
});
