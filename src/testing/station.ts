import type { Job } from './job.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * A snapshot of a {@link SimulatedServer}. Nothing is lost: `arrived` is the sum of `done`, `failed`, `cancelled`, `queued`,
 * `busy` and `swallowed`.
 */
export interface ServerStats {
  /** Requests that have come. */
  readonly arrived: number;
  /** Requests that were answered. */
  readonly done: number;
  /** Requests that failed, refused ones included. */
  readonly failed: number;
  /** Requests that were called off and dropped. */
  readonly cancelled: number;
  /** Requests that wait for a worker. */
  readonly queued: number;
  /** Requests that are worked on, or whose answer a stalled server holds back. */
  readonly busy: number;
  /** Requests that a silent server has taken and never answers. */
  readonly swallowed: number;
  /** Of those `done` and `failed`: whose caller had gone. */
  readonly wasted: number;
}

/**
 * @internal k workers and a line before them, first come, first served: where each request is, and how those that left have
 * left. Each is in one place or has left in one way, so the counts add up at any moment. What moves a request is the server.
 */
export class Station {
  readonly #workers: number;
  readonly #maxQueued: number;
  readonly #line = new WaitingLine<Job>();
  readonly #present = new Set<Job>();
  readonly #left = { done: 0, failed: 0, cancelled: 0 };
  #arrived = 0;
  #busy = 0;
  #swallowed = 0;
  #wasted = 0;

  constructor(workers: number, maxQueued: number) {
    this.#workers = workers;
    this.#maxQueued = maxQueued;
  }

  /** How many requests are here, in whatever place. */
  get size(): number {
    return this.#present.size;
  }

  get hasFreeWorker(): boolean {
    return this.#busy < this.#workers;
  }

  get isFull(): boolean {
    return this.#line.size >= this.#maxQueued;
  }

  /** Those that are here now, in the order of their arrival; they may be moved on the way. */
  jobs(): readonly Job[] {
    return [...this.#present];
  }

  arrive(job: Job): void {
    this.#arrived++;
    this.#present.add(job);
  }

  queue(job: Job): void {
    job.state = 'queued';
    this.#line.add(job);
  }

  /** The next one is out of the line, and nowhere yet. */
  next(): Job | undefined {
    return this.#line.take();
  }

  work(job: Job): void {
    job.state = 'working';
    this.#busy++;
  }

  hold(job: Job): void {
    job.state = 'held';
  }

  swallow(job: Job): void {
    job.state = 'swallowed';
    this.#swallowed++;
  }

  /** Takes the job out, wherever it is. */
  leave(job: Job, how: 'done' | 'failed' | 'cancelled'): void {
    if (job.state === 'working' || job.state === 'held') this.#busy--;
    else if (job.state === 'swallowed') this.#swallowed--;
    else this.#line.delete(job);
    job.state = 'over';
    this.#present.delete(job);
    this.#left[how]++;
    if (job.abandoned && how !== 'cancelled') this.#wasted++;
  }

  stats(): ServerStats {
    return {
      arrived: this.#arrived,
      ...this.#left,
      queued: this.#line.size,
      busy: this.#busy,
      swallowed: this.#swallowed,
      wasted: this.#wasted,
    };
  }
}
