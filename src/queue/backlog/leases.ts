import { Heap } from './heap.ts';
import type { Job } from './job.ts';

interface Lease<D> {
  readonly job: Job<D>;
  readonly fence: number;
  endsMs: number;
}

/** @internal When leases are over. One that is made longer keeps its place until that comes up: O(1), and O(log n) then. */
export class Leases<D> {
  readonly #heap = new Heap<Lease<D>>((a, b) => a.endsMs < b.endsMs);

  /** When the first may be over; Infinity when there is none. */
  get nextMs(): number {
    for (let lease = this.#heap.first; lease !== undefined && !isHeld(lease); lease = this.#heap.first)
      this.#heap.pop();
    return this.#heap.first?.endsMs ?? Infinity;
  }

  /** Has the lease of a job end at another time; `leased` is how many there are. */
  set(job: Job<D>, endsMs: number, leased: number): void {
    const details = (job.details ??= {});
    if (endsMs < (details.leaseEndsMs ?? Infinity)) {
      if (this.#heap.size >= 2 * leased + 64) this.#heap.keep(isHeld);
      this.#heap.push({ job, fence: job.fence, endsMs });
    }
    details.leaseEndsMs = endsMs;
  }

  /** The next job whose lease is over by then; it is not told again. */
  over(nowMs: number): Job<D> | undefined {
    for (let first = this.#heap.first; first !== undefined && first.endsMs <= nowMs; first = this.#heap.first) {
      const endsMs = isHeld(first) ? first.job.details?.leaseEndsMs : undefined;
      if (endsMs !== undefined && endsMs > first.endsMs) {
        first.endsMs = endsMs;
        this.#heap.sinkFirst();
        continue;
      }
      this.#heap.pop();
      if (endsMs !== undefined) return first.job;
    }
    return undefined;
  }
}

function isHeld<D>({ job, fence }: Lease<D>): boolean {
  return job.state === 'leased' && job.fence === fence;
}
