/**
 * Ownership election: one of many leads, with a fencing token, and knows when it is over.
 *
 * @module holdfast/election
 */
export type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from './lease-store.ts';
export { MemoryLeaseStore, type MemoryLeaseStoreOptions } from './stores/memory.ts';
