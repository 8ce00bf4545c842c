import type { Job } from './backlog/job.ts';

/** Those of one id. */
interface Asked<D> {
  /** That neither were pulled nor taken back meanwhile; the first is the one that the store keeps, if it keeps any. */
  readonly jobs: Set<Job<D>>;
  /** Questions without an answer. */
  open: number;
  /** The last job of this id that ended meanwhile: a later one may have come while that one lived. */
  ended: Job<D> | undefined;
}

/**
 * @internal Jobs that a store is asked to keep and whose answer is on its way. The store may have handed one out before, and
 * it may have ended by then; and the job that one has found there may have ended since.
 */
export class AskedPuts<D> {
  readonly #byId = new Map<string, Asked<D>>();

  open(id: string, job: Job<D>): void {
    const asked = this.#byId.get(id);
    if (asked === undefined) this.#byId.set(id, { jobs: new Set([job]), open: 1, ended: undefined });
    else {
      asked.jobs.add(job);
      asked.open++;
    }
  }

  /** There is an answer. `isNew`: nothing has come of the job yet; `ended`: who of its id has ended meanwhile. */
  close(id: string, job: Job<D>): { readonly isNew: boolean; readonly ended: Job<D> | undefined } {
    const asked = this.#byId.get(id);
    if (asked === undefined) return { isNew: false, ended: undefined };
    if (--asked.open === 0) this.#byId.delete(id);
    return { isNew: asked.jobs.delete(job), ended: asked.ended };
  }

  /** Whom the store has handed out or taken back, if it was none that was known before. */
  first(id: string): Job<D> | undefined {
    return this.#byId.get(id)?.jobs.values().next().value;
  }

  /** It was handed out or taken back; whether it was one of these. */
  take(id: string, job: Job<D>): boolean {
    return this.#byId.get(id)?.jobs.delete(job) ?? false;
  }

  /** A job has ended. */
  end(id: string, job: Job<D>): void {
    const asked = this.#byId.get(id);
    if (asked !== undefined) asked.ended = job;
  }

  clear(): void {
    this.#byId.clear();
  }
}
