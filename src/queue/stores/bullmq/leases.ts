import type { Clock } from '../../../core/clock.ts';
import type { JobLease } from '../../queue-store.ts';

interface Held {
  readonly fence: bigint;
  readonly endsMs: number;
}

/**
 * @internal Until when this process may hold what it holds, by its own clock. BullMQ over PostgreSQL accepts the holder of a
 * lease that is over until somebody has noticed. What another process has leased is not known here; the server decides.
 */
export class Leases {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  began({ id, fence }: JobLease, endsMs: number): void {
    this.#held.set(id, { fence, endsMs });
  }

  ended({ id, fence }: JobLease): void {
    if (this.#held.get(id)?.fence === fence) this.#held.delete(id);
  }

  /** False when the lease is certainly over. */
  mayHold({ id, fence }: JobLease): boolean {
    const held = this.#held.get(id);
    return held?.fence !== fence || this.#clock.now() < held.endsMs;
  }

  /** Forgets what is over for so long that the server knows. */
  sweep(overMs: number): void {
    const nowMs = this.#clock.now();
    for (const [id, { endsMs }] of this.#held) if (endsMs + overMs < nowMs) this.#held.delete(id);
  }
}
