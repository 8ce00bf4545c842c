import { HoldfastError } from '../core/errors.ts';
import { uniqueOf } from '../core/runtime.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import { isQueued, type Job, type JobDetails } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import { Batches } from './batches.ts';
import type { Depot, DepotHost, DepotListener } from './depot.ts';
import { FarPulls } from './far-pulls.ts';
import { FarRecords, isEnd } from './far-records.ts';
import { HeldLeases, type LeaseOffice } from './held-leases.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import type { DeadJobs, LeasedJob, NewJob, PutResult, QueueStore, Room, StoreCaps } from './queue-store.ts';
import type { Settings } from './settings.ts';
import { Settlements } from './settlements.ts';
import { Vigil } from './vigil.ts';

/**
 * @internal The way to a store behind promises: batches, leases that are extended in time, and a look now and then where no
 * hint comes. Whoever holds a lease here has let go of it before the store gives it to somebody else: it is counted from
 * before the question was asked.
 *
 * A store's answers name a job by its id, and ids come back. So there is one question at a time about each: of two on their
 * way at once nobody could tell which the store came to first. Pulls ask about no id; what they bring waits for an answer
 * to the end of the same job's last lease.
 */
export class StoreDepot<D> implements Depot<D> {
  readonly caps: StoreCaps;
  readonly dead: DeadJobs<D>;
  readonly vigil: Vigil;
  readonly #store: QueueStore<D>;
  readonly #settings: Settings<D>;
  readonly #host: DepotHost;
  readonly #records: FarRecords<D>;
  /** By id, and by what jobs must not be twice. */
  readonly #questions = new KeyedMutex();
  readonly #puts: Batches<NewJob<D>, PutResult>;
  readonly #settlements: Settlements<D>;
  readonly #pulls: FarPulls<D>;
  readonly #ready = new Ring<Job<D>>();
  readonly #held: HeldLeases<D>;
  /** Ids of jobs that the store is asked to keep. */
  readonly #putting = new Set<string>();
  /** Whose settlement is asked for and not answered. */
  readonly #settling = new Set<Job<D>>();
  /** What was pulled and waits for the answer to a question about the same id. */
  readonly #entering = new Set<LeasedJob<D>>();
  /** Ids of which it is not known whether they were taken back in time. */
  readonly #cancelling = new Set<string>();
  /** How many that were pulled are given up before they are started. */
  #leaving = 0;
  #listener: DepotListener<D> | undefined;
  #unwake: (() => void) | undefined;
  #closing = false;

