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
  isUnsupported,
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
  Budget,
  type BudgetOptions,
  type BudgetStats,
  type Call,
  type CallLimits,
  type CallOptions,
  hedge,
  type HedgeOptions,
  type HedgePolicy,
  type Keyless,
  type Layer,
  percentile,
  type Percentile,
  type PercentileOptions,
  type RaceOptions,
  retry,
  type RetryOptions,
  type RetryPolicy,
  shadow,
  type Shadowed,
  type ShadowedCall,
  type ShadowOptions,
  type ShadowStats,
  splitTraffic,
  type SplitTrafficOptions,
  stack,
  timebox,
  type TimeboxOptions,
  type TrafficSplit,
  withDeadline,
  type WithDeadlineOptions,
} from './calls/index.ts';

// Replicated, load-balanced services
export {
  type BalancerEvents,
  type BalancerLease,
  type BalancerStats,
  isNoMembers,
  LoadBalancer,
  type LoadBalancerOptions,
  type RunOptions,
} from './balancing/index.ts';

// Scatter/gather
export {
  type Coverage,
  type Gathered,
  InsufficientCoverageError,
  isInsufficientCoverage,
  type LeafOptions,
  type LeafStatus,
  mergeSorted,
  type Outcome,
  type Requirement,
  scatter,
  scatterGather,
  type ScatterOptions,
  type SortedStream,
  type StragglerRange,
  type Tally,
} from './scatter/index.ts';
