/**
 * One question to many, the answers together, honest about what is missing.
 *
 * @module holdfast/scatter
 */
export { InsufficientCoverageError, isInsufficientCoverage } from './errors.ts';
export type { Gathered, LeafStatus, Outcome } from './outcome.ts';
export type { Coverage, Requirement, Tally } from './requirement.ts';
export { scatterGather, type ScatterOptions } from './scatter-gather.ts';
