import type { Timer } from '../../../core/clock.ts';
import type { Dyn } from '../../../core/live.ts';
import { anything, check, having, number, object, readOptions, type Rule } from '../../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../../core/runtime.ts';
import type { WorkerBounds } from '../../elastic/bounds.ts';
import type { ElasticOptions } from '../../elastic/options.ts';
import { Scaler, type ScalerStats } from '../../elastic/scaler.ts';
import type { BullBackend } from './client.ts';

/** What is used of a `Worker` of BullMQ's that has a processor. */
export interface ElasticBullWorker {
  /** How many jobs it runs at once: what is set. */
  concurrency: number;
  /** What it stands on. */
  getBackend(): Pick<BullBackend, 'getCounts'>;
  /** Listens to it. */
  on(event: 'active' | 'completed' | 'failed', listener: (job?: { readonly id?: string | undefined }) => void): unknown;
  /** No longer listens to it. */
  off(
    event: 'active' | 'completed' | 'failed',
    listener: (job?: { readonly id?: string | undefined }) => void,
  ): unknown;
}

/** Options of {@link elastic}. */
export interface ElasticBullOptions {
  /**
   * Between how many jobs at once. BullMQ has no worker of none: 0 is taken for 1.
   *
   * @defaultValue `{ min: 1, max: 64 }`
   */
  readonly workers?: Dyn<number | WorkerBounds> | undefined;
  /**
   * The constants of the law.
   *
   * @defaultValue see {@link ElasticOptions}
   */
  readonly elastic?: ElasticOptions | undefined;
  /**
   * Which share of the jobs that wait is this worker's: one over the number of processes, above 0, at most 1.
   *
   * @defaultValue 1
   */
  readonly share?: number | undefined;
  /**
   * How often the server is asked how many jobs wait, in milliseconds, while there is work.
   *
   * @defaultValue 250
   */
  readonly pollMs?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What {@link elastic} gives. */
export interface ElasticBull {
  /** What is known, and was done. */
  stats(): ScalerStats;
  /** Lets the worker be, with the concurrency that it has. Idempotent. */
  close(): void;
}

const workerRule = having<ElasticBullWorker>("a Worker of BullMQ's, version 6 or later", 'getBackend', 'on', 'off');
const shareRule: Rule<number> = {
  ...number({ max: 1 }),
  expected: 'a number above 0, at most 1',
  accepts: (value) => typeof value === 'number' && value > 0 && value <= 1,
};

/**
 * Has the `concurrency` of a worker of BullMQ follow its work, by the elastic law: for who runs jobs with BullMQ already, and
 * changes nothing else. Jobs that run are never cut short; lower concurrency only has fewer begin.
 *
 * How many wait is asked of the server each `pollMs` while jobs run or wait, and not at all at rest; arrivals are what has begun and what
 * waits more than before. The server does not say whose the jobs are that wait: with several processes, say which `share`
 * is this one's. A queue that is paused or limited in its rate looks as if it needed more workers; `max` is what keeps them.
 *
 * @param worker - the worker; it stays the user's
 * @param options - between how many, and by which constants
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts needs="redis"
 * import { Worker } from 'bullmq';
 * import { elastic } from 'holdfast/queue/bullmq';
 *
 * const connection = { url: process.env['REDIS_URL']! };
 * const worker = new Worker('fetches', async (job) => fetch(job.data.url), { connection });
 * const scaling = elastic(worker, { workers: { min: 2, max: 100 } });
 * worker.once('closing', () => scaling.close());
 * await worker.close(); // when the process ends
 * ```
 */
export function elastic(worker: ElasticBullWorker, options?: ElasticBullOptions): ElasticBull {
  check('worker', worker, workerRule);
  const { workers, share, pollMs, runtime, ...law } = readOptions('elastic', options, {
    workers: anything<Dyn<number | WorkerBounds>>(),
    elastic: object<ElasticOptions>(),
    share: shareRule,
    pollMs: number({ min: 1 }),
    runtime: runtimeRule,
  });
  return new Following(
    worker,
    { share: share ?? 1, pollMs: pollMs ?? 250, runtime: runtime ?? systemRuntime },
    (host) => {
      return new Scaler(host, { workers, elastic: law.elastic, runtime });
    },
  );
}

interface Setting {
  readonly share: number;
  readonly pollMs: number;
  readonly runtime: Runtime;
}

class Following implements ElasticBull {
  readonly #worker: ElasticBullWorker;
  readonly #setting: Setting;
  readonly #scaler: Scaler;
  /** When each job that runs has begun. */
  readonly #running = new Map<string, number>();
  /** How many have begun since the server was asked. */
  #begun = 0;
  #waiting = 0;
  #polling = false;
  #closed = false;
  #timer: Timer | undefined;

  constructor(
    worker: ElasticBullWorker,
    setting: Setting,
    scalerOf: (host: ConstructorParameters<typeof Scaler>[0]) => Scaler,
  ) {
    this.#worker = worker;
    this.#setting = setting;
    this.#scaler = scalerOf({
      queued: () => this.#waiting,
      busy: () => this.#running.size,
      coldStartMs: () => 0,
      resize: ({ to }) => {
        worker.concurrency = Math.max(1, to);
      },
    });
    worker.concurrency = Math.max(1, this.#scaler.workers);
    worker.on('active', this.#onActive);
    worker.on('completed', this.#onEnd);
    worker.on('failed', this.#onEnd);
    // What waits already is not announced.
    this.#poll();
  }

  stats(): ScalerStats {
    return this.#scaler.stats();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#scaler.close();
    this.#worker.off('active', this.#onActive);
    this.#worker.off('completed', this.#onEnd);
    this.#worker.off('failed', this.#onEnd);
  }

  readonly #onActive = (job?: { readonly id?: string | undefined }): void => {
    if (job?.id === undefined) return;
    const nowMs = this.#setting.runtime.clock.now();
    this.#running.set(job.id, nowMs);
    this.#begun++;
    this.#scaler.onStart(nowMs);
    this.#poll();
  };

  readonly #onEnd = (job?: { readonly id?: string | undefined }): void => {
    const startedMs = job?.id === undefined ? undefined : this.#running.get(job.id);
    // One that was found stalled was none of this worker's.
    if (startedMs === undefined) return;
    this.#running.delete(job!.id!);
    this.#scaler.onSettle(startedMs, this.#setting.runtime.clock.now());
  };

  /** Asks now, if nothing is under way, and again for as long as there is work. */
  #poll(): void {
    if (this.#polling || this.#closed) return;
    this.#polling = true;
    void this.#ask().then(() => {
      if (this.#closed) return;
      this.#timer = this.#setting.runtime.clock.setTimer(this.#setting.pollMs, () => {
        this.#polling = false;
        if (this.#waiting > 0 || this.#running.size > 0) this.#poll();
      });
    });
  }

  async #ask(): Promise<void> {
    const before = this.#waiting;
    const counts = await this.#worker
      .getBackend()
      .getCounts(['wait', 'prioritized'])
      .catch(() => undefined);
    // What the server does not say stays as it was said last.
    if (counts === undefined || this.#closed) return;
    this.#waiting = Math.ceil(counts.reduce((sum, count) => sum + count, 0) * this.#setting.share);
    const arrived = Math.max(0, this.#waiting - before + this.#begun);
    this.#begun = 0;
    if (arrived === 0 && this.#waiting === 0) return;
    const isBusy = this.#running.size >= this.#worker.concurrency;
    this.#scaler.onEnqueue(isBusy ? this.#waiting : 0, undefined, arrived);
  }
}
