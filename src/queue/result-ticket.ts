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

/** Any number of those who wait for one end: a list, for a chain of them would be as deep as the stack is not. */
class Tickets<D> implements Ticket<D> {
  readonly #all: Ticket<D>[] = [];

  add(ticket: Ticket<D>): this {
    this.#all.push(ticket);
    return this;
  }

  ended(job: Job<D>): void {
    for (const ticket of this.#all) ticket.ended(job);
  }

  stopping(reason: unknown): void {
    for (const ticket of this.#all) ticket.stopping?.(reason);
  }
}

/** @internal Has another one told of the end of a job. */
export function alsoTell<D>(job: Job<D>, ticket: Ticket<D>): void {
  const { ticket: other } = job;
  if (other === undefined) job.ticket = ticket;
  else if (other instanceof Tickets) other.add(ticket);
  else job.ticket = ticket instanceof Tickets ? ticket.add(other) : new Tickets<D>().add(other).add(ticket);
}
