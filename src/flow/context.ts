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

/** @internal */
export function contextOf({ id, attempt }: Delivery<unknown>, { signal }: AbortController): FlowContext {
  return { id, attempt, signal };
}
