/**
 * Values that change while the program runs: configuration, membership, health; and sources that can only be asked.
 *
 * @module holdfast/live
 */
export { derive, type DeriveOptions } from './derive.ts';
export { isNotReady } from './errors.ts';
export {
  live,
  type LiveChange,
  type LiveEvents,
  type LiveFailure,
  type LiveOptions,
  type LiveRejection,
  type LiveStaleness,
  type LiveStats,
  type LiveLoad,
  type Loaded,
  type LiveTrigger,
} from './live.ts';
export type { LiveCell } from './live-cell.ts';
export type { PaceOptions } from './pace.ts';
export {
  type PollBatch,
  type PollFetch,
  poll,
  type Poll,
  type PollEvents,
  type PollFailure,
  type PollGap,
  type PollOptions,
} from './poll.ts';
export {
  type ProbeCheck,
  probe,
  type Probe,
  type ProbeChange,
  type ProbeEvents,
  type ProbeFailure,
  type ProbeOptions,
} from './probe.ts';
