import type { EjectReason } from './health.ts';

/**
 * Why a member is back: a call that was let through was served, or a third one was called off before it had an end; its
 * active probe succeeded; or it is the only one left.
 */
export type RestoreReason = 'answered' | 'probe' | 'alone';

/** Events of {@link LoadBalancer}. */
export interface BalancerEvents {
  /** The membership has changed. */
  update: {
    /** Ids that are new. */
    readonly added: readonly string[];
    /** Ids that are gone. Their calls in flight go on. */
    readonly removed: readonly string[];
  };
  /** An update without members came, and the members stay as they are. */
  emptyUpdate: {
    /** How many members stay. */
    readonly kept: number;
  };
  /** A member is ejected: the others come first. */
  eject: {
    /** Its id. */
    readonly id: string;
    /** For what. */
    readonly why: EjectReason;
    /** In how many milliseconds a call may try it; `Infinity`: only its active probe brings it back. */
    readonly forMs: number;
  };
  /** A member is no longer ejected. */
  restore: {
    /** Its id. */
    readonly id: string;
    /** By what. */
    readonly why: RestoreReason;
    /** For how many milliseconds it was out. */
    readonly afterMs: number;
  };
  /** So few are healthy that health is ignored from now on, or no longer so few. */
  panic: {
    /** Whether it begins. */
    readonly active: boolean;
    /** How many members are not ejected and serve four calls of five or more. */
    readonly healthy: number;
    /** How many there are. */
    readonly members: number;
  };
}
