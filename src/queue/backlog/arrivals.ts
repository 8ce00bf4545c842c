import { isQueued, type Job } from './job.ts';
import { Ring } from './ring.ts';

/** @internal What a backlog says of those that wait or are delayed. */
export interface Queued<D> {
  /** How many there are. */
  size(): number;
  all(): Iterable<Job<D>>;
}

/**
 * @internal Jobs in the order of their acceptance, for the day when the oldest has to give way. Kept only from the first time
 * that somebody asks for it: most queues never do. Amortised O(1).
 */
export class Arrivals<D> {
  readonly #queued: Queued<D>;
  #ring: Ring<Job<D>> | undefined;

  constructor(queued: Queued<D>) {
    this.#queued = queued;
  }

  get isKept(): boolean {
    return this.#ring !== undefined;
  }

  /** One more is to be there soon. */
  add(job: Job<D>): void {
    const ring = (this.#ring ??= this.#all());
    if (ring.size >= 2 * this.#queued.size() + 64) ring.keep(isQueued);
    ring.push(job);
  }

  /** The oldest that waits or is delayed. */
  oldest(): Job<D> | undefined {
    const ring = (this.#ring ??= this.#all());
    for (let oldest = ring.first; oldest !== undefined; oldest = ring.first) {
      if (isQueued(oldest)) return oldest;
      // One that is leased may come back; it is no arrival then.
      ring.shift();
    }
    // All that is left has come back: from its lease, from the dead.
    if (this.#queued.size() === 0) return undefined;
    this.#ring = this.#all();
    return this.#ring.first;
  }

  /** Forgets those that have left. */
  sweep(): void {
    this.#ring?.keep(isQueued);
  }

  #all(): Ring<Job<D>> {
    const ring = new Ring<Job<D>>();
    for (const job of [...this.#queued.all()].sort((a, b) => a.seq - b.seq)) ring.push(job);
    return ring;
  }
}
