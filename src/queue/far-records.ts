import { HoldfastError } from '../core/errors.ts';
import type { Ending } from './backlog/backlog.ts';
import { isQueued, Job, type JobDetails } from './backlog/job.ts';
import type { LeasedJob, PutResult, StoreCaps, StoreCounts } from './queue-store.ts';
import { alsoTell, tellEnd } from './result-ticket.ts';
import { remember, Unrecorded } from './unrecorded.ts';

/** The answer to a put speaks of one that ended just now, if of one that has ended. */
const mostPast = 1_000;

/** @internal What records of a store behind promises need to know. */
export interface FarRecordsHost {
  readonly caps: Pick<StoreCaps, 'shared'>;
  /** Whose the jobs are that are added here. */
  readonly owner: object;
  /** How the ids begin of jobs that were given none. */
  readonly prefix: string;
  /** So many of the dead wait again; answers how many of them had been accepted here. */
  onRedriven(count: number): number;
}

/**
 * @internal What is known here of the jobs of a store behind promises: their records, from what the store has answered, and
 * how many wait. It asks nothing. An id names one live job; whose answers are told of here about an id came in the order in
 * which the store gave them, for there is one question at a time about each.
 */
export class FarRecords<D> {
  readonly #host: FarRecordsHost;
  /** Live jobs that were accepted here, and those that are leased here. */
  readonly #known = new Map<string, Job<D>>();
  /** Those whose put has no answer yet, and of which nothing has come. */
  readonly #asked = new Map<string, Job<D>>();
  /** Those whose deadline was told here; the store comes to it later, and may speak of them still. */
  readonly #expired = new Set<string>();
  /** Those that have ended while a put of one that is perhaps the same was asked: its answer may speak of them. */
  readonly #past = new Map<string, Job<D>>();
  /** How many such puts have no answer. */
  #asking = 0;
  readonly unrecorded: Unrecorded<D>;
  #seq = 0;
  waiting = 0;
  delayed = 0;
  /** By how much they have been changed here, ever. */
  readonly #entered = { waiting: 0, delayed: 0 };

  constructor(host: FarRecordsHost) {
    this.#host = host;
    this.unrecorded = new Unrecorded(host.owner, (count) => host.onRedriven(count));
  }

