/**
 * What holdfast tests itself with, for the tests of those who use it: virtual time, chance that repeats, simulated servers,
 * faulty calls, leak checks.
 *
 * @module holdfast/testing
 */
export { failOnLeaks, type LeakOptions, type Watched } from './fail-on-leaks.ts';
export type { Condition, Phase, WorkingCondition } from './condition.ts';
export { isFault } from './errors.ts';
export { faulty, type FaultyCall, type FaultyOptions, type Toxics } from './faulty.ts';
export { type Latencies, type Latency, latency, type ServerLoad } from './latency.ts';
export {
  closedLoop,
  type ClosedLoopOptions,
  type Load,
  type LoadWindow,
  openLoop,
  type OpenLoopOptions,
} from './load.ts';
export { LoadReport } from './load-report.ts';
export type { Served } from './job.ts';
export type { SimulatedServerOptions } from './server-options.ts';
export { SimulatedServer } from './simulated-server.ts';
export type { ServerStats } from './station.ts';
export { type SeededRandom, seededRandom } from './seeded-random.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { type MakePlacement, placementSuite, type PlacementSuiteOptions, type SuiteTools } from './placement-suite.ts';
export type { ArbitraryLike, FastCheckLike } from './placement-cases.ts';
export {
  leaseStoreSuite,
  type LeaseStoreSuiteOptions,
  type LeaseStoreSuiteTools,
  type MakeLeaseStore,
} from './lease-store-suite.ts';
export {
  type MakeQueueStore,
  queueStoreSuite,
  type QueueStoreSuiteOptions,
  type QueueStoreSuiteTools,
} from './queue-store-suite.ts';
export { monoidLaws, type MonoidLawOptions } from './monoid-laws.ts';
export { createSim } from './sim/create-sim.ts';
export type { CallFaults } from './sim/call-faults.ts';
export type { Remote, RemoteOptions, SimEnv, SimNode, Start } from './sim/env.ts';
export { isSimFailure, SimFailure, type SimFailureDetails, type SimFailureKind } from './sim/failure.ts';
export type { CrashFault, Fault, FaultType, LinkFault, PartitionFault, PauseFault, SkewFault } from './sim/fault.ts';
export type { LinkOptions } from './sim/link-options.ts';
export type { NetworkCounts } from './sim/network.ts';
export type { NodeOptions } from './sim/node-options.ts';
export type { ClockOptions, SimOptions, SimRunOptions, SimSettings } from './sim/settings.ts';
export type { EndFault, Names, Sim, SimReport } from './sim/sim.ts';
export { drawFaults, faults, type FaultTools } from './sim/draw-faults.ts';
export type { FaultPlanOptions } from './sim/fault-plan.ts';
export { type CampaignOptions, type CampaignReport, simulate } from './sim/simulate.ts';
