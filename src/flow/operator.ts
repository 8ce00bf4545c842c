import type { Rule } from '../core/options.ts';
import { type Runtime, runtimeRule } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import { eventsRule, type FlowEvents } from './flow-events.ts';
import { checkFlow, type Intake, intakeOf } from './intake.ts';
import { type Failure, flowOf, type Port } from './port.ts';
import { refuse } from './transaction.ts';

/** Options of every operator. */
export interface OperatorOptions {
  /** Who hears of failures. */
  readonly events?: FlowEvents | undefined;
  /**
   * Time: for the turns that timers get beside a source that never waits.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal */
export const operatorShape: { readonly events: Rule<FlowEvents>; readonly runtime: Rule<Runtime> } = {
  events: eventsRule,
  runtime: runtimeRule,
};

/** @internal What is an operator's own. */
export interface Operation<T> {
  /** Deals with a delivery; one that it throws on is nacked and told of. */
  take(delivery: Delivery<T>): void;
  /** What to read now, where it is not always the flow; undefined: nothing. */
  next?(): Intake | undefined;
  /** Nothing more comes. */
  end?(failure: Failure | undefined): void;
  /** Its reader has gone: gives back what it holds. */
  leave?(): void;
}

/** @internal What an operator stands on. */
export interface Stage<T> {
  readonly intake: Intake;
  /** Reads on, if somebody waits. */
  readonly pull: () => void;
  /** Has a delivery dealt with, as one that has just come. */
  readonly offer: (delivery: Delivery<T>) => void;
}

/** @internal An operator that reads one delivery after the other, when one is asked for. */
export function operator<T, U>(
  name: string,
  flow: Flow<T>,
  { events, runtime }: OperatorOptions,
  make: (port: Port<Delivery<U>>, stage: Stage<T>) => Operation<T>,
): Flow<U> {
  checkFlow(flow);
  return flowOf<U>((port) => {
    const pull = (): void => {
      if (port.hungry) (operation.next === undefined ? intake : operation.next())?.pull();
    };
    const offer = (delivery: Delivery<T>): void => {
      try {
        operation.take(delivery);
      } catch (error) {
        refuse(events, name, delivery, error);
      }
      pull();
    };
    const intake = intakeOf(flow, runtime, {
      take: offer,
      end(failure) {
        operation.end?.(failure);
        port.end(failure);
      },
    });
    const operation = make(port, { intake, pull, offer });
    return {
      want: pull,
      leave() {
        intake.close();
        operation.leave?.();
      },
    };
  });
}
