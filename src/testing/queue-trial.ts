import type {
  DeadJob,
  JobLease,
  JobOutcome,
  LeasedJob,
  NewJob,
  PutResult,
  QueueStore,
  Room,
  StoreCaps,
  StoreCounts,
} from '../queue/index.ts';
import { ensure, ensureSame } from './ensure.ts';

/** @internal The setting of the suite, all defaults filled in. */
export interface QueueSetting {
  readonly make: (queue: string) => QueueStore<unknown> | Promise<QueueStore<unknown>>;
  readonly prefix: string;
  readonly leaseMs: number;
  readonly waitMs: (ms: number) => unknown;
  /** Time passes when it is told to, and no sooner. */
  readonly isVirtual: boolean;
  readonly lateMs: number;
  readonly handles: number;
  readonly jobs: number;
  readonly sequences: number;
  readonly steps: number;
  readonly seed: number | string;
}

/** @internal Throws, or rejects, when the store breaks the law. */
export type QueueLaw = (trial: QueueTrial) => Promise<void>;

/** @internal Room for all that a law puts. */
export const wide: Room = { max: 1_000_000, overflow: 'reject' };

/** What is not about the end of a lease has one that outlasts any stall of the machine. */
const lastingMs = 60_000;

let trials = 0;

/** How many jobs the store should have, all its instances together. */
interface Ledger {
  kept: number;
}

/** @internal One test: a queue that nobody else has, and its instances of the store. */
export class QueueTrial {
  readonly setting: QueueSetting;
  readonly #opened = new Set<QueueStore<unknown>>();
  readonly #ledger: Ledger = { kept: 0 };
  readonly #queue: string;

  constructor(setting: QueueSetting) {
    this.setting = setting;
    this.#queue = `${setting.prefix}-${String(++trials)}`;
  }

