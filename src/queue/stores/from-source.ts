import { HoldfastError } from '../../core/errors.ts';
import { check, having, number, readOptions } from '../../core/options.ts';
import { reportError } from '../../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import { SteadyTime } from '../../core/steady-time.ts';
import { Backlog } from '../backlog/backlog.ts';
import type { Job } from '../backlog/job.ts';
import type {
  DeadJob,
  DeadJobs,
  JobLease,
  JobOutcome,
  LeasedJob,
  PutResult,
  QueueStore,
  StoreCaps,
  StoreCounts,
} from '../queue-store.ts';
import type { WorkSource } from '../sync.ts';

export type { WorkSource } from '../sync.ts';

/** Options of {@link fromSource}. */
export interface SourceOptions {
  /**
   * How often the source is asked what there is to do, at the most, in milliseconds.
   *
   * @defaultValue 10,000
   */
  readonly listEveryMs?: number | undefined;
  /**
   * After how many milliseconds `get` is called again for a job for which it has failed. It is not an attempt.
   *
   * @defaultValue 1000
   */
  readonly retryMs?: number | undefined;
  /**
   * How many dead jobs are kept; beyond, the oldest is forgotten, and runs again if it is still listed.
   *
   * @defaultValue 10,000
   */
  readonly maxDead?: number | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

const wide = { max: Infinity, overflow: 'reject' } as const;

/**
 * A store of which the jobs are what a source lists: files of a folder, rows of a table, pages of a site; the work source of
 * Burns, _Designing Distributed Systems_, chapter 12. It goes by what is listed, not by what has happened: an id runs once for as long
 * as it stays in the list. One that has left the list and comes back is new, and so is one that is listed after `done`.
 *
 * Promises: what is listed is pulled at least once, in the order of the list, and after the end of the process again, unless `done`
 * has had the source leave it out. An id that is listed twice, or again while it waits, runs, has ended or is dead, is the same
 * job. A `get` that fails costs no attempt.
 *
 * `get` is asked for each attempt; undefined says that there is nothing to do any more. What `list` throws is thrown by the next `pull`
 * that has nothing to give, and what it has told before counts. `done` is tried again when it fails, for as long as the id is
 * listed; it may come twice.
 *
 * Does not keep anything itself, nor does it know of other processes: for those, lists have to differ. Jobs are not put, nor have they
 * priorities, keys or deadlines: `put` rejects with `UNSUPPORTED`.
 *
 * Complexity: O(ids that are listed) memory; a listing O(1) for each.
 *
 * @param source - what lists the work
 * @param options - how often
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { fromSource } from 'holdfast/queue';
 *
 * const todo = new Map([['a.txt', 'first'], ['b.txt', 'second']]);
 * const store = fromSource({
 *   async *list() {
 *     for (const id of todo.keys()) yield { id };
 *   },
 *   get: async (id) => todo.get(id),
 *   done: async (id) => void todo.delete(id),
 * });
 * const [job] = await store.pull(1, 30_000);
 * job?.data // => 'first'
 * await store.settle([{ ...job!, kind: 'done' }]) // => [true]
 * todo.size // => 1
 * ```
 */
export function fromSource<D>(source: WorkSource<D | undefined>, options?: SourceOptions): QueueStore<D> {
  return new SourceStore(source, options);
}

/** `told`: a listing that begins after it has it only if it is new; `owed`: the source has yet to be told. */
type Ended = 'told' | 'owed' | 'untold';

class SourceStore<D> implements QueueStore<D> {
  readonly caps: StoreCaps = {
    durable: false,
    shared: false,
    priority: false,
    aging: false,
    delay: false,
    keys: false,
    dedupe: [],
    drop: false,
    maxLeaseMs: Infinity,
  };
  readonly dead: DeadJobs<D> = {
    list: () => this.#listDead(),
    redrive: async (ids) => this.#redrive(ids),
    purge: async (ids) => this.#purge(ids),
  };
  readonly #source: WorkSource<D | undefined>;
  readonly #runtime: Runtime;
  readonly #time: SteadyTime;
  readonly #listEveryMs: number;
  readonly #retryMs: number;
  /** Data is of the attempt that had it last. */
  readonly #backlog: Backlog<D | undefined>;
  /** What has ended and may still be listed. */
  readonly #ended = new Map<string, Ended>();
  /** Who waits for something to be listed. */
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();
  #listing: Promise<void> | undefined;
  /** How the last listing has failed, until somebody has heard of it. */
  #failure: PromiseRejectedResult | undefined;
  #nextListMs = 0;

