import { number, object, readOptions } from '../../core/options.ts';
import { type CallFaults, readCallFaults } from './call-faults.ts';

/** Options of a node. */
export interface NodeOptions {
  /**
   * How fast its clock runs: 1.01 is one per cent fast.
   *
   * @defaultValue within `clocks.maxDrift` of 1, by chance
   */
  readonly rate?: number | undefined;
  /**
   * What its monotonic clock says at the beginning, in milliseconds. Goes on over a restart.
   *
   * @defaultValue from 0 to `clocks.maxOffsetMs`, by chance
   */
  readonly offsetMs?: number | undefined;
  /**
   * How much its wall clock is ahead of the true time at the beginning, in milliseconds.
   *
   * @defaultValue within `clocks.maxOffsetMs` of 0, by chance
   */
  readonly wallOffsetMs?: number | undefined;
  /**
   * What goes wrong with calls that it serves.
   *
   * @defaultValue nothing
   */
  readonly calls?: CallFaults | undefined;
}

const shape = {
  rate: number({ min: 0.001, max: 1000 }),
  offsetMs: number({ min: 0 }),
  wallOffsetMs: number(),
  calls: object<CallFaults>(),
};

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function readNode(options: NodeOptions | undefined): NodeOptions & { readonly calls: CallFaults } {
  const values = readOptions('node', options, shape);
  return { ...values, calls: readCallFaults(values.calls) };
}