  /** An instance of the store. Stores that are not shared have one at a time. */
  async open(): Promise<QueueHandle> {
    const store = await this.setting.make(this.#queue);
    if (!this.#opened.has(store)) await store.open();
    this.#opened.add(store);
    return new QueueHandle(store, this.#ledger);
  }

  /** Two instances, as two processes would have; the same one twice where that cannot be. */
  async pair(): Promise<[QueueHandle, QueueHandle]> {
    const one = await this.open();
    return [one, one.caps.shared ? await this.open() : one];
  }

  /** Closes an instance in the middle of a law. */
  async shut({ store }: QueueHandle): Promise<void> {
    this.#opened.delete(store);
    await store.close();
  }

  async close(): Promise<void> {
    for (const store of this.#opened) await store.close();
  }

  /** Lets time pass: so much by the store's clock, and, where time is real, some more for what is late. */
  async pass(ms: number): Promise<void> {
    await this.setting.waitMs(this.setting.isVirtual ? ms : ms * 1.2 + 5);
  }

  /** What an attempt finds, tried again and again for as long as a store may be late. */
  async eventually<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const { leaseMs, lateMs } = this.setting;
    const sliceMs = Math.max(1, Math.ceil(leaseMs / 20));
    for (let waitedMs = 0; ; waitedMs += sliceMs) {
      const found = await attempt();
      if (found !== undefined) return found;
      if (waitedMs > leaseMs + lateMs) throw new Error(`${what} does not happen`);
      await this.setting.waitMs(sliceMs);
    }
  }

  /** The next job, once there is one. */
  next(handle: QueueHandle, what: string, leaseMs?: number): Promise<LeasedJob<unknown>> {
    return this.eventually(what, async () => (await handle.pull(1, leaseMs))[0]);
  }
}

/** @internal A store whose every answer is looked at: whether it is complete, and whether no job has come or gone by it. */
export class QueueHandle {
  readonly store: QueueStore<unknown>;
  readonly #ledger: Ledger;

  constructor(store: QueueStore<unknown>, ledger: Ledger) {
    this.store = store;
    this.#ledger = ledger;
  }

  get caps(): StoreCaps {
    return this.store.caps;
  }

  async put(jobs: readonly NewJob<unknown>[], room: Room = wide): Promise<readonly PutResult[]> {
    const results = await this.store.put(jobs, room);
    ensureLength(results, jobs, 'put');
    for (const { status, dropped } of results) {
      ensure(['added', 'duplicate', 'full'].includes(status), 'unknown status of a put', status);
      if (status === 'added') this.#ledger.kept++;
      if (dropped !== undefined) this.#ledger.kept--;
    }
    await this.counts();
    return results;
  }

  /** Puts jobs that all have to be accepted. */
  async added(...jobs: readonly NewJob<unknown>[]): Promise<void> {
    const results = await this.put(jobs);
    const expected = jobs.map(({ id }) => ({ status: 'added', id }));
    ensureSame(
      results.map(({ status, id }) => ({ status, id })),
      expected,
      'what became of new jobs, and what should have',
    );
  }

  async pull(max = 1, leaseMs: number = Math.min(lastingMs, this.caps.maxLeaseMs)): Promise<LeasedJob<unknown>[]> {
    const jobs = await this.store.pull(max, leaseMs);
    ensure(jobs.length <= max, 'more jobs are pulled than were asked for', jobs.length, max);
    for (const { fence } of jobs) ensure(typeof fence === 'bigint', 'a fence is no bigint', typeof fence);
    await this.counts();
    return [...jobs];
  }

  /** The ids of all that can be pulled, in order. */
  async pulledIds(max: number): Promise<string[]> {
    const ids: string[] = [];
    for (let some = await this.pull(max); some.length > 0; some = await this.pull(max - ids.length)) {
      ids.push(...some.map(({ id }) => id));
    }
    return ids;
  }

  /** The one job that is ready. */
  async only(leaseMs?: number): Promise<LeasedJob<unknown>> {
    const [job, ...others] = await this.pull(2, leaseMs);
    if (job === undefined) throw new Error('a job that is ready is not pulled');
    ensure(others.length === 0, 'more than one job is pulled', ...others.map(({ id }) => id));
    return job;
  }

  async idle(what: string): Promise<void> {
    const jobs = await this.pull(2);
    ensure(jobs.length === 0, what, ...jobs.map(({ id }) => id));
  }

  async extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    const held = await this.store.extend(leases, leaseMs);
    ensureLength(held, leases, 'extend');
    await this.counts();
    return held;
  }

  /** `again`: how many of those that are done are to run once more. */
  async settle(outcomes: readonly JobOutcome[], again = 0): Promise<readonly boolean[]> {
    const held = await this.store.settle(outcomes);
    ensureLength(held, outcomes, 'settle');
    this.#ledger.kept += again;
    for (const [i, { kind }] of outcomes.entries()) {
      if (held[i] === true && (kind === 'done' || kind === 'cancelled')) this.#ledger.kept--;
    }
    await this.counts();
    return held;
  }

  /** Settles what has to be held. */
  async settled(...outcomes: readonly JobOutcome[]): Promise<void> {
    const held = await this.settle(outcomes);
    ensure(held.every(Boolean), 'a lease that is held cannot be settled', ...outcomes.map(({ id }) => id));
  }

  async cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    const taken = await this.store.cancel(ids);
    ensureLength(taken, ids, 'cancel');
    this.#ledger.kept -= taken.filter(Boolean).length;
    await this.counts();
    return taken;
  }

  async dead(): Promise<DeadJob<unknown>[]> {
    const dead: DeadJob<unknown>[] = [];
    for await (const job of this.store.dead.list()) dead.push(job);
    return dead;
  }

  async redrive(ids?: readonly string[]): Promise<number> {
    const count = await this.store.dead.redrive(ids);
    await this.counts();
    return count;
  }

  async purge(ids?: readonly string[]): Promise<number> {
    const count = await this.store.dead.purge(ids);
    this.#ledger.kept -= count;
    await this.counts();
    return count;
  }

  /** How many jobs are where: together as many as were accepted and are not done with. */
  async counts(): Promise<StoreCounts> {
    const counts = await this.store.counts();
    const { waiting, delayed, leased, dead } = counts;
    for (const [name, count] of Object.entries(counts)) ensure(count >= 0, `a count is no count: ${name}`, count);
    const sum = waiting + delayed + leased + dead;
    ensure(sum === this.#ledger.kept, 'jobs have come or gone: counted, kept', counts, this.#ledger.kept);
    return counts;
  }

  /** Counts without `oldestMs`. */
  async places(): Promise<readonly number[]> {
    const { waiting, delayed, leased, dead } = await this.counts();
    return [waiting, delayed, leased, dead];
  }
}

function ensureLength(answers: readonly unknown[], asked: readonly unknown[], call: string): void {
  ensure(
    answers.length === asked.length,
    `${call} does not answer once for each: asked, answered`,
    asked.length,
    answers.length,
  );
}

/** @internal New jobs of these ids, each with its id as data. */
export const jobsOf = (...ids: readonly string[]): NewJob<unknown>[] => ids.map((id) => ({ id, data: id }));

/** @internal The end of a lease. */
export const done = (job: JobLease): JobOutcome => ({ ...lease(job), kind: 'done' });
/** @internal */
export const cancelled = (job: JobLease): JobOutcome => ({ ...lease(job), kind: 'cancelled' });
/** @internal */
export const released = (job: JobLease, delayMs = 0): JobOutcome => ({ ...lease(job), kind: 'release', delayMs });
/** @internal */
export const retried = (job: JobLease, delayMs = 0, crashed = false): JobOutcome => ({
  ...lease(job),
  kind: 'retry',
  delayMs,
  error: 'try again',
  crashed,
});
/** @internal */
export const buried = (job: JobLease, error = 'no more', crashed = false): JobOutcome => ({
  ...lease(job),
  kind: 'dead',
  reason: crashed ? 'poison' : 'failed',
  error,
  crashed,
});

const lease = ({ id, fence }: JobLease): JobLease => ({ id, fence });
