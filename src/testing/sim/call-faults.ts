import { number, readOptions } from '../../core/options.ts';
import type { Random } from '../../core/random.ts';

/** What goes wrong with calls at the node that serves them. Shares are of the calls, from 0 to 1; the first listed counts. */
export interface CallFaults {
  /**
   * The share that is answered with an error (`FAULT`) and not carried out.
   *
   * @defaultValue 0
   */
  readonly refused?: number | undefined;
  /**
   * The share that is carried out and answered with an error (`FAULT`): the caller cannot tell it from a refused one.
   *
   * @defaultValue 0
   */
  readonly unacknowledged?: number | undefined;
  /**
   * The share that is carried out and never answered.
   *
   * @defaultValue 0
   */
  readonly unanswered?: number | undefined;
  /**
   * The share that is answered late.
   *
   * @defaultValue 0
   */
  readonly late?: number | undefined;
  /**
   * Up to how late, uniform, in milliseconds.
   *
   * @defaultValue 10000
   */
  readonly lateMs?: number | undefined;
}

/** @internal */
export type CallFate = 'served' | 'refused' | 'unacknowledged' | 'unanswered' | { readonly lateMs: number };

const share = number({ min: 0, max: 1 });
const shape = { refused: share, unacknowledged: share, unanswered: share, late: share, lateMs: number({ min: 0 }) };

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function readCallFaults(faults: CallFaults | undefined): CallFaults {
  return readOptions('calls', faults, shape);
}

/** @internal Always five draws: the n-th call has the same luck, whatever the faults. */
export function drawCall(faults: CallFaults, random: Random): CallFate {
  const { refused = 0, unacknowledged = 0, unanswered = 0, late = 0, lateMs = 10_000 } = faults;
  const luck = [random() < refused, random() < unacknowledged, random() < unanswered, random() < late];
  const longMs = random() * lateMs;
  if (luck[0] === true) return 'refused';
  if (luck[1] === true) return 'unacknowledged';
  if (luck[2] === true) return 'unanswered';
  return luck[3] === true ? { lateMs: longMs } : 'served';
}
