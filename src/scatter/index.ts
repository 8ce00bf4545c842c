/**
 * One question to many, the answers together, honest about what is missing.
 *
 * @module holdfast/scatter
 */
export { InsufficientCoverageError, isInsufficientCoverage } from './errors.ts';
export type { LeafOptions } from './leaf.ts';
export { mergeSorted, type SortedStream } from './merge-sorted.ts';
export type { Gathered, LeafStatus, Outcome } from './outcome.ts';
export type { Coverage, Requirement, Tally } from './requirement.ts';
export { scatter } from './scatter.ts';
export { scatterGather, type ScatterOptions } from './scatter-gather.ts';
export type { StragglerRange } from './straggler.ts';
