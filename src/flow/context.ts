import type { Delivery } from './delivery.ts';

/** What a function that works on a value is told beside it. */
export interface FlowContext {
  /** The delivery's. */
  readonly id: string;
  /** Which delivery of this value it is, from 1. */
  readonly attempt: number;
  /** The operator's own, one for all values: aborts when nobody waits for results any more. */
  readonly signal: AbortSignal;
}

/** @internal One signal for all the work of an operator: who does not look at it does not pay for it. */
export class Work {
  #controller: AbortController | undefined;
  #over: { readonly reason: unknown } | undefined;

  contextOf({ id, attempt }: Delivery<unknown>): FlowContext {
    const signal = (): AbortSignal => this.#signal;
    return {
      id,
      attempt,
      get signal() {
        return signal();
      },
    };
  }

  get #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#over !== undefined) this.#controller.abort(this.#over.reason);
    return this.#controller.signal;
  }

  end(reason: unknown): void {
    this.#over ??= { reason };
    this.#controller?.abort(reason);
  }
}
