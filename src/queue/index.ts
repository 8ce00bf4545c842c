/**
 * A work queue with elastic workers that loses nothing, in memory or on a store that lasts.
 *
 * @module holdfast/queue
 */
export type { AddAllOptions } from './add-all.ts';
export { Discard, Retry, Snooze } from './control.ts';
export type { WorkerBounds } from './elastic/bounds.ts';
export {
  decide,
  type ElasticDecision,
  type ElasticSignals,
  type ElasticState,
  elasticState,
  type ScaleReason,
} from './elastic/law.ts';
export type { ElasticLaw, ElasticOptions } from './elastic/options.ts';
export { type ScaleChange, Scaler, type ScalerHost, type ScalerOptions, type ScalerStats } from './elastic/scaler.ts';
export {
  isCancelled,
  isJobDead,
  isLeaseLost,
  isNoWorker,
  isQueueFull,
  isWorkerLost,
  type WorkerLoss,
  WorkerLostError,
} from './errors.ts';
export type { Delivery, Flow } from '../flow/index.ts';
export type { WorkQueueEvents } from './events.ts';
export { JobHandle, type Settled } from './job-handle.ts';
export type { JobOptions } from './job-options.ts';
export { type Handler, TaskPool, type TaskPoolOptions } from './pools/tasks.ts';
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
export { fromSource, type SourceOptions } from './stores/from-source.ts';
export { type BacklogOptions, MemoryQueueStore, type MemoryQueueStoreOptions } from './stores/memory.ts';
export type { WorkQueueOptions } from './settings.ts';
export type { CloseReport, QueueStats } from './stats.ts';
export type { SyncReport, WorkItem, WorkSource } from './sync.ts';
export type { CloseOptions } from './closing.ts';
export { WorkQueue } from './work-queue.ts';
export type { JobContext, PoolJob, WorkerPool } from './worker-pool.ts';
