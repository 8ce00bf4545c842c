import type { Job } from './backlog/job.ts';

const mostRemembered = 100_000;

/**
 * @internal Which of the jobs that come from a store without a record had been accepted here: those of which only the id was
 * kept, and those that have died and were put back.
 */
export class Unrecorded<D> {
  readonly #owner: object;
  readonly #onRedriven: (count: number) => number;
  readonly #ids = new Set<string>();
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

  /** It was accepted here, or is about to be. */
  add(id: string): void {
    remember(this.#ids, id);
  }

  /** It was not accepted, or its record is known. */
  delete(id: string): boolean {
    return this.#ids.delete(id);
  }

  /** Says of a job that has come whose it is; once for each. */
  adopt(id: string, job: Job<D>): void {
    if (this.#ids.delete(id) || this.#isBack()) job.owner = this.#owner;
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

/** @internal Of too many the oldest is forgotten. */
export function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size > mostRemembered) ids.delete(ids.values().next().value!);
}
