/*
 * The jobs of a queue in memory: what waits and in which order, what is delayed, who is leased, who has given up. No
 * promise, no timer, no clock: each call says what time it is. The memory store and the journal store stand on it.
 *
 * A job that leaves from the middle (cancelled, dropped, replaced, expired) is only marked; its place in the line is a
 * tombstone that is passed over when its turn comes. When tombstones outnumber the living, all are swept out.
 */

import type { DeadReason, JobOutcome, PutResult, Room, StoreCounts } from '../queue-store.ts';
import { alsoTell } from '../result-ticket.ts';
import { Arrivals } from './arrivals.ts';
import { Heap } from './heap.ts';
import { isQueued, Job, type JobDetails, type Rerun } from './job.ts';
import type { KeyTurns, Lane } from './keys.ts';
import { Leases } from './leases.ts';
import { Line } from './line.ts';
import { Register } from './register.ts';

/** @internal How a backlog orders its jobs. */
export interface BacklogRules {
  /** For each so many milliseconds of waiting a job gains one step of priority; undefined: none, priorities are strict. */
  readonly agingMs: number | undefined;
  /** How many jobs of a key may be leased at a time. */
  readonly keyLimit: number;
  /** `strict`: while a job waits to be tried again, nobody else of its key goes before; `skip`: they do. */
  readonly keyOrder: 'strict' | 'skip';
  /** How many dead jobs are kept; beyond, the oldest is forgotten. */
  readonly maxDead: number;
  /** How the ids begin of jobs that were given none. */
  readonly idPrefix: string;
}

/** @internal What became of an offer: `job` is the one that lives. */
export interface Offer<D> {
  readonly status: PutResult['status'];
  readonly job?: Job<D>;
  /** It waits, and has taken over the data and the options of the one that was offered. */
  readonly renewed?: boolean;
  readonly dropped?: Job<D>;
}

const added = { status: 'added' } as const;
const full = { status: 'full' } as const;

/** @internal The end or the next beginning of a lease, without whose it is. */
export type Ending = JobOutcome extends infer O ? (O extends unknown ? Omit<O, 'id' | 'fence'> : never) : never;

