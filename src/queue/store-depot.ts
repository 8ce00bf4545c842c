import type { Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import { isQueued, Job, type JobDetails } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import { uniqueOf } from '../core/runtime.ts';
import { AskedPuts } from './asked-puts.ts';
import { Batches } from './batches.ts';
import type { Depot, DepotHost, DepotListener } from './depot.ts';
import type { DeadJobs, JobOutcome, LeasedJob, NewJob, PutResult, QueueStore, Room, StoreCaps } from './queue-store.ts';
import { HeldLeases, type LeaseOffice } from './held-leases.ts';
import { alsoTell, tellEnd } from './result-ticket.ts';
import type { Settings } from './settings.ts';
import { remember, Unrecorded } from './unrecorded.ts';

/** What became of a lease, and whose it is, where that is known here. */
interface Settlement<D> {
  readonly outcome: JobOutcome;
  readonly job?: Job<D>;
}

/** A settlement under way. */
interface Settling {
  /** Whether the job ends with it. */
  readonly isEnd: boolean;
  /** Resolves when it has been answered. */
  readonly told: Promise<boolean>;
  /** Answers it: it is known by other ways that the store has taken it. */
  readonly prove: () => void;
}

/**
 * @internal The way to a store behind promises: batches, leases that are extended in time, and a look now and then where no
 * hint comes. Whoever holds a lease here has let go of it before the store gives it to somebody else: it is counted from
 * before the question was asked.
 */
export class StoreDepot<D> implements Depot<D> {
  readonly caps: StoreCaps;
  readonly dead: DeadJobs<D>;
  readonly #store: QueueStore<D>;
  readonly #settings: Settings<D>;
  readonly #host: DepotHost;
  readonly #puts: Batches<NewJob<D>, PutResult>;
  readonly #outcomes: Batches<Settlement<D>, boolean>;
  readonly #ready = new Ring<Job<D>>();
  /** Live jobs that were accepted here, and those that are leased here. */
  readonly #known = new Map<string, Job<D>>();
  readonly #asked = new AskedPuts<D>();
  readonly #held: HeldLeases<D>;
  /** Settlements that are not answered yet. */
  readonly #settling = new Map<Job<D>, Settling>();
  readonly #unrecorded: Unrecorded<D>;
  /** Those whose deadline was told here; the store comes to it later, and may speak of them still. */
  readonly #expired = new Set<string>();
  readonly #prefix: string;
  #listener: DepotListener<D> | undefined;
  #seq = 0;
  #waiting = 0;
  #delayed = 0;
  /** By how much they have been changed here, ever. */
  readonly #entered = { waiting: 0, delayed: 0 };
  #unwake: (() => void) | undefined;
  #timer: Timer | undefined;
  #pulling = false;
  #pulled: Promise<void> | undefined;
  #again = false;
  #open = false;
  #closing = false;

  constructor(settings: Settings<D>, room: Room, host: DepotHost) {
    const { store, runtime } = settings;
    this.caps = store.caps;
    this.dead = {
      list: () => store.dead.list(),
      redrive: async (ids) => {
        const count = await this.#unrecorded.redriven(() => store.dead.redrive(ids));
        if (count > 0) for (const id of ids ?? [...this.#expired]) this.#expired.delete(id); // they have no deadline now
        this.#waiting += count;
        this.#look();
        return count;
      },
      purge: (ids) => store.dead.purge(ids),
    };
    this.#store = store;
    this.#settings = settings;
    this.#host = host;
    this.#unrecorded = new Unrecorded(host.owner, (count) => this.#listener?.onRedriven(count) ?? 0);
    this.#puts = new Batches((jobs) => store.put(jobs, room));
    this.#outcomes = new Batches((settlements) => this.#send(settlements));
    const office: LeaseOffice<D> = {
      extend: async (jobs) => {
        const leases = jobs.map((job) => ({ id: this.idOf(job), fence: job.details!.fence! }));
        const answers = await store.extend(leases, settings.leaseMs);
        // Where a settlement is under way it may have come first: that says how it went, when it is answered.
        return answers.map((lasts, i) => lasts || (this.#settling.has(jobs[i]!) ? undefined : false));
      },
      onError: (error) => {
        host.onError(error);
      },
      onLost: (job) => {
        this.#lose(job);
      },
    };
    this.#held = new HeldLeases(office, settings);
    this.#prefix = `${uniqueOf(runtime)}-`;
  }

  get runnable(): number {
    return this.#ready.size + this.#waiting;
  }

  get waiting(): number {
    return this.#ready.size + this.#waiting;
  }

  get delayed(): number {
    return this.#delayed;
  }

  async open(listener: DepotListener<D>): Promise<void> {
    this.#listener = listener;
    try {
      await this.#store.open();
    } catch (error) {
      this.#host.onError(error);
      throw error;
    }
    this.#open = true;
    this.#unwake = this.#store.wake(() => {
      this.#look();
    });
    await this.#recount();
    this.#look();
  }

  make(data: D, priority: number, details: JobDetails<D> | undefined): Job<D> {
    return new Job(++this.#seq, data, priority, details);
  }

  idOf(job: Job<D>): string {
    const details = (job.details ??= {});
    return (details.id ??= this.#prefix + String(job.seq));
  }

  jobs(): Iterable<Job<D>> {
    return this.#known.values();
  }

  find(id: string): Job<D> | undefined {
    return this.#known.get(id) ?? this.#asked.first(id);
  }

  follow(job: Job<D>): Job<D> {
    const id = this.idOf(job);
    const known = this.#known.get(id);
    // One that was accepted after it is no twin: it has the id since that one has ended, of which the answer is on its way.
    const isNext = job.owner === this.#host.owner && known !== undefined && known.seq < job.seq;
    if (known !== undefined && !isNext) return known;
    if (job.owner === undefined) this.#unrecorded.adopt(id, job); // one that was found in the store
    this.#known.set(id, job);
    return job;
  }

  async put(job: Job<D>, delayMs: number): Promise<Offer<D>> {
    const id = this.idOf(job);
    const { keyName, dedupe, expiresAtMs, settings } = job.details!;
    const expiresInMs = expiresAtMs === undefined ? undefined : expiresAtMs - this.#settings.runtime.clock.now();
    const { data, priority } = job;
    if (this.caps.shared) this.#unrecorded.add(id);
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    this.#asked.open(id, job); // before it is asked for: it may be pulled before the answer is here
    let result: PutResult;
    try {
      result = await this.#puts.add({ id, data, key: keyName, priority, delayMs, dedupe, expiresInMs, settings });
    } catch (error) {
      this.#asked.close(id, job);
      this.#unrecorded.delete(id);
      throw error;
    }
    const { isNew, ended } = this.#asked.close(id, job);
    if (result.status === 'added') {
      this.#expired.delete(id);
      if (isNew) this.#keep(id, job);
      this.#look();
      const dropped = result.dropped === undefined ? undefined : this.#forget(result.dropped);
      return dropped === undefined ? { status: 'added' } : { status: 'added', dropped };
    }
    this.#unrecorded.delete(id);
    if (result.status === 'full') return { status: 'full' };
    const past = ended.find((one) => this.idOf(one) === result.id);
    return { status: 'duplicate', job: this.#known.get(result.id) ?? past ?? this.#stranger(result, data) };
  }

  /** The store has accepted it; whoever had its id before has ended there. */
  #keep(id: string, job: Job<D>): void {
    const older = this.#known.get(id);
    const settling = older && this.#settling.get(older);
    // One that is leased is told by its settlement, whose answer is on its way: this is it, in case that one is lost.
    if (settling?.isEnd === true) settling.prove();
    else if (older !== undefined && older.state !== 'leased') {
      this.#count(older, -1);
      this.#handOver(older, job);
    }
    this.#count(job, 1);
    if (this.#isFollowed(job)) this.#known.set(id, job);
    else if (older?.state !== 'leased') this.#known.delete(id);
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

  /**
   * One that waits again: it may come here, and be counted already, or elsewhere. In a store that others pull from, a job's
   * record is not kept for its return, only that it was added here.
   */
  #letGo(job: Job<D>): void {
    if (this.#isFollowed(job)) return;
    const id = this.idOf(job);
    if (this.#known.get(id) === job) this.#known.delete(id);
    if (job.owner === this.#host.owner) this.#unrecorded.add(id);
  }

  /** One that is in the store, of an earlier process or of another; or one that has died here, to which the store comes later. */
  #stranger({ id, dead }: PutResult, data: D): Job<D> {
    const job = this.make(data, 0, { id });
    const error = dead ?? (this.#expired.has(id) ? 'its deadline has passed' : undefined);
    if (error !== undefined) {
      job.state = 'dead';
      job.result = new HoldfastError('JOB_DEAD', `job ${id} was given up before: ${error}`);
    } else if (this.#isFollowed(job)) this.follow(job); // whoever has added it may ask for its end when it has come
    return job;
  }

  /** It was taken back or dropped: its record, also of one that was not kept and had been accepted here. */
  #forget(id: string): Job<D> | undefined {
    const known = this.find(id);
    const job = known ?? this.make(undefined as D, 0, { id });
    if (known === undefined) this.#unrecorded.adopt(id, job);
    else this.#unrecorded.delete(id);
    if (!this.#asked.take(id, job)) this.#count(job, -1);
    job.state = 'cancelled';
    this.#end(job);
    return known ?? (job.owner === undefined ? undefined : job);
  }

  /** Whether a job is looked after from here until its end; in a shared store it may come elsewhere. */
  #isFollowed(job: Job<D>): boolean {
    return !this.caps.shared || job.ticket !== undefined;
  }

  /** Enters a job that waits or is delayed, or takes it out of the count. */
  #count(job: Job<D>, by: 1 | -1): void {
    const where = job.state === 'delayed' ? 'delayed' : 'waiting';
    this.#entered[where] += by;
    if (where === 'delayed') this.#delayed = Math.max(0, this.#delayed + by);
    else this.#waiting = Math.max(0, this.#waiting + by);
  }

  take(): Job<D> | undefined {
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      if (this.#held.holds(job)) return job;
      if (this.#held.has(job)) this.#lose(job);
    }
    this.#look();
    return undefined;
  }

  settle(job: Job<D>, ending: Ending): Promise<boolean> {
    if (!this.#held.has(job)) return Promise.resolve(false);
    let prove!: () => void;
    const proof = new Promise<true>((resolve) => {
      prove = () => {
        resolve(true);
      };
    });
    const told = this.#settle(job, ending, proof);
    const isEnd = ending.kind !== 'retry' && ending.kind !== 'release';
    this.#settling.set(job, { isEnd, told, prove });
    void told.then(() => this.#settling.delete(job)); // just before who waits for it hears of it, and not earlier
    return told;
  }

  async #settle(job: Job<D>, ending: Ending, proof: Promise<true>): Promise<boolean> {
    const id = this.idOf(job);
    const fence = job.details?.fence ?? 0n;
    const was = await Promise.race([this.#outcomes.add({ outcome: { ...ending, id, fence }, job }), proof]);
    this.#held.delete(job);
    if (!was) {
      job.state = 'waiting';
      const known = this.#known.get(id);
      if (known === job) {
        this.#count(job, 1);
        this.#letGo(job);
      } else if (known !== undefined) this.#handOver(job, known);
      return false;
    }
    const heir = job.details?.successor;
    if (ending.kind === 'retry' || ending.kind === 'release') {
      job.state = ending.delayMs > 0 ? 'delayed' : 'waiting';
      if (heir !== undefined) return true; // it waits already
      this.#count(job, 1);
      this.#letGo(job);
      this.#look();
    } else {
      job.state = ending.kind;
      if (heir !== undefined) this.#disinherit(heir, job);
      this.#end(heir ?? job);
    }
    return true;
  }

  /** A lease was given up here, and then the store says that it was settled in time: nothing comes after it. */
  #disinherit(heir: Job<D>, job: Job<D>): void {
    if (this.#known.get(this.idOf(heir)) === heir) this.#count(heir, -1); // if no other has its id by now
    heir.state = job.state;
    job.ticket = heir.ticket;
    heir.ticket = undefined;
    job.details!.unlink = heir.details!.unlink;
    heir.details!.unlink = undefined;
    job.details!.successor = undefined;
    heir.details!.successor = job;
  }

  /** Sends outcomes until the store has them, or their leases are over. */
  async #send(settlements: readonly Settlement<D>[]): Promise<readonly boolean[]> {
    const outcomes = settlements.map(({ outcome }) => outcome);
    const isHeld = ({ job }: Settlement<D>): boolean => job !== undefined && this.#held.holds(job);
    for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 5_000)) {
      try {
        const answers = await this.#store.settle(outcomes);
        // Nobody else can have ended a lease that is not over: it was this, the first time, and the answer was lost.
        return pauseMs === 50 ? answers : answers.map((was, i) => was || isHeld(settlements[i]!));
      } catch (error) {
        this.#host.onError(error);
        const { clock, random } = this.#settings.runtime;
        if (!settlements.some(isHeld) || !this.#open) return outcomes.map(() => false);
        await clock.sleep(pauseMs * (0.5 + random() / 2));
      }
    }
  }

  async extend(job: Job<D>): Promise<void> {
    await this.#held.renew([job]);
    if (!this.#held.has(job)) throw new HoldfastError('LEASE_LOST', 'somebody else may have the job');
  }

  async cancel(id: string): Promise<boolean | Job<D>> {
    const pulled = this.#known.get(id);
    if (pulled?.state === 'leased' && [...this.#ready].includes(pulled)) return await this.#takeBack(pulled);
    const asked = this.find(id);
    const [was = false] = await this.#store.cancel([id]);
    if (!was) return false;
    if (this.#expired.delete(id)) return false; // it has died meanwhile, and that has been told
    if (asked !== undefined && isQueued(asked) && asked.details?.successor !== undefined) {
      asked.state = 'cancelled'; // it was that one, and another has its id by now
      return asked;
    }
    return this.#forget(id) ?? true; // it may have become known only meanwhile
  }

  /** One that was pulled and not started: the queue has been paused, or has fewer workers than when it asked. */
  async #takeBack(pulled: Job<D>): Promise<boolean> {
    this.#ready.keep((job) => job !== pulled);
    this.#waiting++;
    const was = await this.settle(pulled, { kind: 'cancelled' });
    this.#waiting--;
    return was;
  }

  /** The store sees to it when the job's turn comes; here it is known now. */
  expire(job: Job<D>): boolean {
    const id = this.idOf(job);
    if (this.#known.get(id) !== job || job.state === 'leased') return false;
    this.#forget(id);
    remember(this.#expired, id);
    job.state = 'dead';
    return true;
  }

  abandon(reason: Error): void {
    this.#asked.clear();
    this.#puts.abandon(({ reject }) => {
      reject(reason);
    });
    this.#outcomes.abandon(({ resolve }) => {
      resolve(false);
    });
  }

  async close(): Promise<void> {
    this.#unwake?.();
    this.#timer?.cancel();
    this.#closing = true;
    await this.#pulled;
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      void this.settle(job, { kind: 'release', delayMs: 0 });
    }
    await this.#outcomes.idle();
    await this.#puts.idle();
    this.#open = false;
    this.#held.close();
    await this.#store.close();
  }

  /** Pulls, when somebody wants something. One question at a time. */
  #look(): void {
    this.#again = true;
    if (this.#pulling || !this.#open || this.#closing) return;
    this.#pulled = this.#pull();
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    const { clock } = this.#settings.runtime;
    while (this.#again && this.#open && !this.#closing) {
      this.#again = false;
      const wanted = this.#host.demand() - this.#ready.size;
      if (wanted <= 0) break;
      try {
        const askedMs = clock.now();
        const jobs = await this.#store.pull(wanted, this.#settings.leaseMs);
        for (const leased of jobs) {
          const settling = this.#settling.get(this.#known.get(leased.id)!);
          if (settling !== undefined) await this.#heard(settling);
          this.#lease(leased, askedMs);
        }
        if (jobs.length === wanted) this.#again = true;
        if (jobs.length > 0) this.#listener?.onReady();
      } catch (error) {
        this.#host.onError(error);
        break;
      }
    }
    this.#pulling = false;
    this.#pollLater();
  }

  /**
   * A job may be pulled again before the answer to its settlement is here, which takes as long as the disk or the network
   * does. That it was pulled is the answer, too; whoever waits for it hears of it before the next lease begins.
   */
  async #heard({ told, prove }: Settling): Promise<void> {
    prove();
    await told;
  }

  #pollLater(): void {
    this.#timer?.cancel();
    if (!this.#open || this.#closing) return;
    const { runtime, pollMs } = this.#settings;
    this.#timer = runtime.clock.setTimer(pollMs * (0.9 + 0.2 * runtime.random()), () => {
      void this.#recount().then(() => {
        this.#listener?.onReady();
        this.#look();
      });
    });
  }

  async #recount(): Promise<void> {
    const before = { ...this.#entered };
    try {
      const { waiting, delayed } = await this.#store.counts();
      // Those that have been entered since it was asked may not be in the answer.
      this.#waiting = Math.max(waiting, this.#entered.waiting - before.waiting);
      this.#delayed = Math.max(delayed, this.#entered.delayed - before.delayed);
    } catch (error) {
      this.#host.onError(error);
    }
  }

  #lease(leased: LeasedJob<D>, askedMs: number): void {
    const { id, fence, data, attempt, crashes, expiresInMs = Infinity, settings } = leased;
    const expiresAtMs = askedMs + expiresInMs;
    if (expiresAtMs !== Infinity && this.#expired.has(id)) {
      const ending = { kind: 'dead', reason: 'expired', error: 'its deadline has passed' } as const;
      void this.#outcomes.add({ outcome: { ...ending, id, fence } });
      return;
    }
    const known = this.find(id);
    const job = known ?? this.make(data, leased.priority, { id });
    if (known === undefined) this.#unrecorded.adopt(id, job);
    else this.#unrecorded.delete(id);
    const details = (job.details ??= { id });
    details.fence = fence;
    details.settings = settings;
    details.expiresAtMs = expiresAtMs === Infinity ? undefined : expiresAtMs;
    job.data = data;
    job.attempt = attempt;
    job.crashes = crashes;
    if (!this.#asked.take(id, job)) this.#count(job, -1);
    job.state = 'leased';
    this.#known.set(id, job);
    this.#held.add(job, askedMs);
    this.#ready.push(job);
    if (details.expiresAtMs !== undefined) this.#listener?.onPerishable(job);
  }

  /**
   * The job of a lost lease comes back as another record: who still works on this one has nothing to do with the next
   * lease.
   */
  #await(lost: Job<D>): void {
    if (!this.#isFollowed(lost)) return;
    const newer = this.#known.get(this.idOf(lost));
    if (newer !== undefined) {
      // Where a settlement is under way its answer tells the end of this one.
      if (!this.#settling.has(lost)) this.#handOver(lost, newer);
      return;
    }
    const { data, priority, details, ticket, owner, caller } = lost;
    const job = this.make(data, priority, { ...details, fence: undefined });
    job.ticket = ticket;
    job.owner = owner;
    job.caller = caller;
    lost.ticket = undefined;
    lost.details!.unlink = undefined;
    lost.details!.successor = job;
    this.#known.set(this.idOf(job), job);
    this.#count(job, 1);
  }

  /** It is live no more. Its id may be another job's already. */
  #end(job: Job<D>): void {
    const id = this.idOf(job);
    if (this.#known.get(id) === job) this.#known.delete(id);
    this.#asked.end(id, job);
  }

  #lose(job: Job<D>): void {
    this.#held.delete(job);
    if (this.#known.get(this.idOf(job)) === job) this.#known.delete(this.idOf(job));
    this.#letGo(job);
    this.#await(job);
    this.#listener?.onLost(job, new HoldfastError('LEASE_LOST', 'the lease of the job has run out'));
  }
}
