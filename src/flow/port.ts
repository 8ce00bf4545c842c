import type { Delivery, Flow } from './delivery.ts';
import { giveBack } from './transaction.ts';

/** @internal Why a flow has ended, where it was not its end. */
export interface Failure {
  readonly error: unknown;
}

/** @internal What stands behind a port. None of these may throw. */
export interface PortHost {
  /** Its reader has asked for one; told with each `next`, served from what is ready or not. */
  want(): void;
  /** Its reader has gone. */
  leave(): void;
}

interface Taker<V> {
  readonly resolve: (result: IteratorResult<V, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

const over = { done: true, value: undefined } as const;

/**
 * @internal The reading end of an operator. Written by hand, for a generator that waits cannot be left: `return` ends at
 * once, and with it every `next` that waits. An error comes in its place: after what was ready before it.
 */
export class Port<V> implements AsyncIterableIterator<V> {
  readonly #host: PortHost;
  readonly #drop: (value: V) => void;
  readonly #takers: Taker<V>[] = [];
  #ready: V[] = [];
  #over = false;
  #failure: Failure | undefined;

  /** `drop` gets what is left when its reader goes, and what comes after that. */
  constructor(make: (port: Port<V>) => PortHost, drop: (value: V) => void = () => undefined) {
    this.#drop = drop;
    this.#host = make(this);
  }

  /** Whether its reader waits. */
  get hungry(): boolean {
    return this.#takers.length > 0;
  }

  /** How many are ready and not taken. */
  get size(): number {
    return this.#ready.length;
  }

  next(): Promise<IteratorResult<V, undefined>> {
    if (this.#ready.length > 0) {
      const next = Promise.resolve({ done: false as const, value: this.#ready.shift()! });
      this.#host.want();
      return next;
    }
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      if (this.#over) this.#dismiss();
      else this.#host.want();
    });
  }

  return(): Promise<IteratorResult<V, undefined>> {
    this.#failure = undefined;
    if (!this.#over || this.#ready.length > 0) this.#host.leave();
    this.end();
    for (const value of this.drain()) this.#drop(value);
    return Promise.resolve(over);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  give(value: V): void {
    if (this.#over) this.#drop(value);
    else if (this.#takers.length > 0) this.#takers.shift()!.resolve({ done: false, value });
    else this.#ready.push(value);
  }

  /** Nothing more comes, or an error and nothing more. Whoever ends first, ends it. */
  end(failure?: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#dismiss();
  }

  /** Takes out what is ready for longest. */
  take(): V | undefined {
    return this.#ready.shift();
  }

  /** Takes out what is ready. */
  drain(): V[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #dismiss(): void {
    for (const { resolve, reject } of this.#takers.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure === undefined) resolve(over);
      else reject(failure.error);
    }
  }
}

/** @internal A flow of which each reading is a port; what its reader leaves is given back. */
export function flowOf<T>(make: (port: Port<Delivery<T>>) => PortHost): Flow<T> {
  return { [Symbol.asyncIterator]: () => portOf(make) };
}

/** @internal */
export function portOf<T>(make: (port: Port<Delivery<T>>) => PortHost): Port<Delivery<T>> {
  return new Port(make, giveBack);
}
