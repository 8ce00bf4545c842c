import type { JobLease, JobOutcome, LeasedJob, NewJob, PutResult } from '../queue/index.ts';
import { ensure } from './ensure.ts';

interface ModelJob {
  readonly id: string;
  readonly data: unknown;
  readonly priority: number;
  readonly dedupe: string | undefined;
  readonly seq: number;
  state: 'waiting' | 'delayed' | 'leased' | 'dead';
  /** When it is ready, or its lease over. */
  atMs: number;
  /** It has waited in its place ever since it was put. */
  inPlace: boolean;
  attempt: number;
  crashes: number;
  fence: bigint;
}

/**
 * @internal What a store should do, as simple as can be: a list that is gone through for everything. Where a store may choose,
 * who of those that were given back comes first, say, it is told what was chosen, and whether that is allowed.
 */
export class QueueModel {
  readonly #hasPriority: boolean;
  #jobs: ModelJob[] = [];
  #seq = 0;
  #nowMs = 0;

  constructor(hasPriority: boolean) {
    this.#hasPriority = hasPriority;
  }

  elapse(ms: number): void {
    this.#nowMs += ms;
    for (const job of this.#jobs.filter(({ atMs }) => atMs <= this.#nowMs)) {
      if (job.state === 'leased') job.crashes++;
      if (job.state === 'leased' || job.state === 'delayed') this.#enter(job, 0);
    }
  }

  put({ id, data, priority = 0, delayMs = 0, dedupe }: NewJob<unknown>, max: number): PutResult {
    const twin = this.#find(id) ?? this.#jobs.find((job) => dedupe && job.dedupe === dedupe.id && job.state !== 'dead');
    if (twin !== undefined) return { status: 'duplicate', id: twin.id };
    if (this.#in('waiting').length + this.#in('delayed').length >= max) return { status: 'full', id };
    const fresh = { atMs: 0, attempt: 0, crashes: 0, fence: -1n, seq: this.#seq++, state: 'waiting' } as const;
    const job: ModelJob = { id, data, priority, dedupe: dedupe?.id, inPlace: true, ...fresh };
    this.#jobs.push(job);
    if (delayMs > 0) this.#enter(job, delayMs);
    return { status: 'added', id };
  }

  /** What was pulled has to be allowed. */
  pulled(jobs: readonly LeasedJob<unknown>[], max: number, leaseMs: number): void {
    ensure(
      jobs.length > 0 || max === 0 || this.#in('waiting').length === 0,
      'nothing is pulled though somebody is ready',
    );
    for (const { id, data, priority, attempt, crashes, fence } of jobs) {
      const job = this.#find(id);
      if (job?.state !== 'waiting') throw new Error(`${id} is pulled though it is ${job?.state ?? 'not there'}`);
      const first = this.#in('waiting').find((other) => this.#precedes(other, job));
      ensure(first === undefined, 'a job is pulled before another', id, first?.id);
      job.attempt++;
      ensure(data === job.data && priority === job.priority, 'a job has changed', id, data, job.data, priority);
      ensure(
        attempt === job.attempt && crashes === job.crashes,
        'attempts or crashes: pulled, expected',
        [attempt, crashes],
        [job.attempt, job.crashes],
      );
      ensure(fence > job.fence, 'a fence does not grow', job.fence, fence);
      Object.assign(job, { fence, state: 'leased', atMs: this.#nowMs + leaseMs });
    }
  }

  extend(lease: JobLease, leaseMs: number): boolean {
    const job = this.#held(lease);
    if (job !== undefined) job.atMs = this.#nowMs + leaseMs;
    return job !== undefined;
  }

  settle(outcome: JobOutcome): boolean {
    const job = this.#held(outcome);
    if (job === undefined) return false;
    if ('crashed' in outcome && outcome.crashed) job.crashes++;
    if (outcome.kind === 'release') job.attempt--;
    if (outcome.kind === 'release' || outcome.kind === 'retry') this.#enter(job, outcome.delayMs);
    else if (outcome.kind === 'dead') job.state = 'dead';
    else this.#remove(job);
    return true;
  }

  cancel(id: string): boolean {
    const job = this.#find(id);
    if (job?.state !== 'waiting' && job?.state !== 'delayed') return false;
    this.#remove(job);
    return true;
  }

  redrive(ids: readonly string[] | undefined): number {
    const back = this.#in('dead').filter(({ id }) => ids?.includes(id) ?? true);
    for (const job of back) {
      Object.assign(job, { attempt: 0, crashes: 0 });
      this.#enter(job, 0);
    }
    return back.length;
  }

  purge(ids: readonly string[] | undefined): number {
    const gone = this.#in('dead').filter(({ id }) => ids?.includes(id) ?? true);
    for (const job of gone) this.#remove(job);
    return gone.length;
  }

  /** Whether it is there with a name of what is the same. */
  isSame(id: string): boolean {
    return this.#find(id)?.dedupe !== undefined;
  }

  get places(): readonly number[] {
    return (['waiting', 'delayed', 'leased', 'dead'] as const).map((state) => this.#in(state).length);
  }

  get dead(): readonly (readonly [id: string, attempts: number, crashes: number])[] {
    return this.#in('dead').map(({ id, attempt, crashes }) => [id, attempt, crashes]);
  }

  #enter(job: ModelJob, delayMs: number): void {
    job.state = delayMs > 0 ? 'delayed' : 'waiting';
    job.atMs = this.#nowMs + delayMs;
    job.inPlace = false;
  }

  /** Who has waited in their place go by it; the others may be anywhere among those of their priority. */
  #precedes(other: ModelJob, job: ModelJob): boolean {
    const rank = this.#hasPriority ? other.priority - job.priority : 0;
    if (job.crashes > 0) return false; // a job that was lost may go before all
    return rank > 0 || (rank === 0 && other.inPlace && job.inPlace && other.seq < job.seq);
  }

  #held({ id, fence }: JobLease): ModelJob | undefined {
    const job = this.#find(id);
    return job?.state === 'leased' && job.fence === fence ? job : undefined;
  }

  #find(id: string): ModelJob | undefined {
    return this.#jobs.find((job) => job.id === id);
  }

  #in(state: ModelJob['state']): readonly ModelJob[] {
    return this.#jobs.filter((job) => job.state === state);
  }

  #remove(gone: ModelJob): void {
    this.#jobs = this.#jobs.filter((job) => job !== gone);
  }
}
