import type { Job } from './backlog/job.ts';

/** @internal What a handle asks of its queue. */
export interface HandleHost<D, R> {
  idOf(job: Job<D>): string;
  resultOf(job: Job<D>): Promise<R>;
  cancel(id: string, reason?: unknown): Promise<boolean>;
}

/** A job that was accepted. */
export class JobHandle<D, R> {
  readonly #job: Job<D>;
  readonly #host: HandleHost<D, R>;
  #result: Promise<R> | undefined;
  /** Whether it was there already: this is the one that lives. */
  readonly duplicate: boolean;

  /** @internal */
  constructor(job: Job<D>, host: HandleHost<D, R>, duplicate: boolean) {
    this.#job = job;
    this.#host = host;
    this.duplicate = duplicate;
  }

  /** The job's id. */
  get id(): string {
    return this.#host.idOf(this.#job);
  }

  /**
   * What the job comes to: the handler's value, or the error of its last attempt (`CANCELLED`, `QUEUE_FULL` when it was
   * dropped, `CLOSED` when the queue has closed before its end). Asked for late it is still there; never asked for, it
   * costs nothing and its failure is no unhandled rejection. With a store that several processes share it is told of an end
   * in this process; of any other it hears as `CLOSED`, when its own queue closes or another job has its id.
   */
  get result(): Promise<R> {
    return (this.#result ??= this.#host.resultOf(this.#job));
  }

  /**
   * Takes the job back; see {@link WorkQueue.cancel}.
   *
   * @param reason - what `result` rejects with
   */
  cancel(reason?: unknown): Promise<boolean> {
    return this.#host.cancel(this.id, reason);
  }
}

/** What became of a job of `addAll`. */
export type Settled<D, R> =
  | {
      /** The job. */
      readonly id: string;
      /** What it was added with. */
      readonly data: D;
      /** How many attempts it took. */
      readonly attempts: number;
      /** What became of it. */
      readonly status: 'done';
      /** What the handler has returned. */
      readonly value: R;
    }
  | {
      /** The job. */
      readonly id: string;
      /** What it was added with. */
      readonly data: D;
      /** How many attempts it took. */
      readonly attempts: number;
      /** What became of it. */
      readonly status: 'dead' | 'cancelled';
      /** Why. */
      readonly error: unknown;
    };
