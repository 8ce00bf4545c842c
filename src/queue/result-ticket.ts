import type { Job, Ticket } from './backlog/job.ts';

/** @internal The end of a job, told to a promise. */
export class ResultTicket<D, R> implements Ticket<D> {
  readonly #resolve: (value: R) => void;
  readonly #reject: (reason: Error) => void;

  constructor(resolve: (value: R) => void, reject: (reason: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  ended({ state, result }: Job<D>): void {
    if (state === 'done') this.#resolve(result as R);
    else this.#reject(result as Error);
  }

  stopping(reason: unknown): void {
    this.#reject(reason as Error);
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
