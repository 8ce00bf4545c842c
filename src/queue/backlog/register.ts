import type { Job, JobDetails } from './job.ts';
import { KeyTurns } from './keys.ts';

/** @internal Who is who among the jobs of a backlog that live: by id, by what they must not be twice, by key. */
export class Register<D> {
  readonly #idPrefix: string;
  readonly #keyLimit: number;
  readonly #byId = new Map<string, Job<D>>();
  readonly #byDedupe = new Map<string, Job<D>>();
  readonly #keys = new Map<string, KeyTurns<Job<D>>>();

  /**
   * @param idPrefix - how the ids begin of jobs that were given none
   * @param keyLimit - how many jobs of a key may be leased at a time
   */
  constructor(idPrefix: string, keyLimit: number) {
    this.#idPrefix = idPrefix;
    this.#keyLimit = keyLimit;
  }

  find(id: string): Job<D> | undefined {
    return this.#byId.get(id);
  }

  twin(dedupeId: string): Job<D> | undefined {
    return this.#byDedupe.get(dedupeId);
  }

  keys(): Iterable<KeyTurns<Job<D>>> {
    return this.#keys.values();
  }

  /** The job's id; one that was given none gets one of its number, when somebody asks. */
  idOf(job: Job<D>): string {
    const known = job.details?.id;
    if (known !== undefined) return known;
    const id = this.#idPrefix + String(job.seq);
    if (job.isLive) {
      (job.details ??= {}).id = id;
      this.#byId.set(id, job);
    }
    return id;
  }

  enter(job: Job<D>, details: JobDetails<D>): void {
    const { id, keyName, dedupe } = details;
    if (id !== undefined) this.#byId.set(id, job);
    if (dedupe !== undefined) this.#byDedupe.set(dedupe.id, job);
    if (keyName === undefined) return;
    let key = this.#keys.get(keyName);
    if (key === undefined) this.#keys.set(keyName, (key = new KeyTurns(keyName, this.#keyLimit)));
    key.jobs++;
    details.key = key;
  }

  leave(job: Job<D>, details: JobDetails<D>): void {
    const { id, key, dedupe } = details;
    if (id !== undefined) this.#byId.delete(id);
    if (dedupe !== undefined && this.#byDedupe.get(dedupe.id) === job) this.#byDedupe.delete(dedupe.id);
    if (key !== undefined && --key.jobs === 0) this.#keys.delete(key.name);
    details.key = undefined;
  }
}
