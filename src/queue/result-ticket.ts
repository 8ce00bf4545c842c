import type { Job, Ticket } from './backlog/job.ts';

// What the executor of the newest promise was given: one function for all, for a closure each would cost more than the rest.
let resolveNew: (value: never) => void;
let rejectNew: (reason: unknown) => void;
const executor = (resolve: (value: never) => void, reject: (reason: unknown) => void): void => {
  resolveNew = resolve;
  rejectNew = reject;
};

/** @internal The end of a job, as a promise. */
export class ResultTicket<D, R> implements Ticket<D> {
  readonly result: Promise<R>;
  readonly #resolve: (value: R) => void;
  /** Ends it before the job does. */
  readonly reject: (reason: unknown) => void;

  constructor() {
    this.result = new Promise<R>(executor);
    this.#resolve = resolveNew as (value: R) => void;
    this.reject = rejectNew;
  }

  ended({ state, result }: Job<D>): void {
    if (state === 'done') this.#resolve(result as R);
    else this.reject(result);
  }

  stopping(reason: unknown): void {
    this.reject(reason);
  }
}

/** @internal Has another one told of the end of a job. */
export function alsoTell<D>(job: Job<D>, ticket: Ticket<D>): void {
  const { ticket: other } = job;
  if (other === undefined) {
    job.ticket = ticket;
    return;
  }
  job.ticket = {
    ended: (ended) => {
      other.ended(ended);
      ticket.ended(ended);
    },
    stopping: (reason) => {
      other.stopping?.(reason);
      ticket.stopping?.(reason);
    },
  };
}