  make(data: D, priority: number, details: JobDetails<D> | undefined): Job<D> {
    return new Job(++this.#seq, data, priority, details);
  }

  idOf(job: Job<D>): string {
    const details = (job.details ??= {});
    return (details.id ??= this.#host.prefix + String(job.seq));
  }

  all(): Iterable<Job<D>> {
    return this.#known.values();
  }

  /** The record of a live job. */
  find(id: string): Job<D> | undefined {
    return this.#known.get(id) ?? this.#asked.get(id);
  }

  /** The record that is told of the end of a live job. */
  follow(job: Job<D>): Job<D> {
    const id = this.idOf(job);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (job.owner === undefined) this.unrecorded.adopt(id, job); // one that was found in the store
    this.#known.set(id, job);
    return job;
  }

  /** The store is asked to keep it, and may hand it out before the answer is here. */
  asking(job: Job<D>, delayMs: number): void {
    const id = this.idOf(job);
    if (this.#host.caps.shared) this.unrecorded.add(id);
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    this.#asked.set(id, job);
    if (job.details?.dedupe !== undefined) this.#asking++;
  }

  /** There is an answer; whether nothing has come of the job before it. */
  answered(job: Job<D>): boolean {
    if (job.details?.dedupe !== undefined && --this.#asking === 0) this.#past.clear();
    return this.#isNew(job);
  }

  /** Whether it is one of which nothing has come; now something does. */
  #isNew(job: Job<D>): boolean {
    const id = this.idOf(job);
    return this.#asked.get(id) === job && this.#asked.delete(id);
  }

  /** It was not kept. */
  refused(job: Job<D>): void {
    this.unrecorded.delete(this.idOf(job));
  }

  /** It is kept, and nothing has come of it. Whoever had its id before has ended, in a way that is not known here. */
  accepted(job: Job<D>): void {
    const id = this.idOf(job);
    const older = this.#known.get(id);
    if (older !== undefined) {
      if (isQueued(older)) this.#count(older, -1);
      this.#known.delete(id);
      this.#handOver(older, job);
    }
    this.#count(job, 1);
    if (this.#isFollowed(job)) this.#known.set(id, job);
  }

  /** Its id is that of a job which is not the one that had died here. */
  revived(id: string): void {
    this.#expired.delete(id);
  }

  /** Which one the store has instead of one that was to be kept. */
  twin({ id, dead }: PutResult, data: D): Job<D> {
    const known = this.#known.get(id) ?? this.#past.get(id);
    if (known !== undefined) return known;
    // Of an earlier process, or of another; or one that has died here, to which the store comes later.
    const job = this.make(data, 0, { id });
    const error = dead ?? (this.#expired.has(id) ? 'its deadline has passed' : undefined);
    if (error !== undefined) {
      job.state = 'dead';
      job.result = new HoldfastError('JOB_DEAD', `job ${id} was given up before: ${error}`);
    } else if (this.#isFollowed(job)) this.follow(job); // whoever has added it may ask for its end when it has come
    return job;
  }

  /** One that waits has taken the data, the delay and the deadline of another. */
  renewed(job: Job<D>, by: Job<D>): void {
    const isCounted = this.#known.get(this.idOf(job)) === job;
    if (isCounted) this.#count(job, -1);
    job.state = by.state;
    job.data = by.data;
    job.caller = by.caller;
    (job.details ??= {}).expiresAtMs = by.details?.expiresAtMs;
    if (isCounted) this.#count(job, 1);
  }

  /** Whether it has died here, of which the store does not know yet. */
  isDead(id: string): boolean {
    return this.#expired.has(id);
  }

  /** Who has died here is not to be worked on when the store hands it out: only one that was put back has no deadline. */
  isExpired({ id, expiresInMs }: LeasedJob<D>): boolean {
    return expiresInMs !== undefined && this.#expired.has(id);
  }

  /** It was leased here; its record. */
  leased(lease: LeasedJob<D>, expiresAtMs: number): Job<D> {
    const { id, fence, data, attempt, crashes, settings } = lease;
    const known = this.find(id);
    const job = known ?? this.make(data, lease.priority, { id });
    if (known === undefined) this.unrecorded.adopt(id, job);
    else this.unrecorded.delete(id);
    this.#expired.delete(id);
    const details = (job.details ??= { id });
    details.fence = fence;
    details.settings = settings;
    details.expiresAtMs = expiresAtMs === Infinity ? undefined : expiresAtMs;
    job.data = data;
    job.attempt = attempt;
    job.crashes = crashes;
    if (!this.#isNew(job)) this.#count(job, -1);
    job.state = 'leased';
    this.#known.set(id, job);
    return job;
  }

  /** Its lease is over, and it waits again: here, or in a store that others pull from perhaps elsewhere. */
  waits(job: Job<D>, delayMs: number): void {
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    if (job.details?.successor !== undefined) return; // another has its id by now
    this.#count(job, 1);
    if (this.#isFollowed(job)) return;
    const id = this.idOf(job);
    this.#known.delete(id);
    if (job.owner === this.#host.owner) this.unrecorded.add(id);
  }

  /** It has ended with its lease. */
  ended(job: Job<D>, state: 'cancelled' | 'dead' | 'done'): void {
    const id = this.idOf(job);
    job.state = state;
    if (this.#known.get(id) === job) this.#known.delete(id);
    if (this.#asking === 0) return;
    this.#past.set(id, job);
    if (this.#past.size > mostPast) this.#past.delete(this.#past.keys().next().value!);
  }

  /**
   * The lease was lost, and somebody works on it still. It goes on as another record: who has the old one has nothing to do
   * with the next lease.
   */
  lost(job: Job<D>): void {
    const { data, priority, details, ticket, owner, caller } = job;
    const heir = this.make(data, priority, { ...details, fence: undefined });
    heir.ticket = ticket;
    heir.owner = owner;
    heir.caller = caller;
    job.ticket = undefined;
    job.details!.unlink = undefined;
    job.details!.successor = heir;
    this.#known.set(this.idOf(heir), heir);
    this.waits(heir, 0);
  }

  /**
   * The store has taken back or dropped one that waited: its record, also of one that was not kept and had been accepted
   * here; undefined for one that is not in these books, or is no more since its deadline has passed.
   */
  withdrawn(id: string): Job<D> | undefined {
    if (this.#expired.delete(id)) return undefined;
    const known = this.find(id);
    const job = known ?? this.make(undefined as D, 0, { id });
    if (known === undefined) this.unrecorded.adopt(id, job);
    else this.unrecorded.delete(id);
    if (!this.#isNew(job)) this.#count(job, -1);
    this.ended(job, 'cancelled');
    return known ?? (job.owner === undefined ? undefined : job);
  }

  /** Its deadline has passed: the store sees to that when the job's turn comes. Whether it was one that waits. */
  expire(job: Job<D>): boolean {
    const id = this.idOf(job);
    if (this.#known.get(id) !== job || !isQueued(job)) return false;
    this.#count(job, -1);
    this.unrecorded.delete(id);
    this.ended(job, 'dead');
    remember(this.#expired, id);
    return true;
  }

  /** So many wait again that were dead. */
  redriven(count: number): void {
    this.waiting += count;
  }

  /** What has been entered so far: a question for the counts of the store begins. */
  mark(): { readonly waiting: number; readonly delayed: number } {
    return { ...this.#entered };
  }

  /** How many the store says there are. Those that have been entered since it was asked may not be in the answer. */
  counted({ waiting, delayed }: StoreCounts, mark: { readonly waiting: number; readonly delayed: number }): void {
    this.waiting = Math.max(waiting, this.#entered.waiting - mark.waiting);
    this.delayed = Math.max(delayed, this.#entered.delayed - mark.delayed);
  }

  forgetAsked(): void {
    this.#asked.clear();
  }

  /** Whether a job is looked after from here until its end; in a shared store it may come elsewhere. */
  #isFollowed(job: Job<D>): boolean {
    return !this.#host.caps.shared || job.ticket !== undefined;
  }

  /** Enters a job that waits or is delayed, or takes it out of the count. */
  #count(job: Job<D>, by: 1 | -1): void {
    const where = job.state === 'delayed' ? 'delayed' : 'waiting';
    this.#entered[where] += by;
    this[where] = Math.max(0, this[where] + by);
  }

  /** Who waits for the end of a job is told of that of the one that has its place: how itself has ended is not known. */
  #handOver(job: Job<D>, heir: Job<D>): void {
    const details = (job.details ??= {});
    details.successor = heir;
    details.unlink?.();
    details.unlink = undefined;
    if (job.ticket === undefined) return;
    if (heir.isLive) alsoTell(heir, job.ticket);
    else tellEnd(job.ticket, heir);
    job.ticket = undefined;
  }
}

/** @internal Whether a job ends with it. */
export function isEnd(ending: Ending): ending is Extract<Ending, { readonly kind: 'cancelled' | 'dead' | 'done' }> {
  return ending.kind !== 'retry' && ending.kind !== 'release';
}
