import type { Timer } from '../core/clock.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Ending, Offer } from './backlog/backlog.ts';
import type { Job, JobDetails } from './backlog/job.ts';
import type { Depot, DepotListener } from './depot.ts';
import type { DeadJobs, Room, StoreCaps } from './queue-store.ts';
import type { MemoryQueueStore } from './stores/memory.ts';

/**
 * @internal The short way to a store in this process: no promise and no copy. Leases last until they are settled, for who
 * holds them ends with the store.
 */
export class MemoryDepot<D> implements Depot<D> {
  readonly caps: StoreCaps;
  readonly dead: DeadJobs<D>;
  readonly vigil = undefined;
  readonly #store: MemoryQueueStore<D>;
  readonly #room: Room;
  readonly #runtime: Runtime;
  #listener: DepotListener<D> | undefined;
  #unwake: (() => void) | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Infinity;

  constructor(store: MemoryQueueStore<D>, room: Room, runtime: Runtime) {
    this.caps = store.caps;
    this.dead = {
      ...store.dead,
      redrive: async (ids) => {
        const jobs = store.redrive(ids);
        this.#listener?.onRedriven(jobs.length, jobs);
        store.woken();
        return jobs.length;
      },
    };
    this.#store = store;
    this.#room = room;
    this.#runtime = runtime;
  }

  get runnable(): number {
    return this.#store.backlog.runnable;
  }

  get waiting(): number {
    return this.#store.backlog.waiting;
  }

  get delayed(): number {
    return this.#store.backlog.delayed;
  }

  open(listener: DepotListener<D>): void {
    this.#listener = listener;
    this.#unwake = this.#store.wake(this.#onWake);
    this.#arm();
  }

  make(data: D, priority: number, details: JobDetails<D> | undefined): Job<D> {
    return this.#store.backlog.job(data, priority, details);
  }

  idOf(job: Job<D>): string {
    return this.#store.backlog.idOf(job);
  }

  jobs(): Iterable<Job<D>> {
    return this.#store.backlog.jobs();
  }

  find(id: string): Job<D> | undefined {
    return this.#store.backlog.find(id);
  }

  follow(job: Job<D>): Job<D> {
    return job;
  }

  put(job: Job<D>, delayMs: number, nowMs: number): Offer<D> {
    const offer = this.#store.backlog.offer(job, delayMs, this.#room, nowMs);
    this.#arm(); // it may be for later, or have taken the place of one that was
    this.#store.woken(this.#onWake);
    return offer;
  }

  take(nowMs: number): Job<D> | undefined {
    return this.#store.backlog.take(nowMs);
  }

  settle(job: Job<D>, ending: Ending, nowMs: number): boolean {
    if (job.state !== 'leased') return false;
    this.#store.backlog.settle(job, ending, nowMs);
    this.#arm(); // it may have its turn again, also one that is done
    this.#store.woken(this.#onWake);
    return true;
  }

  extend(): void {
    // A lease here has no end of its own.
  }

  cancel(id: string): boolean {
    const job = this.#store.backlog.find(id);
    if (job === undefined || !this.#store.backlog.cancel(job, this.#store.time.now())) return false;
    this.#arm();
    this.#store.woken(this.#onWake);
    return true;
  }

  expire(job: Job<D>): boolean {
    if (!this.#store.backlog.expire(job, this.#store.time.now())) return false;
    this.#arm();
    this.#store.woken(this.#onWake);
    return true;
  }

  close(): Promise<void> {
    this.#unwake?.();
    this.#timer?.cancel();
    this.#timerDueMs = -Infinity;
    return Promise.resolve();
  }

  readonly #onWake = (): void => {
    this.#arm();
    this.#listener?.onReady();
  };

  /** One timer for what becomes ready next. The process lives until then: with it the job would be lost. */
  #arm(): void {
    const dueMs = this.#store.backlog.nextMs;
    if (dueMs === this.#timerDueMs || this.#timerDueMs === -Infinity) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = undefined;
    if (dueMs === Infinity) return;
    const onDue = (): void => {
      this.#timerDueMs = Infinity;
      this.#store.backlog.counts(this.#store.time.now());
      this.#arm();
      this.#listener?.onReady();
    };
    this.#timer = this.#runtime.clock.setTimer(dueMs - this.#store.time.now(), onDue, { ref: true });
  }
}