/** @internal See the top of this file. */
export class Backlog<D> {
  readonly #rules: BacklogRules;
  readonly #line: Line<D>;
  readonly #delayed = new Heap<Job<D>>((a, b) => a.sinceMs < b.sinceMs || (a.sinceMs === b.sinceMs && a.seq < b.seq));
  readonly #leases = new Leases<D>();
  readonly #register: Register<D>;
  readonly #dead = new Map<string, Job<D>>();
  readonly #arrivals = new Arrivals<D>({
    size: () => this.#waiting + this.#delayedNow,
    all: () => this.jobs(),
  });
  #seq = 0;
  #fence = 0;
  #waiting = 0;
  #delayedNow = 0;
  #leased = 0;
  #blocked = 0;
  #tombstones = 0;

  constructor(rules: BacklogRules) {
    this.#rules = rules;
    this.#line = new Line(rules.agingMs);
    this.#register = new Register(rules.idPrefix, rules.keyLimit);
  }

  /** How many wait that could start now, if there were workers. */
  get runnable(): number {
    return this.#waiting - this.#blocked;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get delayed(): number {
    return this.#delayedNow;
  }

  get leased(): number {
    return this.#leased;
  }

  get dead(): ReadonlyMap<string, Job<D>> {
    return this.#dead;
  }

  /** When the next delayed job is ready, or the next lease over; Infinity when there is none. */
  get nextMs(): number {
    // The first may be one that was taken back.
    const delayedMs = this.#delayedNow > 0 ? this.#delayed.first!.sinceMs : Infinity;
    return Math.min(delayedMs, this.#leases.nextMs);
  }

  /** A job that lives or is kept among the dead. */
  find(id: string): Job<D> | undefined {
    return this.#register.find(id) ?? this.#dead.get(id);
  }

  /** All that wait or are delayed. */
  *jobs(): IterableIterator<Job<D>> {
    yield* this.#line.jobs();
    for (const key of this.#register.keys()) {
      for (const lane of key.lanes.values()) for (const job of lane.jobs) if (job.state === 'waiting') yield job;
    }
    for (const job of this.#delayed) if (job.state === 'delayed') yield job;
  }

  /** A record for a job, not accepted yet. */
  job(data: D, priority = 0, details?: JobDetails<D>): Job<D> {
    return new Job(++this.#seq, data, priority, details);
  }

  /** The job's id. */
  idOf(job: Job<D>): string {
    return this.#register.idOf(job);
  }

  /** Accepts a job, if there is room and it is not there already. */
  offer(job: Job<D>, delayMs: number, room: Room, nowMs: number): Offer<D> {
    const { details } = job;
    const twin = details && this.#twinOf(job, details, delayMs, nowMs);
    if (twin !== undefined) return twin;
    let dropped: Job<D> | undefined;
    if (this.#waiting + this.#delayedNow >= room.max) {
      dropped = this.#leastWanted(job, room);
      if (dropped === undefined) return full;
      this.cancel(dropped, nowMs);
    }
    if (room.overflow === 'dropOldest' || this.#arrivals.isKept) this.#arrivals.add(job);
    if (details !== undefined) this.#register.enter(job, details);
    this.#enter(job, delayMs, nowMs);
    return dropped === undefined ? added : { status: 'added', dropped };
  }

  /** Leases the next job; undefined when none is ready. `leaseMs` Infinity: until it is settled. */
  take(nowMs: number, leaseMs = Infinity): Job<D> | undefined {
    if (this.nextMs <= nowMs) this.#advance(nowMs);
    for (let entry = this.#line.shift(); entry !== undefined; entry = this.#line.shift()) {
      const job = entry instanceof Job ? entry : this.#takeOf(entry, nowMs);
      if (job === undefined) continue;
      this.#waiting--;
      this.#leased++;
      if (job.details !== undefined) job.details.holdsKey = false;
      job.state = 'leased';
      job.attempt++;
      // Above those of all others: an id may come back with another job.
      job.fence = this.#fence = Math.max(this.#fence, job.fence) + 1;
      if (leaseMs !== Infinity) this.extend(job, nowMs + leaseMs);
      return job;
    }
    return undefined;
  }

  /** Has a lease end at another time. */
  extend(job: Job<D>, endsMs: number): void {
    this.#leases.set(job, endsMs, this.#leased);
  }

  /** The job that a lease is for, if the lease is not over. */
  held(id: string, fence: bigint, nowMs: number): Job<D> | undefined {
    if (this.nextMs <= nowMs) this.#advance(nowMs);
    const job = this.#register.find(id);
    return job?.state === 'leased' && BigInt(job.fence) === fence ? job : undefined;
  }

  /** Ends the lease of a job that is leased. */
  settle(job: Job<D>, ending: Ending, nowMs: number): void {
    this.#leased--;
    const { details } = job;
    if (details !== undefined) details.leaseEndsMs = undefined;
    if (ending.kind === 'retry' || ending.kind === 'release') {
      if (ending.kind === 'release') job.attempt--;
      else if (ending.crashed === true) job.crashes++;
      this.#tryAgain(job, ending.delayMs, nowMs);
      return;
    }
    if (details?.key !== undefined) this.#freeKey(details.key, nowMs);
    if (details?.rerun !== undefined && ending.kind !== 'cancelled') {
      this.#renew(job, details, details.rerun, nowMs);
      return;
    }
    if (ending.kind === 'dead') {
      if (ending.crashed === true) job.crashes++;
      this.#bury(job, ending.reason, ending.error);
    } else this.#end(job, ending.kind);
  }

  /** Takes back a job that nobody holds; whether it was one. */
  cancel(job: Job<D>, nowMs: number): boolean {
    if (!isQueued(job)) return false;
    this.#withdraw(job, nowMs);
    this.#end(job, 'cancelled');
    this.#sweep();
    return true;
  }

  /** Gives up a job that nobody holds; whether it was one. */
  expire(job: Job<D>, nowMs: number): boolean {
    if (!isQueued(job)) return false;
    this.#withdraw(job, nowMs);
    this.#bury(job, 'expired', 'its deadline has passed');
    this.#sweep();
    return true;
  }

  /**
   * Takes in a job that was accepted by another backlog, with what became of it. In the order in which they began to wait.
   *
   * @param past - `waits`, for `delayMs` more if it is delayed; `retried`: as it would after a retry, before all others of
   *   its key; `crashed`: it was leased, and whoever held it is lost; `dead`: it was given up
   */
  restore(job: Job<D>, past: 'waits' | 'retried' | 'crashed' | 'dead', delayMs: number, nowMs: number): void {
    const details = (job.details ??= {});
    this.#seq = Math.max(this.#seq, job.seq);
    if (past === 'dead') {
      this.#bury(job, details.reason!, details.error!);
      return;
    }
    this.#register.enter(job, details);
    if (past === 'waits') {
      this.#enter(job, delayMs, nowMs);
      return;
    }
    job.state = 'leased';
    this.#leased++;
    if (details.key !== undefined) this.#reckon(details.key, 1, 0);
    this.settle(job, { kind: 'retry', delayMs, error: '', crashed: past === 'crashed' }, nowMs);
  }

  /**
   * Puts a dead job back, with all its attempts before it; its new record, if it was there. A new one, for the old may be
   * a tombstone somewhere still.
   */
  redrive(id: string, nowMs: number): Job<D> | undefined {
    const dead = this.#dead.get(id);
    if (dead === undefined) return undefined;
    this.#dead.delete(id);
    const details = { ...dead.details, expiresAtMs: undefined };
    const job = this.job(dead.data, dead.priority, details);
    job.fence = dead.fence;
    job.owner = dead.owner;
    job.caller = dead.caller;
    this.#register.enter(job, details);
    this.#enter(job, 0, nowMs);
    return job;
  }

  /** Forgets a dead job; whether it was there. */
  purge(id: string): boolean {
    return this.#dead.delete(id);
  }

  counts(nowMs: number): StoreCounts {
    if (this.nextMs <= nowMs) this.#advance(nowMs);
    return {
      waiting: this.#waiting,
      delayed: this.#delayedNow,
      leased: this.#leased,
      dead: this.#dead.size,
      oldestMs: this.#line.oldestMs(nowMs),
    };
  }

  /** Makes ready what is due; ends leases that are over: whoever held them is taken for lost. */
  #advance(nowMs: number): void {
    for (let first = this.#delayed.first; first !== undefined && first.sinceMs <= nowMs; first = this.#delayed.first) {
      this.#delayed.pop();
      if (first.state !== 'delayed') continue;
      this.#delayedNow--;
      this.#ready(first, nowMs);
    }
    for (let job = this.#leases.over(nowMs); job !== undefined; job = this.#leases.over(nowMs)) {
      this.settle(job, { kind: 'retry', delayMs: 0, error: 'its lease has run out', crashed: true }, nowMs);
    }
  }

  #enter(job: Job<D>, delayMs: number, nowMs: number): void {
    if (delayMs > 0) {
      job.state = 'delayed';
      job.sinceMs = nowMs + delayMs;
      this.#delayedNow++;
      this.#delayed.push(job);
    } else this.#ready(job, nowMs);
  }

  #ready(job: Job<D>, nowMs: number): void {
    job.state = 'waiting';
    job.sinceMs = nowMs;
    this.#waiting++;
    const { details } = job;
    if (details?.key === undefined || details.holdsKey === true) {
      this.#line.push(job);
      return;
    }
    const lane = details.key.laneOf(job.priority);
    lane.jobs.push(job);
    lane.size++;
    this.#reckon(details.key, 0, 1);
    this.#queue(lane, nowMs);
  }

  /** Puts a lane in the line when its key may have another job leased. */
  #queue(lane: Lane<Job<D>>, nowMs: number): void {
    if (lane.queued || lane.size === 0 || !lane.key.isFree) return;
    lane.queued = true;
    lane.sinceMs = nowMs;
    this.#line.push(lane);
  }

  /** The next job of a lane that has come to the front; the lane goes to the back. */
  #takeOf(lane: Lane<Job<D>>, nowMs: number): Job<D> | undefined {
    lane.queued = false;
    if (!lane.key.isFree) return undefined; // back in the line when one of its key is settled
    const job = lane.shift();
    if (job === undefined) return undefined;
    lane.size--;
    this.#reckon(lane.key, 1, -1);
    this.#queue(lane, nowMs);
    return job;
  }

  #freeKey(key: KeyTurns<Job<D>>, nowMs: number): void {
    this.#reckon(key, -1, 0);
    for (const lane of key.lanes.values()) this.#queue(lane, nowMs);
  }

  /** Changes who is leased and who waits of a key, and what follows for the count of those that are held back. */
  #reckon(key: KeyTurns<Job<D>>, active: number, waiting: number): void {
    this.#blocked -= key.blocked;
    key.active += active;
    key.waiting += waiting;
    this.#blocked += key.blocked;
  }

  #tryAgain(job: Job<D>, delayMs: number, nowMs: number): void {
    const { details } = job;
    if (details?.rerun !== undefined) {
      job.data = details.rerun.data;
      details.rerun = undefined;
    }
    if (details?.key !== undefined) {
      details.holdsKey = this.#rules.keyOrder === 'strict';
      if (!details.holdsKey) this.#freeKey(details.key, nowMs);
    }
    this.#enter(job, delayMs, nowMs);
  }

  /** One more run of a job that would have ended, with newer data. */
  #renew(job: Job<D>, details: JobDetails<D>, { data, delayMs }: Rerun<D>, nowMs: number): void {
    job.data = data;
    job.attempt = job.crashes = 0;
    details.rerun = undefined;
    this.#enter(job, delayMs, nowMs);
  }

  /** What an offer comes to when the job, or one that it is the same as, is there already; undefined when it is new. */
  #twinOf(job: Job<D>, details: JobDetails<D>, delayMs: number, nowMs: number): Offer<D> | undefined {
    const known = details.id === undefined ? undefined : this.find(details.id);
    if (known !== undefined) return { status: 'duplicate', job: known };
    const { dedupe } = details;
    const twin = dedupe && this.#register.twin(dedupe.id);
    if (twin === undefined) return undefined;
    if (dedupe!.mode === 'reject') return { status: 'duplicate', job: twin };
    if (twin.state === 'leased') {
      if (dedupe!.mode === 'replace') return undefined;
      twin.details!.rerun = { data: job.data, delayMs };
      return { status: 'duplicate', job: twin };
    }
    this.#replace(twin, job, details, delayMs, nowMs);
    return { status: 'duplicate', job };
  }

  /** Has a job take the place of one that nobody holds: its id, and who waits for its end. */
  #replace(old: Job<D>, job: Job<D>, details: JobDetails<D>, delayMs: number, nowMs: number): void {
    details.id = this.idOf(old);
    this.#withdraw(old, nowMs);
    this.#end(old, 'replaced');
    old.details!.successor = job;
    // What it was to end with is no longer said of it; whoever waits for its end waits for the new one's.
    old.details!.unlink?.();
    if (old.ticket !== undefined) alsoTell(job, old.ticket);
    old.ticket = undefined;
    if (this.#arrivals.isKept) this.#arrivals.add(job);
    this.#register.enter(job, details);
    this.#enter(job, delayMs, nowMs);
    this.#sweep();
  }

  /** Who gives way to a job; undefined when nobody does. */
  #leastWanted(job: Job<D>, { max, overflow }: Room): Job<D> | undefined {
    if (max === 0 || overflow === 'reject') return undefined;
    if (overflow === 'dropLowest') {
      const lowest = this.#line.lowest();
      return lowest !== undefined && lowest.priority < job.priority ? lowest : undefined;
    }
    return this.#arrivals.oldest();
  }

  /** Takes a job that nobody holds out of its place. */
  #withdraw(job: Job<D>, nowMs: number): void {
    const { details } = job;
    this.#tombstones++;
    if (job.state === 'delayed') this.#delayedNow--;
    else this.#waiting--;
    if (details?.key === undefined) return;
    if (details.holdsKey === true) {
      details.holdsKey = false;
      this.#freeKey(details.key, nowMs);
    } else if (job.state === 'waiting') {
      // One that has nobody left has lost its turn.
      const lane = details.key.laneOf(job.priority);
      if (--lane.size === 0) details.key.lanes.delete(lane.priority);
      this.#reckon(details.key, 0, -1);
    }
  }

  #end(job: Job<D>, state: Job<D>['state']): void {
    job.state = state;
    if (job.details !== undefined) this.#register.leave(job, job.details);
  }

  #bury(job: Job<D>, reason: DeadReason, error: string): void {
    const id = this.idOf(job);
    this.#end(job, 'dead');
    job.details!.reason = reason;
    job.details!.error = error;
    this.#dead.set(id, job);
    if (this.#dead.size > this.#rules.maxDead) this.#dead.delete(this.#dead.keys().next().value!);
  }

  #sweep(): void {
    if (this.#tombstones < 64 || this.#tombstones < this.#waiting + this.#delayedNow) return;
    this.#tombstones = 0;
    for (const key of this.#register.keys()) {
      for (const lane of key.lanes.values()) lane.jobs.keep(isQueued);
    }
    this.#line.sweep();
    this.#delayed.keep(isQueued);
    this.#arrivals.sweep();
  }
}
