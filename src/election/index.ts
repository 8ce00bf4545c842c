/**
 * One leader at a time, on the store that a team has already.
 *
 * @module
 */
export { Election, type CampaignOptions, type ElectionHealth } from './election.ts';
export { isLeadershipLost } from './errors.ts';
export type { ElectionEvents } from './events.ts';
export type { LeaderInfo } from './leader-info.ts';
export type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from './lease-store.ts';
export type { Phase, Reason } from './machine.ts';
export type { ElectionOptions } from './options.ts';
export { type ResignOptions, Term } from './term.ts';
