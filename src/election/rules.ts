import { HoldfastError } from '../core/errors.ts';
import { describe } from '../core/options.ts';
import type { LeaseRecord, LeaseStore } from './lease-store.ts';

/*
 * The arithmetic that keeps two leaders apart. Let all clocks that time a lease run at 1 ± ρ of true time. A holder reads its
 * clock at s, before it sends; the store, or whoever watches it, counts the lease of length L from a later moment and ends it
 * at s + L/(1+ρ) at the earliest. The holder stops at s + H, which is s + H/(1−ρ) at the latest in true time. So
 * H ≤ L·(1−ρ)/(1+ρ) keeps them apart, and whatever H is shorter by (the guard) is time for an effect to land after its check.
 */

/** The share of a lease that is left when clocks differ by 1 % either way: 0.99/1.01, a little less. */
const drift = 0.98;

/** @internal The lengths of an election, in milliseconds. */
export interface Timing {
  /** How long a lease lasts without a renewal. */
  readonly ttlMs: number;
  /** When it is renewed, give or take a tenth. */
  readonly renewMs: number;
  /** How long a store may take to answer. */
  readonly requestMs: number;
  /** How long before the lease can be another's the holder stops. */
  readonly guardMs: number;
  /** How long a new leader waits when the one before vanished without a word. */
  readonly lockDelayMs: number;
  /** How much later a candidate tries for each step of its rank. */
  readonly spreadMs: number;
  /** How long a leader that resigns may take to stop. */
  readonly drainMs: number;
}

/** @internal What a candidate goes by. */
export interface Rules extends Timing, Pick<LeaseStore, 'expiry'> {
  readonly key: string;
  readonly id: string;
  /** The beginning of all nonces of this candidate. */
  readonly instance: string;
  /** How many steps of `spreadMs` it lets others go first. */
  readonly rank: number;
  /** Whether a released lease was meant for somebody else. */
  readonly yields: (record: LeaseRecord) => boolean;
  /** For jitter, in [0, 1). */
  readonly chance: () => number;
}

/** @internal What an election may choose of it. */
export type TimingOptions = { readonly [K in keyof Timing]?: number | undefined };

/** @internal The lengths, with their defaults, and checked against each other and against what the store can do. */
export function timingFrom(options: TimingOptions, limits: LeaseStore['limits']): Timing {
  const { ttlMs = 10_000 } = options;
  const {
    renewMs = ttlMs / 3,
    requestMs = ttlMs / 4,
    guardMs = Math.max(100, ttlMs / 20),
    lockDelayMs = 0,
    spreadMs = Math.min(1_000, ttlMs / 10),
    drainMs = 10_000,
  } = options;
  const broken = brokenLimit(ttlMs, limits);
  if (broken !== undefined) throw refused(`ttlMs must be ${broken}, got ${describe(ttlMs)}`);
  const timing = { ttlMs, renewMs, requestMs, guardMs, lockDelayMs, spreadMs, drainMs };
  const holds = holdMs(ttlMs, timing);
  const needed = 1.1 * renewMs + 2 * requestMs;
  if (needed > holds) {
    throw refused(
      `1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs, so that a renewal can fail once, got ${round(needed)} > ${round(holds)}`,
    );
  }
  return timing;
}

/** The limit of the store that a length breaks, with its name. */
function brokenLimit(
  ttlMs: number,
  { minTtlMs, maxTtlMs = Infinity, stepMs }: LeaseStore['limits'],
): string | undefined {
  if (ttlMs < minTtlMs) return `>= the store's limits.minTtlMs (${String(minTtlMs)})`;
  if (ttlMs > maxTtlMs) return `<= the store's limits.maxTtlMs (${String(maxTtlMs)})`;
  return ttlMs % stepMs === 0 ? undefined : `a multiple of the store's limits.stepMs (${String(stepMs)})`;
}

/** @internal For how long after a send the lease that was granted by it may be relied upon. */
export function holdMs(ttlMs: number, { guardMs }: Pick<Timing, 'guardMs'>): number {
  return drift * ttlMs - guardMs;
}

function refused(message: string): HoldfastError {
  return new HoldfastError('INVALID_OPTION', message);
}

const round = (ms: number): string => String(Math.round(ms * 1_000) / 1_000);
