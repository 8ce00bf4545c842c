import type { Timer } from '../core/clock.ts';
import type { FarRecords } from './far-records.ts';
import type { LeasedJob, QueueStore } from './queue-store.ts';
import type { Settings } from './settings.ts';

/** @internal Whom pulled jobs are for. */
export interface FarPullsHost<D> {
  /** How many more could be worked on. */
  wanted(): number;
  /** One that was handed out, by an answer to what was asked then. */
  enter(leased: LeasedJob<D>, askedMs: number): void;
  /** Some have come; or it is known anew how many there are. */
  onReady(): void;
  onPoll(): void;
  onError(error: unknown): void;
}

/**
 * @internal Asks a store behind promises for jobs: when somebody wants some, one question at a time, and now and then where
 * no hint comes; then it asks how many there are, too.
 */
export class FarPulls<D> {
  readonly #store: Pick<QueueStore<D>, 'counts' | 'pull'>;
  readonly #settings: Pick<Settings<D>, 'leaseMs' | 'pollMs' | 'runtime'>;
  readonly #records: Pick<FarRecords<D>, 'counted' | 'mark'>;
  readonly #host: FarPullsHost<D>;
  #timer: Timer | undefined;
  #pulling = false;
  /** How many questions have been answered. */
  #pulls = 0;
  #pulled: Promise<void> | undefined;
  #again = false;
  #open = false;
  #closed = false;

  constructor(
    store: Pick<QueueStore<D>, 'counts' | 'pull'>,
    settings: Pick<Settings<D>, 'leaseMs' | 'pollMs' | 'runtime'>,
    records: Pick<FarRecords<D>, 'counted' | 'mark'>,
    host: FarPullsHost<D>,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#records = records;
    this.#host = host;
  }

  /** The store is there. Resolves when it is known how many jobs it has. */
  async open(): Promise<void> {
    if (this.#closed) return;
    this.#open = true;
    await this.#recount();
    this.look();
  }

  /** There may be something, and somebody who wants it. */
  look(): void {
    this.#again = true;
    if (this.#pulling || !this.#open) return;
    this.#pulled = this.#pull();
  }

  /** Asks for nothing more; resolves when the last question is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#open = false;
    this.#timer?.cancel();
    await this.#pulled;
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    const { leaseMs, runtime } = this.#settings;
    while (this.#again && this.#open) {
      this.#again = false;
      const wanted = this.#host.wanted();
      if (wanted <= 0) break;
      try {
        const askedMs = runtime.clock.now();
        const jobs = await this.#store.pull(wanted, leaseMs);
        this.#pulls++;
        for (const leased of jobs) this.#host.enter(leased, askedMs);
        if (jobs.length === wanted) this.#again = true;
        if (jobs.length > 0) this.#host.onReady();
      } catch (error) {
        this.#host.onError(error);
        break;
      }
    }
    this.#pulling = false;
    this.#pollLater();
  }

  /** However busy it is: what others add to the store is seen only by counting. */
  #pollLater(): void {
    if (this.#timer !== undefined || !this.#open) return;
    const { runtime, pollMs } = this.#settings;
    this.#timer = runtime.clock.setTimer(pollMs * (0.9 + 0.2 * runtime.random()), () => {
      this.#timer = undefined;
      void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    await this.#pulled;
    await this.#recount();
    this.#host.onReady();
    this.#host.onPoll();
    this.look();
  }

  async #recount(): Promise<void> {
    const mark = this.#records.mark();
    const pulls = this.#pulls;
    try {
      const counts = await this.#store.counts();
      // What is on its way here is leased there: with a pull beside it there are that many at least.
      const isExact = !this.#pulling && pulls === this.#pulls;
      this.#records.counted(counts, mark, isExact);
    } catch (error) {
      this.#host.onError(error);
    }
  }
}
