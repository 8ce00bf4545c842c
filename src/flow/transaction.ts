import { HoldfastError } from '../core/errors.ts';
import { reportError } from '../core/report.ts';
import type { Delivery } from './delivery.ts';
import type { FlowEvents } from './flow-events.ts';

/** @internal The way back of an acknowledgement: a delivery, a source or a transaction. */
export type Settlement = Pick<Delivery<unknown>, 'ack' | 'nack'>;

/** @internal What a settlement with nothing to do returns. */
export const nothing: Promise<void> = Promise.resolve();

/** @internal A delivery that is settled once, whatever its reader does: the first of `ack` and `nack` goes on, no other. */
export class Derived<T> implements Delivery<T> {
  readonly value: T;
  readonly id: string;
  readonly attempt: number;
  #settlement: Settlement | undefined;

  constructor(value: T, { id, attempt }: Pick<Delivery<unknown>, 'id' | 'attempt'>, settlement: Settlement) {
    this.value = value;
    this.id = id;
    this.attempt = attempt;
    this.#settlement = settlement;
  }

  ack(): Promise<void> {
    return this.#take()?.ack() ?? nothing;
  }

  nack(reason?: unknown): Promise<void> {
    return this.#take()?.nack(reason) ?? nothing;
  }

  #take(): Settlement | undefined {
    const settlement = this.#settlement;
    this.#settlement = undefined;
    return settlement;
  }
}

/**
 * @internal What is derived of some deliveries, and hangs on all of it: the parents are acknowledged when every part is,
 * and refused with the first part that is. Each part settles once: it is a {@link Derived}, or the operator's own.
 */
export class Transaction implements Settlement {
  /** Whose settlement hangs on the parts; more may join until it is over. */
  readonly parents: Settlement[];
  readonly #onOver: ((acked: boolean) => void) | undefined;
  #open: number;
  #over = false;

  constructor(parents: Settlement[], open: number, onOver?: (acked: boolean) => void) {
    this.parents = parents;
    this.#open = open;
    this.#onOver = onOver;
  }

  /** One more part. */
  add(): void {
    this.#open++;
  }

  ack(): Promise<void> {
    return --this.#open === 0 ? this.#end(true, (parent) => parent.ack()) : nothing;
  }

  nack(reason?: unknown): Promise<void> {
    return this.#end(false, (parent) => parent.nack(reason));
  }

  #end(acked: boolean, settle: (parent: Settlement) => Promise<void>): Promise<void> {
    if (this.#over) return nothing;
    this.#over = true;
    this.#onOver?.(acked);
    const { parents } = this;
    return parents.length === 1 ? settle(parents[0]!) : Promise.all(parents.map(settle)).then(() => undefined);
  }
}

/** @internal Runs what a user has given to settle with, whatever it returns or throws. */
export async function settling(settle: () => unknown): Promise<void> {
  await settle();
}

/** @internal Settles where nobody waits for it: what goes wrong is reported. */
export function quietly(settling: Promise<void>): void {
  settling.then(undefined, (error: unknown) => {
    reportError('a delivery could not be settled', error);
  });
}

/** @internal Why a delivery comes back whose reader has gone. */
export function left(): HoldfastError {
  return new HoldfastError('CANCELLED', 'the flow was left before the delivery was dealt with');
}

/** @internal Gives back what its reader has left behind. */
export function giveBack(delivery: Settlement): void {
  quietly(delivery.nack(left()));
}

/** @internal Nacks a delivery that an operator cannot pass on, or what hangs on it, and tells. */
export function refuse(
  events: FlowEvents | undefined,
  operator: string,
  delivery: Delivery<unknown>,
  error: unknown,
  settlement: Settlement = delivery,
): void {
  quietly(settlement.nack(error));
  events?.tell('failed', { operator, id: delivery.id, error });
}
