import { number, oneOf, readOptions } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import { SteadyTime } from '../../core/steady-time.ts';
import { Backlog } from '../backlog/backlog.ts';
import { fateOf, type Job } from '../backlog/job.ts';
import type {
  DeadJob,
  DeadJobs,
  JobLease,
  JobOutcome,
  LeasedJob,
  NewJob,
  PutResult,
  QueueStore,
  Room,
  StoreCaps,
  StoreCounts,
} from '../queue-store.ts';

/** How a store that keeps its jobs in order itself does so. */
export interface BacklogOptions {
  /**
   * After how many milliseconds of waiting a job stands as one of the next higher priority would: bounds the wait of the
   * lower ones.
   *
   * @defaultValue none: priorities are strict, and a low one may wait for ever
   */
  readonly agingMs?: number | undefined;
  /**
   * How many jobs of a key may run at a time.
   *
   * @defaultValue 1
   */
  readonly keyLimit?: number | undefined;
  /**
   * `strict`: while a job waits to be tried again, no other of its key goes before it. `skip`: they do.
   *
   * @defaultValue `strict`
   */
  readonly keyOrder?: 'strict' | 'skip' | undefined;
  /**
   * How many dead jobs are kept; beyond, the oldest is forgotten.
   *
   * @defaultValue 10,000
   */
  readonly maxDead?: number | undefined;
}

/** Options of {@link MemoryQueueStore}. */
export interface MemoryQueueStoreOptions extends BacklogOptions {
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

let stores = 0;

/**
 * Jobs in the memory of this process: the default store of a queue, and the model of all others.
 *
 * Promises: what {@link QueueStore} promises, but for the end of the process, which is the end of its jobs. Keeping and
 * pulling O(1), with p priorities O(log p), with delays O(log n); cancelling O(1), amortised. Several queues of one process
 * may share one.
 *
 * @example
 * ```ts
 * import { MemoryQueueStore } from 'holdfast/queue';
 *
 * const store = new MemoryQueueStore<string>();
 * await store.open();
 * await store.put([{ id: 'a', data: 'hello' }], { max: 10, overflow: 'reject' });
 * const [job] = await store.pull(1, 30_000);
 * job?.data // => 'hello'
 * await store.settle([{ ...job!, kind: 'done' }]) // => [true]
 * ```
 */
export class MemoryQueueStore<D> implements QueueStore<D> {
  /** What it can do. */
  readonly caps: StoreCaps = {
    durable: false,
    shared: false,
    priority: true,
    aging: true,
    delay: true,
    keys: true,
    dedupe: ['reject', 'replace', 'rerun'],
    drop: true,
    maxLeaseMs: Infinity,
  };
  /** What was given up. */
  readonly dead: DeadJobs<D> = {
    list: () => this.#listDead(),
    redrive: async (ids) => {
      const { length } = this.redrive(ids);
      this.woken();
      return length;
    },
    purge: async (ids) => this.#purge(ids),
  };
  /** @internal The jobs themselves: a queue in the same process need not take the long way. */
  readonly backlog: Backlog<D>;
  /** @internal */
  readonly time: SteadyTime;
  readonly #wakes = new Set<{ readonly onWake: () => void }>();

  /**
   * @param options - order, keys, how many dead are kept
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options?: MemoryQueueStoreOptions) {
    const {
      agingMs,
      keyLimit = 1,
      keyOrder = 'strict',
      maxDead = 10_000,
      runtime = systemRuntime,
    } = readOptions('MemoryQueueStore', options, {
      agingMs: number({ min: 1 }),
      keyLimit: number({ min: 1, integer: true }),
      keyOrder: oneOf('strict', 'skip'),
      maxDead: number({ min: 0, integer: true }),
      runtime: runtimeRule,
    });
    this.time = new SteadyTime(runtime.clock);
    this.backlog = new Backlog({ agingMs, keyLimit, keyOrder, maxDead, idPrefix: `m${String(++stores)}-` });
  }

  /** Nothing to do. */
  open(): Promise<void> {
    return Promise.resolve();
  }

