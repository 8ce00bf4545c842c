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
  /** See `sim.partition`. */
  readonly type: 'partition';
  /** The one group. */
  readonly from: readonly string[];
  /** The other. */
  readonly to: readonly string[];
  /**
   * Whether only one direction is cut.
   *
   * @defaultValue false
   */
  readonly oneWay?: boolean | undefined;
}

/** The links between two groups of nodes are bad, in both directions. What is absent stays as it is. */
export interface LinkFault extends Lasting {
  /** See `sim.link`. */
  readonly type: 'link';
  /** The one group. */
  readonly from: readonly string[];
  /** The other. */
  readonly to: readonly string[];
  /** The share that never arrives. */
  readonly loss?: number | undefined;
  /** The share that arrives twice. */
  readonly duplicate?: number | undefined;
  /** The share that leaves the line. */
  readonly reorder?: number | undefined;
  /** How much longer each message takes, in milliseconds. */
  readonly extraMs?: number | undefined;
}

/** A process stands still, and goes on. */
export interface PauseFault extends Lasting {
  /** See `sim.pause`. */
  readonly type: 'pause';
  /** Whose process. */
  readonly node: string;
}

/** A process dies, and another is started. */
export interface CrashFault extends Lasting {
  /** See `sim.crash`. */
  readonly type: 'crash';
  /** Whose process. */
  readonly node: string;
}

/** A clock runs at another rate from then on, or its date jumps. */
export interface SkewFault extends Timed {
  /** See `sim.skew`. */
  readonly type: 'skew';
  /** Whose clock. */
  readonly node: string;
  /** The rate: 1.01 is one per cent fast. */
  readonly rate?: number | undefined;
  /** How far the date jumps, in milliseconds. */
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
