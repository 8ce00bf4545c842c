import type { Candidacy, LeasePatch, LeaseRecord, LeaseStore } from 'holdfast/election';
import { LeaseTable } from './lease-table.ts';

/** A store in memory that knows no time: candidates see for themselves that a lease is dead. */
export function observerStore(wallNow: () => number, onWrite: () => void = () => undefined): LeaseStore {
  const table = new LeaseTable({ expiry: 'observer', now: wallNow, wallNow, onWrite });
  return {
    expiry: 'observer',
    durability: 'linearizable',
    limits: { minTtlMs: 1, stepMs: 1 },
    acquire: async (candidacy: Candidacy) => table.acquire(candidacy),
    renew: async (held: readonly LeaseRecord[], patch: LeasePatch) => held.map((one) => table.renew(one, patch)),
    release: async (held: LeaseRecord) => table.release(held),
    read: async () => table.read(),
  };
}
