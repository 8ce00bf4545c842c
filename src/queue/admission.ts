import type { SteadyTime } from '../core/steady-time.ts';
import { onAbort, type Unlink } from '../core/signals.ts';
import type { Offer } from './backlog/backlog.ts';
import type { Job } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import type { Depot } from './depot.ts';
import { takenBack, tell } from './tally.ts';

interface Waiter<D> {
  readonly job: Job<D>;
  readonly delayMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (offer: Offer<D>) => void;
  readonly reject: (reason: unknown) => void;
  unlink: Unlink | undefined;
  gone: boolean;
}

/** @internal Told once of each offer that is not refused, before who has made it; `nowMs` is the time where it is known. */
export type OnOffer<D> = (
  job: Job<D>,
  offer: Offer<D>,
  delayMs: number,
  signal: AbortSignal | undefined,
  nowMs?: number,
) => void;

/** @internal Who waits for room: first come, first served, and anybody may leave. */
export class Admission<D> {
  readonly #depot: Depot<D>;
  readonly #time: SteadyTime;
  readonly #waiters = new Ring<Waiter<D>>();
  readonly #onOffer: OnOffer<D>;
  #waiting = 0;
  #admitting = false;
  #closed: { readonly reason: unknown } | undefined;

  constructor(depot: Depot<D>, time: SteadyTime, onOffer: OnOffer<D>) {
    this.#depot = depot;
    this.#time = time;
    this.#onOffer = onOffer;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Accepts a job as soon as there is room; rejects with the signal's reason. */
  wait(job: Job<D>, delayMs: number, signal: AbortSignal | undefined): Promise<Offer<D>> {
    // The store may have answered only now.
    if (this.#closed !== undefined) return Promise.reject(this.#closed.reason);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<D> = { job, delayMs, signal, resolve, reject, unlink: undefined, gone: false };
      this.#waiters.push(waiter);
      this.#waiting++;
      waiter.unlink = onAbort(signal, (reason) => {
        this.#leave(waiter);
        reject(reason);
      });
    });
  }

  /** There may be room. */
  admit(): void {
    if (this.#waiting > 0 && !this.#admitting) void this.#admitAll();
  }

  async #admitAll(): Promise<void> {
    this.#admitting = true;
    try {
      for (let first = this.#waiters.first; first !== undefined; first = this.#waiters.first) {
        if (!first.gone) {
          const answer = this.#depot.put(first.job, first.delayMs, this.#time.now());
          const offer = answer instanceof Promise ? await answer : answer;
          if (offer.status === 'full') return;
          // Told at once: the job may be taken before whoever waits for the promise hears of it.
          if (hasLeft(first)) this.#takeBack(first, offer);
          else {
            this.#leave(first);
            this.#onOffer(first.job, offer, first.delayMs, first.signal);
            first.resolve(offer);
          }
        }
        if (this.#waiters.first === first) this.#waiters.shift();
      }
    } catch (error) {
      const first = this.#waiters.shift();
      if (first !== undefined && !first.gone) {
        this.#leave(first);
        first.reject(error);
      }
    } finally {
      this.#admitting = false;
    }
  }

  /** Who has added it has left while the store was asked. Others may have come to wait for its end. */
  #takeBack({ job, delayMs }: Waiter<D>, offer: Offer<D>): void {
    if (offer.status !== 'added') return;
    const onAnswer = (was: unknown): void => {
      if (was === false) {
        this.#onOffer(job, offer, delayMs, undefined); // too late: it is a job like any other
        return;
      }
      job.result = takenBack();
      tell(job);
    };
    Promise.resolve(this.#depot.cancel(this.#depot.idOf(job))).then(onAnswer, () => undefined);
  }

  #leave(waiter: Waiter<D>): void {
    waiter.gone = true;
    this.#waiting--;
    waiter.unlink?.();
  }

  /** Nobody is let in any more. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      if (waiter.gone) continue;
      this.#leave(waiter);
      waiter.reject(reason);
    }
  }
}

/** Asked again after an await: the type checker takes it for unchanged. */
function hasLeft(waiter: { readonly gone: boolean }): boolean {
  return waiter.gone;
}
