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
 * @internal What is left of a length of time, for a holder that must reckon with the larger of what both clocks say has passed.
 * A machine that slept shows it on the wall clock only; a wall clock that is set back shows nothing, and one that is set forward
 * costs the term, not its safety. Added up as a timer is set, so that rounding leaves nothing at the instant of the timer.
 */
export function leftMs(from: Instant, lengthMs: number, at: Instant): number {
  return Math.min(from.now + lengthMs - at.now, from.wall + lengthMs - at.wall);
}
