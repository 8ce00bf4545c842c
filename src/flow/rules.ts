import { number, type Rule } from '../core/options.ts';
import type { Runtime } from '../core/runtime.ts';
import type { FlowEvents } from './flow-events.ts';
import { operatorShape } from './operator.ts';

/** @internal How many. */
export const whole: Rule<number> = number({ min: 1, integer: true });

/** @internal How long. */
export const duration: Rule<number> = number({ min: 0 });

/** @internal The options of operators that have buffers. */
export const bufferShape: {
  readonly stalledMs: Rule<number>;
  readonly events: Rule<FlowEvents>;
  readonly runtime: Rule<Runtime>;
} = { stalledMs: duration, ...operatorShape };
