/**
 * A work queue with elastic workers that loses nothing, in memory or on a store that lasts.
 *
 * @module holdfast/queue
 */
export { Discard, Retry, Snooze } from './control.ts';
export { isCancelled, isLeaseLost, isQueueFull, isWorkerLost, type WorkerLoss, WorkerLostError } from './errors.ts';
export type {
  DeadJob,
  DeadJobs,
  DeadReason,
  DedupeMode,
  JobLease,
  JobOutcome,
  JobSettings,
  LeasedJob,
  NewJob,
  PutResult,
  QueueStore,
  Room,
  StoreCaps,
  StoreCounts,
} from './queue-store.ts';
export { type BacklogOptions, MemoryQueueStore, type MemoryQueueStoreOptions } from './stores/memory.ts';
export type { JobContext, PoolJob, WorkerPool } from './worker-pool.ts';
