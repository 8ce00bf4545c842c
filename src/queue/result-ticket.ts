import type { Job, Resolve, Ticket, Watcher } from './backlog/job.ts';

// What the executor of the newest promise was given: one function for all, for a closure each would cost more than the rest.
let resolveNew: Resolve;
const executor = (resolve: Resolve): void => {
  resolveNew = resolve;
};

/** @internal A promise of the end of a job; {@link lastTicket} is what it hangs on. */
export function newResult<R>(): Promise<R> {
  return new Promise<R>(executor as (resolve: (value: R) => void) => void);
}

/** @internal The ticket of the newest result. */
export function lastTicket(): Resolve {
  return resolveNew;
}

/** @internal Has a promise reject that only its `resolve` was kept of; nothing comes of it when the promise is settled. */
export function rejectThrough(resolve: Resolve, reason: unknown): void {
  const rejected = Promise.reject(reason);
  rejected.catch(ignore); // nobody else may come to hear of it
  resolve(rejected);
}

function ignore(): void {
  // told through the promise that is resolved with it
}

/** @internal The job has ended; or the queue has, and nobody will know. */
export function tellEnd<D>(ticket: Ticket<D>, job: Job<D>): void {
  if (typeof ticket !== 'function') ticket.ended(job);
  else if (job.state === 'done') ticket(job.result);
  else rejectThrough(ticket, job.result);
}

/** @internal The job runs, and is to end with this reason as soon as it has stopped. */
export function tellStop<D>(ticket: Ticket<D>, reason: unknown): void {
  if (typeof ticket === 'function') rejectThrough(ticket, reason);
  else ticket.stopping?.(reason);
}

/** Any number of those who wait for one end: a list, for a chain of them would be as deep as the stack is not. */
class Tickets<D> implements Watcher<D> {
  readonly #all: Ticket<D>[] = [];

  add(ticket: Ticket<D>): this {
    this.#all.push(ticket);
    return this;
  }

  ended(job: Job<D>): void {
    for (const ticket of this.#all) tellEnd(ticket, job);
  }

  stopping(reason: unknown): void {
    for (const ticket of this.#all) tellStop(ticket, reason);
  }
}

/** @internal Has another one told of the end of a job. */
export function alsoTell<D>(job: Job<D>, ticket: Ticket<D>): void {
  const { ticket: other } = job;
  if (other === undefined) job.ticket = ticket;
  else if (other instanceof Tickets) other.add(ticket);
  else job.ticket = ticket instanceof Tickets ? ticket.add(other) : new Tickets<D>().add(other).add(ticket);
}
