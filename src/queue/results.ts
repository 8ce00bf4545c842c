import { HoldfastError } from '../core/errors.ts';
import type { Offer } from './backlog/backlog.ts';
import type { Job, Ticket } from './backlog/job.ts';
import type { Depot } from './depot.ts';
import { alsoTell, lastTicket, newResult, tellEnd } from './result-ticket.ts';
import { takenBack } from './tally.ts';

/** @internal Who hears of the end of which record: a job that is a duplicate ends as the one that lives. */
export class Results<D, R> {
  readonly #depot: Depot<D>;
  /** Nobody works on anything any more. */
  readonly #isOver: () => boolean;

  constructor(depot: Depot<D>, isOver: () => boolean) {
    this.#depot = depot;
    this.#isOver = isOver;
  }

  /** The end of a job as a promise, also of one that ended long ago. */
  of(job: Job<D>): Promise<R> {
    const result = newResult<R>();
    this.#tell(job, lastTicket());
    return result;
  }

  /** Has the ticket of a job told of its twin's end, if it has one; the job that lives. */
  follow(job: Job<D>, { status, job: live = job }: Offer<D>, ticket: Ticket<D>): Job<D> {
    return status === 'duplicate' && live !== job ? this.#tell(live, ticket) : job;
  }

  /** Has a ticket told of the end of a job, or of the one that has taken its place. */
  #tell(asked: Job<D>, ticket: Ticket<D>): Job<D> {
    let job = asked;
    while (job.details?.successor !== undefined) job = job.details.successor;
    if (job.isLive && !this.#isOver()) {
      const followed = this.#depot.follow(job);
      alsoTell(followed, ticket);
      return followed;
    }
    if (job.isLive) job.result ??= new HoldfastError('CLOSED', 'the queue is closed');
    else if (job.state === 'cancelled') job.result ??= takenBack();
    tellEnd(ticket, job);
    return job;
  }
}
