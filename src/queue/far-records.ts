import { HoldfastError } from '../core/errors.ts';
import type { Ending } from './backlog/backlog.ts';
import { isQueued, Job, type JobDetails } from './backlog/job.ts';
import type { LeasedJob, PutResult, StoreCaps, StoreCounts } from './queue-store.ts';
import { alsoTell, tellEnd } from './result-ticket.ts';
import { Unrecorded } from './unrecorded.ts';

/** The answer to a put speaks of one that ended just now, if of one that has ended. */
const mostPast = 1_000;
const mostExpired = 100_000;

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
  /** Those whose deadline was told here, with what they are the same as; the store comes to them later, and may speak of them still. */
  readonly #expired = new Map<string, string | undefined>();
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
    return this.#known.get(id);
  }

  /** The record that is told of the end of a live job. */
  follow(job: Job<D>): Job<D> {
    const id = this.idOf(job);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const record = job.owner === undefined ? this.unrecorded.claim(id, () => job) : job; // one that was found in the store
    this.#known.set(id, record);
    return record;
  }

  /** Until `forgetPast`, once for each call, those that end are kept: an answer may speak of them. */
  rememberPast(): void {
    this.#asking++;
  }

  forgetPast(): void {
    if (--this.#asking === 0) this.#past.clear();
  }

  /** It is kept. Whoever had its id before has ended, in a way that is not known here. */
  accepted(job: Job<D>, delayMs: number): void {
    const id = this.idOf(job);
    const older = this.#known.get(id);
    if (older !== undefined) this.#yield(older, this.#endedElsewhere(id, job.data));
    this.revived(id);
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    this.#count(job, 1);
    if (this.#isFollowed(job)) this.#known.set(id, job);
    else {
      this.#known.delete(id);
      this.unrecorded.add(id, job);
    }
  }

  /** Its id is that of a job which is not the one that had died here. */
  revived(id: string): void {
    if (this.#expired.delete(id)) this.#past.delete(id);
  }

  /** Which one the store has instead of one that was to be kept. */
  twin({ id, dead, expiresInMs = Infinity }: PutResult, data: D, nowMs: number): Job<D> {
    const known = this.#known.get(id) ?? this.#past.get(id) ?? this.unrecorded.find(id);
    if (known !== undefined && (dead === undefined || !isQueued(known))) return known;
    // Of an earlier process, or of another; or one that has died here, to which the store comes later.
    const error = dead ?? (this.#expired.has(id) ? 'its deadline has passed' : undefined);
    if (error !== undefined) {
      const job = this.#givenUp(id, data, error);
      if (known !== undefined) this.#yield(known, job); // another has given it up
      return job;
    }
    const expiresAtMs = expiresInMs === Infinity ? undefined : nowMs + expiresInMs;
    const job = this.make(data, 0, { id, expiresAtMs });
    return this.#isFollowed(job) ? this.follow(job) : job; // whoever has added it may ask for its end when it has come
  }

  #endedElsewhere(id: string, data: D): Job<D> {
    const job = this.make(data, 0, { id });
    job.state = 'cancelled';
    job.result = new HoldfastError('CLOSED', `job ${id} has ended, and what it came to is not known here`);
    return job;
  }

  #givenUp(id: string, data: D, error: string): Job<D> {
    const job = this.make(data, 0, { id });
    job.state = 'dead';
    job.result = new HoldfastError('JOB_DEAD', `job ${id} was given up before: ${error}`);
    return job;
  }

  /** One that waits has taken the data, the delay and the deadline of another. */
  renewed(job: Job<D>, by: Job<D>, delayMs: number): void {
    const isCounted = this.#known.get(this.idOf(job)) === job;
    if (isCounted) this.#count(job, -1);
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    job.data = by.data;
    job.caller = by.caller;
    (job.details ??= {}).expiresAtMs = by.details?.expiresAtMs;
    if (isCounted) this.#count(job, 1);
  }

  /** Whether it has died here, of which the store does not know yet. */
  isDead(id: string): boolean {
    return this.#expired.has(id);
  }

  /** What the job is not to be twice of that a live one has, or one that has died here; undefined where that is not known. */
  dedupeOf(id: string): string | undefined {
    return this.#known.get(id)?.details?.dedupe?.id ?? this.#expired.get(id);
  }

  /** Who has died here is not to be worked on when the store hands it out: only one that was put back has no deadline. */
  isExpired({ id, expiresInMs }: LeasedJob<D>): boolean {
    return expiresInMs !== undefined && this.#expired.has(id);
  }

  /** It was leased here; its record. */
  leased(lease: LeasedJob<D>, expiresAtMs: number): Job<D> {
    const { id, fence, data, attempt, crashes, settings } = lease;
    const job = this.#record(id, data, lease.priority);
    this.#expired.delete(id);
    const details = (job.details ??= { id });
    details.fence = fence;
    details.settings = settings;
    // The store counts from when it heard of the job. One that was put back has no deadline any more.
    details.expiresAtMs = expiresAtMs === Infinity ? undefined : Math.min(expiresAtMs, details.expiresAtMs ?? Infinity);
    job.data = data;
    job.attempt = attempt;
    job.crashes = crashes;
    this.#count(job, -1);
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
    if (job.owner === this.#host.owner) this.unrecorded.add(id, job);
  }

  /** It has ended with its lease. */
  ended(job: Job<D>, state: 'cancelled' | 'dead' | 'done'): void {
    const id = this.idOf(job);
    job.state = state;
    if (this.#known.get(id) === job) this.#known.delete(id);
    this.#keepPast(id, job);
  }

  #keepPast(id: string, job: Job<D>): void {
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
    const heir = this.make(data, priority, { ...details, fence: undefined, rerun: undefined });
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
    if (this.#expired.delete(id)) {
      this.#keepPast(id, this.#givenUp(id, undefined as D, 'its deadline has passed'));
      return undefined;
    }
    const isKnown = this.#known.has(id) || this.unrecorded.find(id) !== undefined;
    const job = this.#record(id, undefined as D, 0);
    this.#count(job, -1);
    this.ended(job, 'cancelled');
    return isKnown || job.owner !== undefined ? job : undefined;
  }

  /** The record of a job that the store speaks of, if need be a new one. */
  #record(id: string, data: D, priority: number): Job<D> {
    const known = this.#known.get(id);
    if (known === undefined) return this.unrecorded.claim(id, () => this.make(data, priority, { id }));
    this.unrecorded.delete(id);
    return known;
  }

  /** Its deadline has passed: the store sees to that when the job's turn comes. Whether it was one that waits. */
  expire(job: Job<D>): boolean {
    const id = this.idOf(job);
    if (this.#known.get(id) !== job || !isQueued(job)) return false;
    this.#count(job, -1);
    this.unrecorded.delete(id);
    this.ended(job, 'dead');
    this.#expired.set(id, job.details?.dedupe?.id);
    if (this.#expired.size > mostExpired) this.#expired.delete(this.#expired.keys().next().value!);
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

  /** How many the store says there are, or at least are. What has been entered since it was asked may not be in the answer. */
  counted(
    { waiting, delayed }: StoreCounts,
    mark: { readonly waiting: number; readonly delayed: number },
    isExact: boolean,
  ): void {
    const least = isExact ? { waiting: 0, delayed: 0 } : this;
    this.waiting = Math.max(waiting, this.#entered.waiting - mark.waiting, least.waiting);
    this.delayed = Math.max(delayed, this.#entered.delayed - mark.delayed, least.delayed);
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

  /** It has ended, in a way that is not known here: who waits for its end is told of that of another. */
  #yield(job: Job<D>, heir: Job<D>): void {
    const id = this.idOf(job);
    if (this.#known.get(id) === job) {
      if (isQueued(job)) this.#count(job, -1);
      this.#known.delete(id);
    }
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
