import type { Timer } from '../core/clock.ts';
import type { Runtime } from '../core/runtime.ts';
import { quietly, settling } from './transaction.ts';

/** How the leases of a source's values are kept. */
export interface Renew<T> {
  /** How often, in milliseconds: a third of the lease is usual. */
  readonly everyMs: number;
  /** Prolongs the lease of a value. What it throws is reported, and it is asked again. */
  readonly extend: (value: T) => unknown;
}

/** @internal The values that a source has given and that are not settled, wherever in the graph they wait. */
export class Renewal<T> {
  readonly #renew: Renew<T>;
  readonly #runtime: Runtime;
  readonly #held = new Set<{ readonly value: T }>();
  #timer: Timer | undefined;

  constructor(renew: Renew<T>, runtime: Runtime) {
    this.#renew = renew;
    this.#runtime = runtime;
  }

  /** Keeps a lease until the function that comes back is called. */
  hold(value: T): () => void {
    const held = { value };
    this.#held.add(held);
    if (this.#held.size === 1) this.#wait();
    return () => {
      this.#held.delete(held);
      if (this.#held.size === 0) this.#timer?.cancel();
    };
  }

  #wait(): void {
    const { everyMs, extend } = this.#renew;
    this.#timer = this.#runtime.clock.setTimer(everyMs, () => {
      for (const { value } of this.#held) quietly(() => settling(() => extend(value)));
      if (this.#held.size > 0) this.#wait();
    });
  }
}
