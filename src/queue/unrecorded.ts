import type { Job } from './backlog/job.ts';

const mostRemembered = 100_000;

/**
 * @internal Which of the jobs that come from a store without a record had been accepted here: those that others may pull, of
 * which only the id is kept, and the record for as long as somebody else has it; and those that have died and were put back.
 */
export class Unrecorded<D> {
  readonly #owner: object;
  readonly #onRedriven: (count: number) => number;
  readonly #records = new Map<string, WeakRef<Job<D>>>();
  /** How many have died here and are to come back. */
  #returning = 0;
  /** Questions to put them back that have no answer yet, and how many have come back before it. */
  #asking = 0;
  #early = 0;

  /** `onRedriven`: so many of the dead wait again; answers how many of them had been accepted here. */
  constructor(owner: object, onRedriven: (count: number) => number) {
    this.#owner = owner;
    this.#onRedriven = onRedriven;
  }

  /** It was accepted here. Of too many the oldest is forgotten. */
  add(id: string, job: Job<D>): void {
    this.#records.set(id, new WeakRef(job));
    if (this.#records.size > mostRemembered) this.#records.delete(this.#records.keys().next().value!);
  }

  /** Its record is known. */
  delete(id: string): void {
    this.#records.delete(id);
  }

  /** The record, if somebody has it. */
  find(id: string): Job<D> | undefined {
    return this.#records.get(id)?.deref();
  }

  /** The record of a job that has come, or another that is `made` for it, with whose it is; once for each. */
  claim(id: string, made: () => Job<D>): Job<D> {
    const isOwn = this.#records.has(id);
    const record = this.find(id);
    this.#records.delete(id);
    if (record !== undefined) return record;
    const job = made();
    if (isOwn || this.#isBack()) job.owner = this.#owner;
    return job;
  }

  #isBack(): boolean {
    if (this.#returning > 0) {
      this.#returning--;
      return true;
    }
    // The store may hand one out before it has said that it was put back.
    if (this.#asking === 0 || this.#onRedriven(1) === 0) return false;
    this.#early++;
    return true;
  }

  /** Asks for dead ones to be put back; how many were. */
  async redriven(ask: () => Promise<number>): Promise<number> {
    this.#asking++;
    try {
      const count = await ask();
      const early = Math.min(count, this.#early);
      this.#early -= early;
      this.#returning += this.#onRedriven(count - early);
      return count;
    } finally {
      if (--this.#asking === 0) this.#early = 0;
    }
  }
}
