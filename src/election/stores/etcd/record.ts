/* What the first candidate of an election in etcd is as the record of a lease. */

import type { Candidacy, LeaseRecord } from '../../lease-store.ts';
import type { Entry, Look } from './cluster.ts';
import { readCandidate } from './format.ts';

/** @internal Of a key that was put by hand, without a lease: it never ends, and candidates look again at this pace. */
export const noLease: LeaseTime = { ttlMs: 2_000 };

/** @internal How long the lease of a leader lasts, and what is left of it where that is known. */
export interface LeaseTime {
  readonly ttlMs: number;
  readonly remainingMs?: number;
}

/** @internal Somebody leads. */
export type Held = Look & { readonly leader: Entry };

/** @internal Whether it is this very candidacy that leads. */
export function isCandidacy(look: Look, { holder, nonce }: Candidacy): look is Held {
  if (look.leader === null) return false;
  const candidate = readCandidate(look.leader.value, look.leader.lease);
  return candidate.nonce === nonce && candidate.holder === holder;
}

/** @internal Whether a record is of the lease that there is now. */
export function holds({ nonce, token }: LeaseRecord, look: Look): look is Held {
  const { leader, epoch } = look;
  return (
    leader !== null && readCandidate(leader.value, leader.lease).nonce === nonce && tokenOf(leader, epoch) === token
  );
}

const tokenOf = ({ createRevision }: Entry, epoch: bigint | null): bigint => (epoch ?? 0n) + BigInt(createRevision);

/** @internal The leader's lease. */
export function recordOf(key: string, leader: Entry, epoch: bigint | null, time: LeaseTime): LeaseRecord {
  const version = leader.modRevision;
  return { key, ...readCandidate(leader.value, leader.lease), token: tokenOf(leader, epoch), version, ...time };
}
