/**
 * Ownership election: one of many leads, with a fencing token, and knows when it is over.
 *
 * @module holdfast/election
 */
export { type CampaignOptions, Election, type ElectionHealth } from './election.ts';
export { isLeadershipLost, isStoreFailed } from './errors.ts';
export type { ElectionEvents, ElectionTransition, TermEvent, TermLost } from './events.ts';
export type { LeaderInfo } from './leader-info.ts';
export type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from './lease-store.ts';
export type { Phase, Reason } from './standing.ts';
export type { ElectionOptions } from './options.ts';
export { MemoryLeaseStore, type MemoryLeaseStoreOptions } from './stores/memory.ts';
export { type ResignOptions, Term } from './term.ts';
