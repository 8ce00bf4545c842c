import type { EjectReason } from './health.ts';
import type { Pool } from './pool.ts';
import type { Slot } from './slot.ts';

/** What is known of one member. */
export interface MemberStats {
  /** Its identity. */
  readonly id: string;
  /** Calls in flight. */
  readonly pending: number;
  /** Its weight as of the last choice. */
  readonly weight: number;
  /** The part of its fair share that it may have, below 1 in slow start. */
  readonly part: number;
  /** Whether it has answered a call by itself, well or badly, or an active probe well. */
  readonly answered: boolean;
  /** The latency that the cost reckons with, in milliseconds; undefined when the cost knows none. */
  readonly latencyMs: number | undefined;
  /** Recent failures, as the cost remembers them. */
  readonly failures: number;
  /** Failures since the last success that count for an ejection; a deadline that has passed seldom does. */
  readonly failedInRow: number;
  /** Why it is ejected; undefined when it is not. */
  readonly ejected: EjectReason | undefined;
  /** In how many milliseconds a call may try an ejected member; 0 when it is not ejected. */
  readonly ejectedForMs: number;
}

/** A snapshot of a {@link LoadBalancer}. */
export interface BalancerStats {
  /** The members, in the order in which they were given. */
  readonly members: readonly MemberStats[];
  /** How many of them are not ejected and serve four calls of five or more. */
  readonly healthy: number;
  /**
   * Whether health is ignored, because so few were healthy when a call told of it last:
   * {@link LoadBalancerOptions.panicBelow}.
   */
  readonly panic: boolean;
}

/** @internal The snapshot. */
export function statsOf<M>(slots: Iterable<Slot<M>>, pool: Pool<M, Slot<M>>, now: number): BalancerStats {
  return {
    members: Array.from(slots, (slot) => memberStats(slot, now)),
    healthy: pool.countSound(now),
    panic: pool.panic,
  };
}

function memberStats<M>(slot: Slot<M>, now: number): MemberStats {
  const { id, pending, readWeight: weight, answered, health } = slot;
  return {
    id,
    pending,
    weight,
    part: slot.part(now),
    answered,
    latencyMs: slot.latencyMs(),
    failures: slot.failures(now),
    failedInRow: health.inRow,
    ejected: health.ejection?.why,
    ejectedForMs: health.ejection === undefined ? 0 : Math.max(0, health.ejection.untilMs - now),
  };
}
