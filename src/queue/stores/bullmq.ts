/**
 * Jobs of work queues in BullMQ: in Redis, Valkey or PostgreSQL.
 *
 * @module holdfast/queue/bullmq
 */
import { check, number, readOptions } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import type {
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
import { Adding } from './bullmq/adding.ts';
import { type BullQueue, type BullWorker, checkPair, done, granted, queueRule, workerRule } from './bullmq/client.ts';
import { BullDeadJobs } from './bullmq/dead.ts';
import { fenceOf, tokenOf, Tokens } from './bullmq/fence.ts';
import { Leases } from './bullmq/leases.ts';
import { bullId } from './bullmq/names.ts';
import { leasedJob, obituary, parsed, recordOf, withLoss } from './bullmq/record.ts';
import { Waker } from './bullmq/waker.ts';

export { elastic, type ElasticBull, type ElasticBullOptions, type ElasticBullWorker } from './bullmq/elastic.ts';
export type {
  BullBackend,
  BullJob,
  BullJobJson,
  BullJobOptions,
  BullMark,
  BullQueue,
  BullWorker,
} from './bullmq/client.ts';

/** Options of {@link BullMQQueueStore}. */
export interface BullMQQueueStoreOptions {
  /**
   * How many claims of one `pull` are under way at once. BullMQ has no claim of many: each job is a round trip. Redis
   * answers them in order; of PostgreSQL's, one may overtake another.
   *
   * @defaultValue 1
   */
  readonly claims?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

const maxLeaseMs = 2 ** 31 - 1;
const leaseRule = number({ min: 1, max: maxLeaseMs });

/** What a call about a job that ends needs of it. */
const bullJob = (id: string): { readonly id: string; readonly opts: { readonly attempts: number } } => ({
  id: bullId(id),
  opts: { attempts: 1 },
});

/**
 * Jobs in BullMQ 6 or later, over the user's own `Queue` and `Worker` and whichever backend they have, Redis or PostgreSQL:
 * processes on many machines share one queue. The worker is made without a processor; jobs are claimed through BullMQ's API
 * for fetching by hand. Both stay the user's, who listens to their `error` events and closes them.
 *
 * - The fence has the token of BullMQ's lock in it: the server itself refuses what is stale, whoever asks.
 * - A lease that has run out is found by BullMQ's check for stalled jobs, which `pull` has run each `stalledInterval` of the
 *   worker, and which needs to have seen the job before. So a lost worker's job is back `stalledInterval` after its
 *   lease is over, at the latest two: set it to a third of the lease. BullMQ counts these losses, so they survive every
 *   process.
 * - Attempts are counted by BullMQ and decided by the queue: BullMQ is told of one attempt.
 * - Jobs that others add with BullMQ itself are pulled too, first of all, as `bullmq:<id>`.
 *
 * What BullMQ cannot do, so it is not promised:
 *
 * - Keys are BullMQ Pro's, aging and dropping nobody's; of the ways to deduplicate only `reject` is the same as ours. A dead
 *   job that is redriven does not stand for its `dedupe.id` any more.
 * - Priorities are whole numbers from -1,048,576 to 1,048,575. A job whose lease has run out goes before all of them on Redis.
 * - BullMQ counts delays, and on PostgreSQL leases, by the wall clocks of the processes: keep these right, to a
 *   fraction of the lease.
 * - PostgreSQL accepts the holder of a lease that is over until somebody has noticed. So a process refuses by itself what it has
 *   pulled and not extended in time: extend where you have pulled.
 * - Room is looked at before jobs are added: several processes that add at the same moment may together exceed it.
 * - Two processes that put the same id at the same moment, and a third that is done with the job before they look, may
 *   both be told that theirs was added.
 * - `counts().oldestMs` is of the job that is pulled next.
 *
 * Complexity: O(log n) for a job in Redis, and per job one round trip to claim and one to settle; leases are extended in one.
 *
 * @example
 * ```ts needs="redis"
 * import { Queue, Worker } from 'bullmq';
 * import { BullMQQueueStore } from 'holdfast/queue/bullmq';
 *
 * const connection = { url: process.env['REDIS_URL']! };
 * const queue = new Queue('pages', { connection });
 * const worker = new Worker('pages', null, { connection, stalledInterval: 10_000 });
 * const store = new BullMQQueueStore<{ url: string }>(queue, worker);
 * await store.open();
 * await store.put([{ id: 'home', data: { url: 'https://example.org/' } }], { max: 1_000, overflow: 'reject' });
 * const [job] = await store.pull(1, 30_000);
 * job?.data; // => { url: 'https://example.org/' }
 * if (job) await store.settle([{ ...job, kind: 'done' }]);
 * await Promise.all([worker.close(), queue.close()]);
 * ```
 */
export class BullMQQueueStore<D> implements QueueStore<D> {
  /** What it can do. */
  readonly caps: StoreCaps = {
    durable: true,
    shared: true,
    priority: true,
    aging: false,
    delay: true,
    keys: false,
    dedupe: ['reject'],
    drop: false,
    maxLeaseMs,
  };
  /** What was given up: BullMQ's failed jobs. */
  readonly dead: DeadJobs<D>;
  readonly #queue: BullQueue;
  readonly #worker: BullWorker;
  readonly #runtime: Runtime;
  readonly #claims: number;
  readonly #tokens: Tokens;
  readonly #adding: Adding<D>;
  readonly #leases: Leases;
  readonly #waker: Waker;
  #nextCheckMs = 0;

  /**
   * @param queue - the queue; it stays the user's
   * @param worker - a worker of the same queue, without a processor; it stays the user's
   * @param options - how many claims at once
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(queue: BullQueue, worker: BullWorker, options?: BullMQQueueStoreOptions) {
    this.#queue = check('queue', queue, queueRule);
    this.#worker = check('worker', worker, workerRule);
    checkPair(queue, worker);
    const { claims = 1, runtime = systemRuntime } = readOptions('BullMQQueueStore', options, {
      claims: number({ min: 1, max: 1_000, integer: true }),
      runtime: runtimeRule,
    });
    this.#claims = claims;
    this.#runtime = runtime;
    this.#tokens = new Tokens(runtime.random);
    this.#leases = new Leases(runtime.clock);
    const backend = () => this.#worker.getBackend();
    this.#adding = new Adding(queue, backend, runtime);
    this.#waker = new Waker(backend, runtime.clock);
    this.dead = new BullDeadJobs(backend);
  }

  /** Waits for the connections. */
  async open(): Promise<void> {
    await Promise.all([this.#queue.waitUntilReady(), this.#worker.waitUntilReady()]);
  }

  /**
   * Keeps jobs: done when the server has answered. How safe they are then is the server's matter, `appendfsync` on Redis.
   *
   * @param jobs - the jobs
   * @param room - how many may wait
   * @throws {@link HoldfastError} `UNSUPPORTED` for what `caps` does not have, `INVALID_OPTION` for an id or a priority that BullMQ
   * cannot have
   */
  async put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]> {
    return this.#adding.put(jobs, room);
  }

  /**
   * Leases up to `max` jobs, one claim after the other; see `claims`.
   *
   * @param max - how many
   * @param leaseMs - for how long
   */
  async pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]> {
    check('leaseMs', leaseMs, leaseRule);
    await this.#recover();
    const startMs = this.#runtime.clock.now();
    const jobs = await this.#claimed(max);
    const { lockDuration = 30_000 } = this.#worker.opts;
    for (const job of jobs) this.#leases.began(job, startMs + lockDuration);
    const held = Math.ceil(leaseMs) === lockDuration ? jobs.map(() => true) : await this.extend(jobs, leaseMs);
    const leased = jobs.filter((_, i) => held[i]);
    const expired = leased.filter(({ expiresInMs = Infinity }) => expiresInMs <= 0);
    if (expired.length === 0) return leased;
    await this.settle(
      expired.map((job) => ({ ...job, kind: 'dead', reason: 'expired', error: 'its deadline has passed' })),
    );
    return leased.filter((job) => !expired.includes(job));
  }

  /** Has leases that are over found, at most once an interval. */
  async #recover(): Promise<void> {
    const nowMs = this.#runtime.clock.now();
    if (nowMs < this.#nextCheckMs) return;
    const { stalledInterval = 30_000 } = this.#worker.opts;
    // The server holds the processes to the interval together; whoever asks when it is just over is answered.
    this.#nextCheckMs = nowMs + stalledInterval / 2;
    this.#leases.sweep(4 * stalledInterval);
    await done(() => this.#worker.getBackend().moveStalledJobsToWait());
  }

  /** What was claimed before a claim failed is not left lying until its lease is over. */
  async #claimed(max: number): Promise<LeasedJob<D>[]> {
    const jobs: LeasedJob<D>[] = [];
    while (jobs.length < max) {
      const claims = Array.from({ length: Math.min(this.#claims, max - jobs.length) }, () => this.#claim());
      const settled = await Promise.allSettled(claims);
      const found = settled.flatMap((claim) => (claim.status === 'fulfilled' && claim.value ? [claim.value] : []));
      jobs.push(...found);
      const failed = settled.find((claim) => claim.status === 'rejected');
      if (failed !== undefined && jobs.length === 0) throw failed.reason;
      if (found.length < claims.length) break;
    }
    return jobs;
  }

  async #claim(): Promise<LeasedJob<D> | undefined> {
    const token = this.#tokens.take();
    const job = await this.#worker.getNextJob(token, { block: false });
    if (job === undefined) return undefined;
    const fence = fenceOf(job.attemptsStarted, token);
    return leasedJob(job, recordOf<D>(job), fence, this.#runtime.clock.wallNow());
  }

  /**
   * Makes leases last for `leaseMs` from now, in one round trip.
   *
   * @param leases - which
   * @param leaseMs - for how long
   */
  async extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    check('leaseMs', leaseMs, leaseRule);
    const nowMs = this.#runtime.clock.now();
    const held = leases.map((lease) => this.#leases.mayHold(lease));
    // The server answers with the ids of those that it refuses: an id is asked for once in each call.
    for (const turn of turnsOf(leases, held)) {
      const [ids, tokens] = [turn.map((i) => bullId(leases[i]!.id)), turn.map((i) => tokenOf(leases[i]!.fence))];
      const backend = this.#worker.getBackend();
      const refused = new Set(await done(() => backend.extendLocks(ids, tokens, Math.ceil(leaseMs))));
      for (const i of turn) {
        held[i] = !refused.has(bullId(leases[i]!.id));
        if (held[i]) this.#leases.began(leases[i]!, nowMs + leaseMs);
      }
    }
    return held;
  }

  /**
   * Ends leases, each in a round trip, all at once.
   *
   * @param outcomes - which, and how
   */
  async settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]> {
    const seen = new Set<string>();
    return Promise.all(
      outcomes.map(async (outcome) => {
        const name = `${String(outcome.fence)} ${outcome.id}`;
        if (seen.has(name) || !this.#leases.mayHold(outcome)) return false;
        seen.add(name);
        const held = await granted(() => this.#end(outcome));
        this.#leases.ended(outcome);
        return held;
      }),
    );
  }

  async #end(outcome: JobOutcome): Promise<unknown> {
    const backend = this.#worker.getBackend();
    const job = bullJob(outcome.id);
    const token = tokenOf(outcome.fence);
    const wallMs = this.#runtime.clock.wallNow();
    switch (outcome.kind) {
      case 'done':
        return backend.moveToCompleted(job, null, true, token, false);
      case 'cancelled':
        return backend.moveToFailed(job, 'cancelled', true, token, false);
      case 'dead': {
        const failedReason = obituary(outcome.reason, outcome.error);
        const fields = { failedReason, ...(await this.#loss(outcome)) };
        return backend.moveToFailed(job, failedReason, false, token, false, fields);
      }
      case 'retry': {
        const fieldsToUpdate = { failedReason: obituary('failed', outcome.error), ...(await this.#loss(outcome)) };
        return backend.moveToDelayed(job.id, wallMs, Math.ceil(outcome.delayMs), token, { fieldsToUpdate });
      }
      case 'release':
        return backend.moveToDelayed(job.id, wallMs, Math.ceil(outcome.delayMs), token, { skipAttempt: true });
    }
  }

  /** Nobody but who holds the job writes these lines, so they may be read first. */
  async #loss(outcome: JobOutcome & { readonly kind: 'dead' | 'retry' }): Promise<{ stacktrace?: string }> {
    if (outcome.crashed !== true) return {};
    const json = await this.#worker.getBackend().getJobData(bullId(outcome.id));
    if (json === undefined) return {};
    const job = parsed(json);
    return { stacktrace: withLoss(job, recordOf(job), outcome.error) };
  }

  /**
   * Takes back jobs that nobody holds.
   *
   * @param ids - which
   */
  async cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    const backend = this.#worker.getBackend();
    const once = new Set<string>();
    return Promise.all(
      ids.map(async (id) => {
        if (once.has(id)) return false;
        once.add(id);
        const state = await backend.getState(bullId(id));
        if (!['waiting', 'delayed', 'prioritized'].includes(state)) return false;
        // Refused when somebody has claimed it meanwhile.
        return (await backend.remove(bullId(id), false)) > 0;
      }),
    );
  }

  /** How many jobs are where. */
  async counts(): Promise<StoreCounts> {
    const backend = this.#worker.getBackend();
    const wallMs = this.#runtime.clock.wallNow();
    const [[plain = 0, prioritized = 0, delayed = 0, leased = 0, dead = 0], [due = 0], oldestMs] = await Promise.all([
      backend.getCounts(['wait', 'prioritized', 'delayed', 'active', 'failed']),
      backend.getCounts(['delayed'], wallMs + 1),
      this.#oldestMs(),
    ]);
    const ready = Math.min(due, delayed);
    return { waiting: plain + prioritized + ready, delayed: delayed - ready, leased, dead, oldestMs };
  }

  async #oldestMs(): Promise<number> {
    const backend = this.#worker.getBackend();
    for (const state of ['wait', 'prioritized'] as const) {
      const [id] = (await backend.getRanges([state], 0, 0, true)).flat();
      const job = id === undefined ? undefined : await backend.getJobData(id);
      if (job !== undefined) return Math.max(0, this.#runtime.clock.wallNow() - job.timestamp);
    }
    return 0;
  }

  /**
   * Has `onWake` called when BullMQ would wake a worker of its own. Takes the worker's blocking connection meanwhile.
   *
   * @param onWake - what to call
   */
  wake(onWake: () => void): () => void {
    return this.#waker.listen(onWake);
  }

  /** Nobody is woken any more. Queue and worker stay open. */
  close(): Promise<void> {
    this.#waker.close();
    return Promise.resolve();
  }
}

/** Which of the leases that may be held to ask for together: of each job one at a time. */
function turnsOf(leases: readonly JobLease[], held: readonly boolean[]): readonly (readonly number[])[] {
  const turns: number[][] = [];
  const times = new Map<string, number>();
  for (const [i, { id }] of leases.entries()) {
    if (held[i] !== true) continue;
    const turn = times.get(id) ?? 0;
    times.set(id, turn + 1);
    (turns[turn] ??= []).push(i);
  }
  return turns;
}