  /** Keeps jobs. */
  async put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]> {
    const nowMs = this.time.now();
    const results = jobs.map((made) => this.#put(made, room, nowMs));
    this.woken();
    return results;
  }

  #put(
    { id, data, priority, key, delayMs = 0, dedupe, expiresInMs, settings }: NewJob<D>,
    room: Room,
    nowMs: number,
  ): PutResult {
    const expiresAtMs = expiresInMs === undefined ? undefined : nowMs + expiresInMs;
    const job = this.backlog.job(data, priority, { id, keyName: key, dedupe, expiresAtMs, settings });
    const { status, job: living, dropped } = this.backlog.offer(job, delayMs, room, nowMs);
    return {
      status,
      id: living === undefined ? id : this.backlog.idOf(living),
      ...(dropped && { dropped: this.backlog.idOf(dropped) }),
      ...(living && fateOf(living, nowMs)),
    };
  }

  /** Leases up to `max` jobs. */
  async pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]> {
    const nowMs = this.time.now();
    const jobs: LeasedJob<D>[] = [];
    while (jobs.length < max) {
      const job = this.backlog.take(nowMs, leaseMs);
      if (job === undefined) break;
      const { expiresAtMs = Infinity } = job.details!;
      if (expiresAtMs <= nowMs) {
        this.backlog.settle(job, { kind: 'dead', reason: 'expired', error: 'its deadline has passed' }, nowMs);
      } else jobs.push(this.#leased(job, nowMs));
    }
    return jobs;
  }

  #leased(job: Job<D>, nowMs: number): LeasedJob<D> {
    const { data, priority, attempt, crashes } = job;
    const { key, expiresAtMs, settings } = job.details!;
    return {
      id: this.backlog.idOf(job),
      fence: BigInt(job.fence),
      data,
      key: key?.name,
      priority,
      attempt,
      crashes,
      expiresInMs: expiresAtMs === undefined ? undefined : expiresAtMs - nowMs,
      settings,
    };
  }

  /** Makes leases last for `leaseMs` from now. */
  async extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    const nowMs = this.time.now();
    return leases.map(({ id, fence }) => {
      const job = this.backlog.held(id, fence, nowMs);
      if (job !== undefined) this.backlog.extend(job, nowMs + leaseMs);
      return job !== undefined;
    });
  }

  /** Ends leases. */
  async settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]> {
    const nowMs = this.time.now();
    const held = outcomes.map((outcome) => {
      const job = this.backlog.held(outcome.id, outcome.fence, nowMs);
      if (job !== undefined) this.backlog.settle(job, outcome, nowMs);
      return job !== undefined;
    });
    this.woken();
    return held;
  }

  /** Takes back jobs that nobody holds. */
  async cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    const nowMs = this.time.now();
    const taken = ids.map((id) => {
      const job = this.backlog.find(id);
      return job !== undefined && this.backlog.cancel(job, nowMs);
    });
    this.woken();
    return taken;
  }

  /** How many jobs are where. */
  async counts(): Promise<StoreCounts> {
    return this.backlog.counts(this.time.now());
  }

  /** Has `onWake` called when something may have become ready. */
  wake(onWake: () => void): () => void {
    const own = { onWake };
    this.#wakes.add(own);
    return () => {
      this.#wakes.delete(own);
    };
  }

  /** @internal Something may have become ready, or room free; `except` knows it already. */
  woken(except?: () => void): void {
    if (this.#wakes.size === 0 || (this.#wakes.size === 1 && except !== undefined)) return;
    for (const { onWake } of [...this.#wakes]) if (onWake !== except) onWake();
  }

  /** Nothing to do: the jobs stay as they are. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async *#listDead(): AsyncGenerator<DeadJob<D>> {
    for (const job of [...this.backlog.dead.values()]) {
      const { id, reason, error } = job.details!;
      yield {
        id: id!,
        data: job.data,
        reason: reason!,
        error: error!,
        attempts: job.attempt,
        crashes: job.crashes,
      };
    }
  }

  /** @internal Puts dead jobs back; nobody is woken. */
  redrive(ids: readonly string[] = [...this.backlog.dead.keys()]): readonly Job<D>[] {
    const nowMs = this.time.now();
    return ids.map((id) => this.backlog.redrive(id, nowMs)).filter((job) => job !== undefined);
  }

  #purge(ids: readonly string[] = [...this.backlog.dead.keys()]): number {
    return ids.filter((id) => this.backlog.purge(id)).length;
  }
}
