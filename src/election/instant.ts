import type { Clock } from '../core/clock.ts';

/** @internal One moment, as both clocks of a process show it. */
export interface Instant {
  /** Monotonic milliseconds. They stand still while the machine sleeps. */
  readonly now: number;
  /** Milliseconds since the epoch. They may jump. */
  readonly wall: number;
}

/** @internal This moment. */
export function instantOf(clock: Clock): Instant {
  return { now: clock.now(), wall: clock.wallNow() };
}

/**
 * @internal How much time a holder must reckon with: the larger of what both clocks say. A machine that slept shows it on
 * the wall clock only; a wall clock that is set back shows nothing, and one that is set forward costs the term, not its safety.
 */
export function elapsedMs(from: Instant, to: Instant): number {
  return Math.max(to.now - from.now, to.wall - from.wall);
}
