import { HoldfastError } from '../core/errors.ts';
import type { Ending } from './backlog/backlog.ts';
import type { Job } from './backlog/job.ts';
import { isWorkerLost } from './errors.ts';
import type { WorkQueueEvents } from './events.ts';
import type { DeadReason } from './queue-store.ts';
import { tellEnd } from './result-ticket.ts';

/** @internal Where a tally's news go. */
export interface News<D, R> {
  idOf(job: Job<D>): string;
  /** Whether anybody listens: events cost something to make. */
  listens(event: keyof WorkQueueEvents<R>): boolean;
  emit<K extends keyof WorkQueueEvents<R>>(event: K, value: WorkQueueEvents<R>[K]): void;
}

/**
 * @internal The books of a queue: how many jobs it has accepted and what became of each, told to whoever waits for it and
 * to the listeners. Every job is entered once when it is accepted and once when it ends.
 */
export class Tally<D, R> {
  readonly #owner: object;
  readonly #news: News<D, R>;
  accepted = 0;
  leased = 0;
  done = 0;
  dead = 0;
  cancelled = 0;
  /** Attempts that were followed by another. */
  retried = 0;
  /** Workers that were lost. */
  crashes = 0;
  /** While the queue closes: the jobs that were given back, and that nobody has taken back since. */
  givenBack: Set<Job<D>> | undefined;

  constructor(owner: object, news: News<D, R>) {
    this.#owner = owner;
    this.#news = news;
  }

  /** Once, though a job may be leased before its acceptance is told. */
  onAccepted(job: Job<D>): void {
    if (job.owner === this.#owner) return;
    job.owner = this.#owner;
    this.accepted++;
  }

  /**
   * So many of the dead wait again; `jobs`, where their records are known. How many of them are in these books: not those
   * of an earlier process, or of another queue.
   */
  onRedriven(count: number, jobs?: readonly Job<D>[]): number {
    const own = jobs?.filter(({ owner }) => owner === this.#owner).length ?? Math.min(count, this.dead);
    this.dead -= own;
    return own;
  }

  onLeased(job: Job<D>): void {
    this.leased++;
    this.onAccepted(job); // one of an earlier process, or of another queue on the same store
  }

  /** A lease is over; `job.state` says where the job is now. */
  onSettled(job: Job<D>, ending: Ending, error: unknown): void {
    this.leased--;
    if (isWorkerLost(error)) this.crashes++;
    if (job.state === 'done') this.#onDone(job);
    else if (job.state === 'dead') this.onDead(job, (ending as { readonly reason: DeadReason }).reason, error);
    else if (job.state === 'cancelled') this.onCancelled(job, error);
    else if (job.state === 'leased')
      return; // its lease was lost: it goes on as another record
    else if (ending.kind === 'release') this.givenBack?.add(job);
    else if (ending.kind === 'retry') this.#onRetry(job, ending.delayMs, error);
  }

  #onDone(job: Job<D>): void {
    this.done++;
    tell(job);
    if (this.#news.listens('done')) {
      this.#news.emit('done', { id: this.#news.idOf(job), attempt: job.attempt, value: job.result as R });
    }
  }

  onDead(job: Job<D>, reason: DeadReason, error: unknown): void {
    this.dead++;
    this.givenBack?.delete(job);
    job.result = error;
    tell(job);
    if (this.#news.listens('dead')) {
      this.#news.emit('dead', { id: this.#news.idOf(job), attempt: job.attempt, reason, error });
    }
  }

  /** Without a reason it is taken back; then an error is made only if anybody is there who is told: it costs ten times the rest. */
  onCancelled(job: Job<D>, given: unknown): void {
    this.cancelled++;
    this.givenBack?.delete(job);
    const isTold = job.ticket !== undefined || this.#news.listens('cancelled');
    const reason = given ?? (isTold ? takenBack() : undefined);
    job.result = reason;
    tell(job);
    if (this.#news.listens('cancelled')) this.#news.emit('cancelled', { id: this.#news.idOf(job), reason });
  }

  onDropped(job: Job<D>): void {
    this.onAccepted(job); // it may be one of an earlier process
    this.onCancelled(job, new HoldfastError('QUEUE_FULL', 'the job was dropped to make room for another'));
    this.#news.emit('dropped', { id: this.#news.idOf(job) });
  }

  #onRetry(job: Job<D>, delayMs: number, error: unknown): void {
    this.retried++;
    if (this.#news.listens('retry')) {
      this.#news.emit('retry', { id: this.#news.idOf(job), attempt: job.attempt, delayMs, error });
    }
  }
}

/** @internal Why a job has no result that was cancelled without a reason. */
export function takenBack(): HoldfastError {
  return new HoldfastError('CANCELLED', 'the job was taken back');
}

/** @internal Tells whoever waits for the end of a job, and lets go of what was to end it. */
export function tell<D>(job: Job<D>): void {
  const { ticket, details } = job;
  job.ticket = undefined;
  if (ticket !== undefined) tellEnd(ticket, job);
  if (details?.unlink === undefined) return;
  details.unlink();
  details.unlink = undefined;
}
