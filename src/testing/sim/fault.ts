import { check, invalid, number, oneOf } from '../../core/options.ts';

interface Timed {
  /** When it begins, in virtual milliseconds. */
  readonly atMs: number;
}

interface Lasting extends Timed {
  /** How long it lasts, in virtual milliseconds. */
  readonly forMs: number;
}

/** Messages between two groups of nodes do not arrive; with `oneWay`, those from the first to the second. */
export interface PartitionFault extends Lasting {
  readonly type: 'partition';
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly oneWay?: boolean | undefined;
}

/** The links between two groups of nodes, in both directions, are bad. */
export interface LinkFault extends Lasting {
  readonly type: 'link';
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  readonly reorder?: number | undefined;
  readonly extraMs?: number | undefined;
}

/** A process stands still, and goes on. */
export interface PauseFault extends Lasting {
  readonly type: 'pause';
  readonly node: string;
}

/** A process dies, and another is started. */
export interface CrashFault extends Lasting {
  readonly type: 'crash';
  readonly node: string;
}

/** A clock runs at another rate from then on, or its date jumps. */
export interface SkewFault extends Timed {
  readonly type: 'skew';
  readonly node: string;
  readonly rate?: number | undefined;
  readonly wallJumpMs?: number | undefined;
}

/** A fault and its time, as plain data: to be drawn, shrunk, written down and read again. */
export type Fault = PartitionFault | LinkFault | PauseFault | CrashFault | SkewFault;

/** The types of faults. */
export type FaultType = Fault['type'];

/** @internal */
export const faultTypes = ['partition', 'link', 'pause', 'crash', 'skew'] as const satisfies readonly FaultType[];

const typeRule = oneOf(...faultTypes);
const time = number({ min: 0 });

/** @internal The times of a fault are numbers; what else it needs is checked when it begins. */
export function checkFault(fault: Fault): Fault {
  if (typeof fault !== 'object') throw invalid('fault', 'an object', fault);
  check('type of a fault', fault.type, typeRule);
  check('atMs of a fault', fault.atMs, time);
  if (fault.type !== 'skew') check('forMs of a fault', fault.forMs, time);
  return fault;
}
