/**
 * What holdfast tests itself with, for the tests of those who use it: virtual time, chance that repeats, leak checks.
 *
 * @module holdfast/testing
 */
export { failOnLeaks, type LeakOptions, type Watched } from './fail-on-leaks.ts';
export { type SeededRandom, seededRandom } from './seeded-random.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { type MakePlacement, placementSuite, type PlacementSuiteOptions, type SuiteTools } from './placement-suite.ts';
export type { ArbitraryLike, FastCheckLike } from './placement-cases.ts';