  constructor(settings: Settings<D>, room: Room, host: DepotHost) {
    const { store, runtime } = settings;
    const onError = (error: unknown): void => {
      host.onError(error);
    };
    this.caps = store.caps;
    this.dead = {
      list: () => store.dead.list(),
      redrive: (ids) => this.#redrive(ids),
      purge: (ids) => store.dead.purge(ids),
    };
    this.vigil = new Vigil(runtime.clock);
    this.#store = store;
    this.#settings = settings;
    this.#host = host;
    this.#records = new FarRecords<D>({
      caps: store.caps,
      owner: host.owner,
      prefix: `${uniqueOf(runtime)}-`,
      onRedriven: (count) => this.#listener?.onRedriven(count) ?? 0,
    });
    this.#puts = new Batches((jobs) => store.put(jobs, room));
    this.#settlements = new Settlements({ store, holds: (job) => this.#held.holds(job), onError }, settings);
    this.#pulls = new FarPulls(store, settings, this.#records, {
      wanted: () => host.demand() - this.#ready.size - this.#entering.size,
      enter: (leased, askedMs) => {
        this.#enter(leased, askedMs);
      },
      onReady: () => this.#listener?.onReady(),
      onPoll: () => {
        this.#giveBack();
      },
      onError,
    });
    const office: LeaseOffice<D> = {
      extend: async (jobs) => {
        const leases = jobs.map((job) => ({ id: this.idOf(job), fence: job.details!.fence! }));
        const answers = await store.extend(leases, settings.leaseMs);
        // Where a settlement is under way it may have come first: that says how it went, when it is answered.
        return answers.map((lasts, i) => lasts || (this.#settling.has(jobs[i]!) ? undefined : false));
      },
      onError,
      onLost: (job) => {
        this.#lose(job);
      },
    };
    this.#held = new HeldLeases(office, settings);
  }

  get runnable(): number {
    return this.waiting;
  }

  get waiting(): number {
    const { waiting, delayed } = this.#records;
    return this.#ready.size + this.#leaving + waiting + Math.max(0, this.#enteringQueued - waiting - delayed);
  }

  /** How many wait as far as is known here, though the store counts them among the leased. */
  get #enteringQueued(): number {
    let count = 0;
    for (const { id } of this.#entering) {
      const known = this.find(id);
      if (known !== undefined && isQueued(known)) count++;
    }
    return count;
  }

  get delayed(): number {
    return this.#records.delayed;
  }

  async open(listener: DepotListener<D>): Promise<void> {
    this.#listener = listener;
    try {
      await this.#store.open();
    } catch (error) {
      this.#host.onError(error);
      throw error;
    }
    this.#unwake = this.#store.wake(() => {
      this.#pulls.look();
    });
    await this.#pulls.open();
  }

  make(data: D, priority: number, details: JobDetails<D> | undefined): Job<D> {
    return this.#records.make(data, priority, details);
  }

  idOf(job: Job<D>): string {
    return this.#records.idOf(job);
  }

  jobs(): Iterable<Job<D>> {
    return this.#records.all();
  }

  find(id: string): Job<D> | undefined {
    return this.#records.find(id);
  }

  follow(job: Job<D>): Job<D> {
    return this.#records.follow(job);
  }

  put(job: Job<D>, delayMs: number): Promise<Offer<D>> {
    const dueMs = this.#settings.runtime.clock.now() + delayMs;
    return this.#questions.run(this.#keysOf(job), () => this.#put(job, dueMs));
  }

  async #put(job: Job<D>, dueMs: number): Promise<Offer<D>> {
    const id = this.idOf(job);
    const { keyName, dedupe, expiresAtMs, settings } = job.details!;
    const nowMs = this.#settings.runtime.clock.now();
    const expiresInMs = expiresAtMs === undefined ? undefined : expiresAtMs - nowMs;
    const delayMs = Math.max(0, dueMs - nowMs);
    const { data, priority } = job;
    const isTwin = dedupe !== undefined;
    // One that was leased after this was asked for may have taken its data before.
    const held = dedupe?.mode === 'rerun' ? new Set(this.#held.jobs()) : undefined;
    if (isTwin) this.#records.rememberPast();
    this.#putting.add(id);
    try {
      const asked = { id, data, key: keyName, priority, delayMs, dedupe, expiresInMs, settings };
      const result = await this.#puts.add(asked);
      if (result.status === 'added') return await this.#added(job, delayMs, result.dropped);
      return result.status === 'full' ? { status: 'full' } : this.#duplicate(job, result, delayMs, held);
    } finally {
      this.#putting.delete(id);
      if (isTwin) this.#records.forgetPast();
    }
  }

  async #added(job: Job<D>, delayMs: number, dropped: string | undefined): Promise<Offer<D>> {
    this.#unlease(this.idOf(job)); // whoever had it before has ended
    this.#records.accepted(job, delayMs);
    this.#pulls.look();
    if (dropped === undefined) return { status: 'added' };
    // Puts are answered in their order. What else is asked about that one says how it came to wait.
    if (!this.#putting.has(dropped)) await this.#answered(dropped);
    const gone = this.#withdrawn(dropped);
    return gone === undefined ? { status: 'added' } : { status: 'added', dropped: gone };
  }

  #answered(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.#questions.between(id, resolve);
    });
  }

  #duplicate(job: Job<D>, result: PutResult, delayMs: number, held: ReadonlySet<Job<D>> | undefined): Offer<D> {
    const mode = job.details?.dedupe?.mode ?? 'reject';
    const isRenewing = mode !== 'reject' && result.id !== this.idOf(job);
    if (isRenewing) this.#records.revived(result.id);
    const known = this.find(result.id);
    if (result.dead !== undefined && known !== undefined && this.#isOverdue(known)) this.#listener?.onExpired(known);
    const twin = this.#records.twin(result, job.data, this.#settings.runtime.clock.now());
    const { expiresAtMs, unlink } = twin.details ?? {};
    if (expiresAtMs !== undefined && unlink === undefined) this.#listener?.onPerishable(twin); // of an earlier process
    if (!isRenewing || !twin.isLive) return { status: 'duplicate', job: twin };
    if (twin.state === 'leased') {
      if (held?.has(twin) === true) twin.details!.rerun = { data: job.data, delayMs };
      if (mode === 'rerun') return { status: 'duplicate', job: twin };
      // Beside one that was leased it would be a job of its own: that one waited then, and was leased with what it has taken over.
      twin.details!.expiresAtMs = job.details?.expiresAtMs;
      return { status: 'duplicate', job: twin, renewed: true };
    }
    this.#records.renewed(twin, job, delayMs);
    return { status: 'duplicate', job: twin, renewed: true };
  }

  #isOverdue(job: Job<D>): boolean {
    return isQueued(job) && (job.details?.expiresAtMs ?? Infinity) <= this.#settings.runtime.clock.now();
  }

  take(): Job<D> | undefined {
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      if (this.#held.holds(job)) return job;
      if (this.#held.has(job)) this.#lose(job);
    }
    this.#pulls.look();
    return undefined;
  }

  settle(job: Job<D>, ending: Ending): Promise<boolean> {
    if (!this.#held.has(job)) return Promise.resolve(false);
    this.#settling.add(job); // what becomes of the lease is said by the answer from now on
    return this.#questions.run(this.#keysOf(job), () => this.#settle(job, ending), false);
  }

  async #settle(job: Job<D>, ending: Ending): Promise<boolean> {
    const outcome = { ...ending, id: this.idOf(job), fence: job.details!.fence! };
    const was = this.#held.has(job) && (await this.#settlements.add(outcome, job));
    this.#held.delete(job);
    this.#settling.delete(job);
    this.#settled(job, was ? ending : undefined);
    return was;
  }

  /** `ending` undefined: the lease was over before. */
  #settled(job: Job<D>, ending: Ending | undefined): void {
    const rerun = job.details?.rerun;
    if (rerun !== undefined) job.details!.rerun = undefined;
    if (ending === undefined) this.#records.waits(job, 0);
    else if (!isEnd(ending)) this.#records.waits(job, ending.delayMs);
    else if (rerun !== undefined && ending.kind !== 'cancelled') this.#records.waits(job, rerun.delayMs);
    else this.#records.ended(job, ending.kind);
    if (isQueued(job)) this.#pulls.look();
  }

  async extend(job: Job<D>): Promise<void> {
    await this.#held.renew([job]);
    if (!this.#held.has(job)) throw new HoldfastError('LEASE_LOST', 'somebody else may have the job');
  }

  cancel(id: string): Promise<boolean | Job<D>> {
    return this.#questions.run([id], () => this.#cancel(id));
  }

  async #cancel(id: string): Promise<boolean | Job<D>> {
    const known = this.find(id);
    if (known !== undefined && (await this.#giveUp(known, { kind: 'cancelled' }))) return known;
    if (!(await this.#takeBack(id))) return false;
    const isDead = this.#records.isDead(id); // that has been told meanwhile
    return this.#withdrawn(id) ?? !isDead;
  }

  /** Asks once more when there is no answer. That it is not there then does not say whether it was before. */
  async #takeBack(id: string): Promise<boolean> {
    this.#cancelling.add(id);
    try {
      const [was = false] = await this.#store.cancel([id]);
      return was;
    } catch (error) {
      this.#host.onError(error);
      const [was = false] = await this.#store.cancel([id]);
      if (!was) throw error;
      return was;
    } finally {
      this.#cancelling.delete(id);
    }
  }

  expire(job: Job<D>): boolean | Promise<boolean> {
    if (job.state !== 'leased') return this.#records.expire(job);
    const ending = { kind: 'dead', reason: 'expired', error: 'its deadline has passed' } as const;
    // It may be on its way back to the store.
    const ask = async (): Promise<boolean> => (await this.#giveUp(job, ending)) || this.#records.expire(job);
    return this.#questions.run(this.#keysOf(job), ask, false);
  }

  /**
   * Ends one that was pulled and not started: the queue has been paused, or has fewer workers than when it asked. Whether it
   * was one. Until that is answered it waits.
   */
  async #giveUp(job: Job<D>, ending: Ending): Promise<boolean> {
    if (job.state !== 'leased' || ![...this.#ready].includes(job)) return false;
    this.#ready.keep((other) => other !== job);
    this.#leaving++;
    this.#settling.add(job);
    const was = await this.#settle(job, ending);
    this.#leaving--;
    return was;
  }

  abandon(reason: Error): void {
    this.#questions.close(reason);
    this.#puts.abandon(({ reject }) => {
      reject(reason);
    });
    this.#settlements.abandon();
  }

  async close(): Promise<void> {
    this.#unwake?.();
    this.#closing = true;
    await this.#pulls.close();
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      void this.settle(job, { kind: 'release', delayMs: 0 });
    }
    await this.#questions.idle(); // what was pulled meanwhile may wait for the answer to one of them, and is given back then
    await this.#settlements.idle(); // of what nobody here has a record of
    this.#settlements.close();
    this.#held.close();
    await this.#store.close();
  }

  /** What must not be asked about twice at once. */
  #keysOf(job: Job<D>): readonly string[] {
    const id = this.idOf(job);
    const dedupe = job.details?.dedupe;
    return dedupe === undefined ? [id] : [id, dedupeKey(dedupe.id)];
  }

  async #redrive(ids?: readonly string[]): Promise<number> {
    const named = ids ?? (await this.#deadIds());
    if (named.length === 0) return 0;
    return this.#questions.run(named, async () => {
      const count = await this.#records.unrecorded.redriven(() => this.#store.dead.redrive(named));
      if (count === named.length) for (const id of named) this.#records.revived(id);
      this.#records.redriven(count);
      this.#pulls.look();
      return count;
    });
  }

  async #deadIds(): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { id } of this.#store.dead.list()) ids.push(id);
    return ids;
  }

  /** The store says that nobody has the job any more: who has it here has lost it. */
  #unlease(id: string): void {
    const known = this.find(id);
    if (known?.state === 'leased' && !this.#settling.has(known)) this.#lose(known);
  }

  #withdrawn(id: string): Job<D> | undefined {
    this.#unlease(id);
    return this.#records.withdrawn(id);
  }

  /** What was pulled for a worker or a reader that is there no more does not wait here while somebody else could have it. */
  #giveBack(): void {
    const surplus = this.#ready.size - this.#host.demand();
    if (surplus <= 0 || this.#closing) return;
    for (const job of [...this.#ready].slice(-surplus)) {
      void this.#questions.run(this.#keysOf(job), () => this.#giveUp(job, { kind: 'release', delayMs: 0 }), false);
    }
  }

  /**
   * A job may be pulled before the answer to its put is here, and again before that to its settlement, which take as long as
   * the disk or the network does; or with what has taken its place before that is answered. Whoever waits for the answer
   * hears of it before the lease begins. That it was pulled is the answer to who would take it back.
   */
  #enter(leased: LeasedJob<D>, askedMs: number): void {
    if (this.#cancelling.has(leased.id)) {
      this.#lease(leased, askedMs);
      return;
    }
    this.#entering.add(leased);
    let isLate = false;
    const enter = (): void => {
      this.#entering.delete(leased);
      this.#lease(leased, askedMs);
      if (isLate) this.#listener?.onReady();
    };
    const dedupe = this.#records.dedupeOf(leased.id);
    this.#questions.between(leased.id, () => {
      if (dedupe === undefined) enter();
      else this.#questions.between(dedupeKey(dedupe), enter); // another may have taken its place
    });
    isLate = true;
  }

  #lease(leased: LeasedJob<D>, askedMs: number): void {
    const { id, fence, expiresInMs = Infinity } = leased;
    if (this.#records.isExpired(leased)) {
      const ending = { kind: 'dead', reason: 'expired', error: 'its deadline has passed' } as const;
      void this.#settlements.add({ ...ending, id, fence });
      return;
    }
    this.#unlease(id);
    const job = this.#records.leased(leased, askedMs + expiresInMs);
    this.#held.add(job, askedMs);
    if (this.#closing) void this.settle(job, { kind: 'release', delayMs: 0 });
    else this.#ready.push(job);
    if (expiresInMs !== Infinity || job.details?.unlink !== undefined) this.#listener?.onPerishable(job);
  }

  #lose(job: Job<D>): void {
    this.#held.delete(job);
    if (this.#settling.has(job)) return; // its answer says what has become of it
    this.#ready.keep((other) => other !== job);
    this.#records.lost(job);
    this.#listener?.onLost(job, new HoldfastError('LEASE_LOST', 'the lease of the job has run out'));
  }
}

/** What no two questions are to be about at once that are about jobs which are the same. */
function dedupeKey(id: string): string {
  return `dedupe ${id}`;
}
