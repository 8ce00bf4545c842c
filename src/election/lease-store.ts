/*
 * What an election needs of the place where its lease is kept. Anything that can compare and set one record atomically will do.
 */

/** What a store says about one election. */
export interface LeaseRecord {
  /** The election. */
  readonly key: string;
  /** Who holds it; `null`: nobody, it was released. */
  readonly holder: string | null;
  /** One candidacy of the holder; a candidate that was started anew has another. */
  readonly nonce: string;
  /** Grows with each grant, is never used again, also not after a release, a deletion or a wiped store. */
  readonly token: bigint;
  /** Opaque; another with each write. Where observers expire leases, a renewal is one; elsewhere it need not be. */
  readonly version: string;
  /** The holder's length of lease; observers go by it, not by their own. */
  readonly ttlMs: number;
  /** From stores that expire leases themselves: after how many milliseconds, as of the answer. A hint. */
  readonly remainingMs?: number | undefined;
  /** What the holder tells the world. */
  readonly data?: string | undefined;
}

/** Who would like to lead. */
export interface Candidacy {
  /** The election. */
  readonly key: string;
  /** Who asks. */
  readonly holder: string;
  /** Tells this candidacy from every other. */
  readonly nonce: string;
  /** How long the lease should last without a renewal. */
  readonly ttlMs: number;
  /** What to tell the world. */
  readonly data?: string | undefined;
  /** Stores whose observers expire leases: the version of a record that has not changed for its `ttlMs`. */
  readonly expectDead?: string | undefined;
}

/** The lease is the candidate's. */
export interface Granted {
  /** It is. */
  readonly granted: true;
  /** As it is now; its `token` is above all before. */
  readonly record: LeaseRecord;
  /** How the lease before it ended; `none`: there was none that the store knew of. */
  readonly predecessor: 'none' | 'released' | 'expired' | 'unknown';
}

/** The lease is somebody else's. */
export interface Denied {
  /** It is not the candidate's. */
  readonly granted: false;
  /** Whose; `null`: it was free again when the store looked. */
  readonly current: LeaseRecord | null;
}

/** What a renewal changes. */
export interface LeasePatch {
  /** How long the lease should last from now on. */
  readonly ttlMs: number;
  /** What to tell the world from now on; absent: what was told before. */
  readonly data?: string | undefined;
}

/** What a store can and cannot do. */
export interface LeaseLimits {
  /** The shortest lease. */
  readonly minTtlMs: number;
  /** The longest lease; absent: any. */
  readonly maxTtlMs?: number | undefined;
  /** Lengths are multiples of this: 1000 where the store counts in seconds. */
  readonly stepMs: number;
}

/**
 * Keeps the leases of elections.
 *
 * Rules for whoever writes one; {@link leaseStoreSuite} of `holdfast/testing` checks them:
 *
 * - each method is one atomic compare-and-set, or is as if it were
 * - a rejection means that nobody knows whether it was done; a store does not try again by itself
 * - `signal` ends the wait for the answer at once, and the connection is let go where it can be
 * - nothing of a call that has settled is done later, as far as the store can help it
 */
export interface LeaseStore {
  /** Who declares a lease dead: the store by its own clock, or the candidates that see no change for the lease's length. */
  readonly expiry: 'server' | 'observer';
  /** `best-effort`: a write that was acknowledged may be lost, by a failover to a replica that lags for example. */
  readonly durability: 'linearizable' | 'best-effort';
  /** Which lengths are possible. */
  readonly limits: LeaseLimits;
  /**
   * Takes the lease if it is free: never held, released, or expired (by the store's clock, or because its version is
   * `expectDead`). If this very candidacy (`nonce`) holds it, that is a grant too, of the same token, and renews it.
   */
  acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied>;
  /**
   * Renews leases, all in one round trip where the store can. For each the record as it is now, or `null` when it is certainly
   * lost: key, nonce and token must match, and in stores that expire leases it must not have expired.
   */
  renew(held: readonly LeaseRecord[], patch: LeasePatch, signal: AbortSignal): Promise<readonly (LeaseRecord | null)[]>;
  /**
   * Gives the lease back if nonce and token still match; whether they did. Where released records are kept, they tell
   * `held.data` from then on.
   */
  release(held: LeaseRecord, signal: AbortSignal): Promise<boolean>;
  /** The record as it is now; `null`: there is none, or it has expired by the store's clock. */
  read(key: string, signal: AbortSignal): Promise<LeaseRecord | null>;
  /**
   * Tells once that it listens, and then whenever something has changed. A hint: it may come late, seldom or never; whoever gets one reads again. Ends with the
   * signal, without an error; a source that breaks ends it with one.
   */
  watch?(key: string, signal: AbortSignal): AsyncIterable<unknown>;
  /** Lets go of what the store has opened itself. The user's client stays open. */
  close?(): Promise<void>;
}
