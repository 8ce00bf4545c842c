/*
 * When a pool may start a worker after others have died at their start: a circuit breaker. Pure.
 */

/** @internal How the last starts went. */
export interface Respawn {
  /** How many workers in a row were lost before they had finished a job. */
  readonly failures: number;
  /** No worker is started before. */
  readonly notBefore: number;
}

const firstMs = 100;
const longestMs = 30_000;

/** @internal From how many failures on a pool is called degraded. */
export const degradedAt = 3;

/** @internal No failures. */
export const sound: Respawn = { failures: 0, notBefore: -Infinity };

/** @internal Another has failed: the pause doubles. */
export function afterFailure({ failures }: Respawn, now: number): Respawn {
  return { failures: failures + 1, notBefore: now + Math.min(firstMs * 2 ** failures, longestMs) };
}

/**
 * @internal How many workers may be started now. While starts fail, one goes ahead, and the others follow when it can run
 * jobs.
 */
export function allowed({ failures, notBefore }: Respawn, now: number, crew: Crew): number {
  const missing = Math.max(0, crew.wanted - crew.starting - crew.ready);
  if (failures === 0 || missing === 0) return missing;
  if (now < notBefore) return 0;
  if (crew.ready > 0) return missing;
  return crew.starting > 0 ? 0 : 1;
}

/** @internal The workers of a pool, counted. */
export interface Crew {
  readonly wanted: number;
  readonly starting: number;
  /** Idle or busy. */
  readonly ready: number;
}
