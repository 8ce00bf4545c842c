import type { Timer } from '../core/clock.ts';
import type { Job } from './backlog/job.ts';
import type { Settings } from './settings.ts';

/** @internal Where leases come from. */
export interface LeaseOffice<D> {
  /** Has leases last from now; which of them do, and undefined for one of which that is not known. */
  extend(jobs: readonly Job<D>[]): Promise<readonly (boolean | undefined)[]>;
  onError(error: unknown): void;
  /** A lease is over, or may be: somebody else may have the job. */
  onLost(job: Job<D>): void;
}

/**
 * @internal The leases that are held here, and when each ends: by this clock, and counted from before it was asked for, so
 * that whoever holds one has let go of it before the store gives it to somebody else. Renewed while there are any.
 */
export class HeldLeases<D> {
  readonly #office: LeaseOffice<D>;
  readonly #settings: Pick<Settings<D>, 'leaseMs' | 'renewMs' | 'runtime'>;
  readonly #endsMs = new Map<Job<D>, number>();
  #timer: Timer | undefined;
  #renewing = false;
  #open = true;

  constructor(office: LeaseOffice<D>, settings: Pick<Settings<D>, 'leaseMs' | 'renewMs' | 'runtime'>) {
    this.#office = office;
    this.#settings = settings;
  }

  /** Whose leases are held. */
  jobs(): Iterable<Job<D>> {
    return this.#endsMs.keys();
  }

  /** Whether it is held, be it over. */
  has(job: Job<D>): boolean {
    return this.#endsMs.has(job);
  }

  /** Whether it is held and not over. */
  holds(job: Job<D>): boolean {
    return (this.#endsMs.get(job) ?? -Infinity) > this.#settings.runtime.clock.now();
  }

  /** One that was got with a question that was asked then. */
  add(job: Job<D>, askedMs: number): void {
    this.#endsMs.set(job, askedMs + this.#settings.leaseMs);
    this.#renewLater();
  }

  /** It is held no longer. */
  delete(job: Job<D>): void {
    this.#endsMs.delete(job);
  }

  /** Nothing is renewed any more. */
  close(): void {
    this.#open = false;
    this.#timer?.cancel();
  }

  /** Looks after the leases while there are any, also while a question about them hangs. */
  #renewLater(): void {
    if (this.#timer !== undefined || !this.#open || this.#endsMs.size === 0) return;
    const { clock } = this.#settings.runtime;
    let firstMs = Infinity;
    for (const endsMs of this.#endsMs.values()) firstMs = Math.min(firstMs, endsMs); // there may be more than a call has arguments
    this.#timer = clock.setTimer(Math.min(this.#settings.renewMs, Math.max(1, firstMs - clock.now())), () => {
      this.#timer = undefined;
      const nowMs = clock.now();
      for (const [job, endsMs] of this.#endsMs) if (endsMs <= nowMs) this.#office.onLost(job);
      if (!this.#renewing && this.#endsMs.size > 0) {
        this.#renewing = true;
        void this.renew([...this.#endsMs.keys()]).then(() => {
          this.#renewing = false;
        });
      }
      this.#renewLater();
    });
  }

  /** Renews these now. Never rejects. */
  async renew(jobs: readonly Job<D>[]): Promise<void> {
    const { clock } = this.#settings.runtime;
    const askedMs = clock.now();
    let answers: readonly (boolean | undefined)[] | undefined;
    try {
      answers = await this.#office.extend(jobs);
    } catch (error) {
      this.#office.onError(error);
    }
    const nowMs = clock.now();
    jobs.forEach((job, i) => {
      const endsMs = this.#endsMs.get(job);
      if (endsMs === undefined) return; // settled meanwhile
      const lasts = answers?.[i];
      if (lasts === true) this.#endsMs.set(job, askedMs + this.#settings.leaseMs);
      else if (lasts === false || endsMs <= nowMs) this.#office.onLost(job);
    });
  }
}
