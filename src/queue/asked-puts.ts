import type { Job } from './backlog/job.ts';

/** Those of one name. */
interface Asked<D> {
  /** Questions without an answer. */
  open: number;
  /** The last job of this name that ended meanwhile: a later one may have come while that one lived. */
  ended: Job<D> | undefined;
}

/** Those of one id. */
interface AskedOfId<D> extends Asked<D> {
  /** That neither were pulled nor taken back meanwhile; the first is the one that the store keeps, if it keeps any. */
  readonly jobs: Set<Job<D>>;
}

/**
 * @internal Jobs that a store is asked to keep and whose answer is on its way. The store may have handed one out before, and
 * it may have ended by then; and the job that one has found there, by its id or as its twin, may have ended since.
 */
export class AskedPuts<D> {
  readonly #byId = new Map<string, AskedOfId<D>>();
  /** By what they must not be twice. */
  readonly #byDedupe = new Map<string, Asked<D>>();

  open(id: string, job: Job<D>): void {
    const asked = this.#byId.get(id) ?? { open: 0, ended: undefined, jobs: new Set() };
    asked.open++;
    asked.jobs.add(job);
    this.#byId.set(id, asked);
    const dedupe = job.details?.dedupe;
    if (dedupe === undefined) return;
    const twins = this.#byDedupe.get(dedupe.id) ?? { open: 0, ended: undefined };
    twins.open++;
    this.#byDedupe.set(dedupe.id, twins);
  }

  /** There is an answer. `isNew`: nothing has come of the job yet; `ended`: who has ended meanwhile that it may speak of. */
  close(id: string, job: Job<D>): { readonly isNew: boolean; readonly ended: readonly Job<D>[] } {
    const dedupe = job.details?.dedupe;
    const asked = this.#byId.get(id);
    const twins = dedupe && this.#byDedupe.get(dedupe.id);
    if (asked !== undefined && --asked.open === 0) this.#byId.delete(id);
    if (twins !== undefined && --twins.open === 0) this.#byDedupe.delete(dedupe!.id);
    const ended = [asked?.ended, twins?.ended].filter((one) => one !== undefined);
    return { isNew: asked?.jobs.delete(job) ?? false, ended };
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
    const dedupe = job.details?.dedupe;
    for (const asked of [this.#byId.get(id), dedupe && this.#byDedupe.get(dedupe.id)]) {
      if (asked !== undefined) asked.ended = job;
    }
  }

  clear(): void {
    this.#byId.clear();
    this.#byDedupe.clear();
  }
}
