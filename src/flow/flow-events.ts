import { Emitter } from '../core/events.ts';
import { having, type Rule } from '../core/options.ts';

/** The events of the operators of a flow. */
export interface FlowEventMap {
  /** A delivery was nacked, for its function threw, its route is unknown or its set is incomplete. */
  readonly failed: {
    /** Which operator. */
    readonly operator: string;
    /** The delivery's. */
    readonly id: string;
    /** What it was nacked with. */
    readonly error: unknown;
  };
  /** A delivery did not fit into the buffer of a branch that may lose some, or the branch has left. */
  readonly dropped: {
    /** The branch. */
    readonly branch: string;
    /** The delivery's. */
    readonly id: string;
    /** How many the branch has lost until now, this one included. */
    readonly dropped: number;
  };
  /** A full buffer holds up an operator. */
  readonly stalled: {
    /** Which operator. */
    readonly operator: string;
    /** Whose buffer is full; undefined for a `barrier` with its sets. */
    readonly branch: string | undefined;
    /** For how long, in milliseconds. */
    readonly waitedMs: number;
  };
  /** A part came after its set had been dealt with, and was acknowledged. */
  readonly late: {
    /** The set's. */
    readonly key: string;
    /** The part's. */
    readonly part: string;
  };
  /** A delivery went to the dead letters. */
  readonly dead: {
    /** The delivery's. */
    readonly id: string;
    /** What it failed of. */
    readonly error: unknown;
  };
}

/**
 * Hears the operators of one or several flows: give the same object to each as its `events`.
 *
 * @example
 * ```ts
 * import { flow, FlowEvents, map, values } from 'holdfast/flow';
 *
 * const events = new FlowEvents();
 * const failures: string[] = [];
 * events.on('failed', ({ id }) => failures.push(id));
 * const halves: number[] = [];
 * const half = (n: number): number => {
 *   if (n % 2 === 1) throw new Error('odd');
 *   return n / 2;
 * };
 * for await (const n of values(map(flow([2, 3, 8]), half, { events }))) halves.push(n);
 * [halves, failures] // => [[1, 4], ['1']]
 * ```
 */
export class FlowEvents extends Emitter<FlowEventMap> {
  /** @internal */
  tell<K extends keyof FlowEventMap>(event: K, value: FlowEventMap[K]): void {
    this.emit(event, value);
  }
}

/** @internal An `events` option. By its shape, so that who gives none does not pay for the class. */
export const eventsRule: Rule<FlowEvents> = having<FlowEvents>('a FlowEvents', 'on', 'tell');
