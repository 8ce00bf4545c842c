/**
 * The patterns of distributed services, as small primitives that keep their promises.
 *
 * Everything is also exported by its pattern: `holdfast/hashing`, `holdfast/balancing`, …
 *
 * @module holdfast
 */

// The kernel
export {
  type Clock,
  currentOf,
  Deadline,
  type Dyn,
  Emitter,
  type CodedError,
  type ErrorCode,
  HoldfastError,
  isClosed,
  isDeadlineExceeded,
  isHoldfastError,
  isInvalidOption,
  type Listener,
  type Live,
  type Random,
  type Runtime,
  systemClock,
  systemRandom,
  systemRuntime,
  type Timer,
  type Unsubscribe,
} from './core/index.ts';

// Sharded services: where a key belongs
export {
  type BatchOptions,
  type FromJSONOptions,
  fromXxhash,
  boundedLoad,
  type BoundedLoad,
  type BoundedLoadOptions,
  type BoundedLoadStats,
  type GetManyOptions,
  HashRing,
  type HashRingOptions,
  type Hasher,
  jumpHash,
  type JumpHashOptions,
  type Key,
  Maglev,
  type MaglevOptions,
  isNoNodes,
  type Lease,
  type MigrationMove,
  type MigrationPlan,
  type MoveLike,
  type Placement,
  placementFromJSON,
  type PlacementJSON,
  type PlacementNode,
  planMigration,
  redisSlot,
  Rendezvous,
  type RendezvousOptions,
  sipHash13,
  SlotTable,
  type SlotTableOptions,
  transition,
  type Transition,
  xxh64,
  type XxhashApi,
} from './hashing/index.ts';

// Sharded services: keys that get hot
export {
  type ChoiceOptions,
  type HeatReason,
  type HotKey,
  HotKeyDetector,
  type HotKeyDetectorOptions,
  type KeyHeat,
  type NodeHeat,
  type ReplicationOptions,
  shard,
  type ShardOptions,
  ShardRouter,
  type ShardRouterEvents,
  type ShardRouterOptions,
  type ShardRouterSnapshot,
} from './sharding/index.ts';

// Calls
export {
  type Attempt,
  type Call,
  type CallLimits,
  type CallOptions,
  hedge,
  type HedgeOptions,
  type HedgePolicy,
  type Layer,
} from './calls/index.ts';

// Replicated, load-balanced services
export {
  type BalancerEvents,
  type BalancerLease,
  type BalancerStats,
  type CallOutcome,
  type Cost,
  type CostSignal,
  type EjectReason,
  type FailedOutcome,
  isNoMembers,
  latencyAndFailures,
  type LatencyAndFailuresOptions,
  leastRequest,
  LoadBalancer,
  type LoadBalancerOptions,
  type MemberProbe,
  type MemberStats,
  type MemberView,
  type OutlierOptions,
  peakEwma,
  type PeakEwmaOptions,
  type PoolView,
  replicate,
  type ReplicatedCall,
  type ResolvedOutcome,
  type RestoreReason,
  roundRobin,
  type RunOptions,
  type SlowStart,
  type Verdict,
} from './balancing/index.ts';

// Scatter/gather
export {
  type Coverage,
  type Gathered,
  InsufficientCoverageError,
  isInsufficientCoverage,
  type LeafStatus,
  type Outcome,
  type Requirement,
  scatterGather,
  type ScatterOptions,
  type Tally,
} from './scatter/index.ts';