  constructor(source: WorkSource<D | undefined>, options?: SourceOptions) {
    this.#source = check('source', source, having<WorkSource<D | undefined>>('a source of work', 'list', 'get'));
    const values = readOptions('fromSource', options, {
      listEveryMs: number({ min: 1 }),
      retryMs: number({ min: 0 }),
      maxDead: number({ min: 0, integer: true }),
      runtime: runtimeRule,
    });
    const { listEveryMs = 10_000, retryMs = 1_000, maxDead = 10_000, runtime = systemRuntime } = values;
    this.#listEveryMs = listEveryMs;
    this.#retryMs = retryMs;
    this.#runtime = runtime;
    this.#time = new SteadyTime(runtime.clock);
    const rules = { agingMs: undefined, keyLimit: 1, keyOrder: 'strict', maxDead, idPrefix: '' } as const;
    this.#backlog = new Backlog(rules);
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  put(): Promise<readonly PutResult[]> {
    return Promise.reject(new HoldfastError('UNSUPPORTED', 'jobs of a source cannot be put: it lists them'));
  }

  /** Waits for the source only while there is nothing to give. */
  async pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]> {
    if (this.#time.now() >= this.#nextListMs) this.#list();
    const jobs: LeasedJob<D>[] = [];
    for (;;) {
      const listing = this.#listing;
      const news = listing && new Promise<void>((resolve) => this.#waiting.push(resolve));
      const failure = (await this.#take(jobs, max, leaseMs)) ?? this.#failure;
      if (jobs.length > 0 || max === 0) return jobs;
      this.#failure = undefined;
      if (failure !== undefined) throw failure.reason;
      if (listing === undefined || this.#closing.signal.aborted) return jobs;
      await Promise.race([listing, news]);
    }
  }

  #tellNews(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Leases jobs and gets their data; tells of a `get` that has failed. */
  async #take(jobs: LeasedJob<D>[], max: number, leaseMs: number): Promise<PromiseRejectedResult | undefined> {
    const taken: Job<D | undefined>[] = [];
    while (jobs.length + taken.length < max) {
      const job = this.#backlog.take(this.#time.now(), leaseMs);
      if (job === undefined) break;
      taken.push(job);
    }
    const leases = taken.map((job) => ({ job, id: this.#backlog.idOf(job), fence: BigInt(job.fence) }));
    const got = await Promise.allSettled(leases.map(async ({ id }) => this.#source.get(id)));
    const nowMs = this.#time.now();
    for (const [i, { job, id, fence }] of leases.entries()) {
      if (this.#backlog.held(id, fence, nowMs) === undefined) continue;
      const found = got[i]!;
      if (found.status === 'rejected') {
        this.#backlog.settle(job, { kind: 'release', delayMs: this.#retryMs }, nowMs);
      } else if (found.value === undefined) {
        this.#backlog.settle(job, { kind: 'cancelled' }, nowMs);
      } else {
        this.#backlog.extend(job, nowMs + leaseMs);
        const data = (job.data = found.value);
        jobs.push({ id, fence, data, priority: 0, attempt: job.attempt, crashes: job.crashes });
      }
    }
    return got.find((found) => found.status === 'rejected');
  }

  async extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    const nowMs = this.#time.now();
    return leases.map(({ id, fence }) => {
      const job = this.#backlog.held(id, fence, nowMs);
      if (job !== undefined) this.#backlog.extend(job, nowMs + leaseMs);
      return job !== undefined;
    });
  }

  /** Also waits until the source was told what is done, or would not be. */
  async settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]> {
    const nowMs = this.#time.now();
    const telling: Promise<void>[] = [];
    const held = outcomes.map((outcome) => {
      const job = this.#backlog.held(outcome.id, outcome.fence, nowMs);
      if (job === undefined) return false;
      this.#backlog.settle(job, outcome, nowMs);
      if (outcome.kind === 'cancelled') this.#ended.set(outcome.id, 'untold');
      if (outcome.kind === 'done') telling.push(this.#tell(outcome.id));
      return true;
    });
    await Promise.all(telling);
    return held;
  }

  async cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    const nowMs = this.#time.now();
    return ids.map((id) => {
      const job = this.#backlog.find(id);
      const taken = job !== undefined && this.#backlog.cancel(job, nowMs);
      if (taken) this.#ended.set(id, 'untold');
      return taken;
    });
  }

  async counts(): Promise<StoreCounts> {
    return this.#backlog.counts(this.#time.now());
  }

  /** When it is time to ask the source again. */
  wake(onWake: () => void): () => void {
    const arm = () =>
      this.#runtime.clock.setTimer(this.#listEveryMs, () => {
        timer = arm();
        onWake();
      });
    let timer = arm();
    const end = (): void => {
      timer.cancel();
    };
    this.#closing.signal.addEventListener('abort', end);
    return () => {
      this.#closing.signal.removeEventListener('abort', end);
      end();
    };
  }

  /** Does not wait for a listing that does not heed its signal. */
  close(): Promise<void> {
    this.#closing.abort(new HoldfastError('CLOSED', 'the store is closed'));
    this.#tellNews();
    return Promise.resolve();
  }

  /** Begins to ask what there is to do, one listing at a time. */
  #list(): void {
    this.#nextListMs = this.#time.now() + this.#listEveryMs;
    if (this.#listing !== undefined || this.#closing.signal.aborted) return;
    this.#listing = this.#listed()
      .catch((reason: unknown) => void (this.#failure = { status: 'rejected', reason }))
      .finally(() => (this.#listing = undefined));
  }

  async #listed(): Promise<void> {
    for (const [id, state] of this.#ended) if (state === 'told') this.#ended.delete(id);
    const before = [...this.#ended.keys()];
    const listed = new Set<string>();
    for await (const { id } of this.#source.list(this.#closing.signal)) {
      if (this.#closing.signal.aborted) return;
      listed.add(id);
      if (!this.#ended.has(id)) this.#offer(id);
    }
    // What has ended meanwhile may have been listed, or passed over, before it did: the next listing will tell.
    for (const id of before) {
      if (!listed.has(id)) this.#ended.delete(id);
      else if (this.#ended.get(id) === 'owed') void this.#tell(id);
    }
  }

  #offer(id: string): void {
    if (this.#backlog.find(id) !== undefined) return;
    this.#backlog.offer(this.#backlog.job(undefined, 0, { id }), 0, wide, this.#time.now());
    this.#tellNews();
  }

  async #tell(id: string): Promise<void> {
    this.#ended.set(id, 'untold');
    if (this.#source.done === undefined) return;
    try {
      await this.#source.done(id);
      this.#ended.set(id, 'told');
    } catch (error) {
      this.#ended.set(id, 'owed');
      reportError(`the source of a queue would not be told that ${JSON.stringify(id)} is done`, error);
    }
  }

  async *#listDead(): AsyncGenerator<DeadJob<D>> {
    for (const { data, attempt, crashes, details } of [...this.#backlog.dead.values()]) {
      const { id, reason, error } = details!;
      yield { id: id!, data: data as D, reason: reason!, error: error!, attempts: attempt, crashes };
    }
  }

  #redrive(ids: readonly string[] = [...this.#backlog.dead.keys()]): number {
    return ids.filter((id) => this.#backlog.redrive(id, this.#time.now()) !== undefined).length;
  }

  #purge(ids: readonly string[] = [...this.#backlog.dead.keys()]): number {
    const purged = ids.filter((id) => this.#backlog.purge(id));
    for (const id of purged) this.#ended.set(id, 'untold');
    return purged.length;
  }
}
