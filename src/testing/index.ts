/**
 * What holdfast tests itself with, for the tests of those who use it: virtual time, chance that repeats, leak checks.
 *
 * @module holdfast/testing
 */
export { failOnLeaks, type LeakOptions, type Watched } from './fail-on-leaks.ts';
export { type SeededRandom, seededRandom } from './seeded-random.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
