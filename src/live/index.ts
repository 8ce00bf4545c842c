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
  type Load,
  type Loaded,
  type Trigger,
} from './live.ts';
export type { PaceOptions } from './pace.ts';
export {
  type Batch,
  type Fetch,
  poll,
  type Poll,
  type PollEvents,
  type PollFailure,
  type PollGap,
  type PollOptions,
} from './poll.ts';
export {
  type Check,
  probe,
  type Probe,
  type ProbeChange,
  type ProbeEvents,
  type ProbeFailure,
  type ProbeOptions,
} from './probe.ts';
