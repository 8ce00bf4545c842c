import type { ElasticLaw, ElasticOptions } from './options.ts';
import { lawFrom } from './options.ts';
import { greatestWith, windowMax, type WindowMax } from './window-max.ts';

/** What the elastic law knows of a pool at a moment. */
export interface ElasticSignals {
  /** The moment, on a clock that does not go back, in milliseconds. */
  readonly nowMs: number;
  /** n: how many workers there are, those that are starting among them. */
  readonly workers: number;
  /** How many of them run a job. */
  readonly busy: number;
  /** Q: how many jobs wait that could run now. Those that a rate, a key or a delay holds back do not count. */
  readonly queued: number;
  /** a: the offered load, how many workers the arrivals keep busy: arrivals times service time, summed over the types. */
  readonly load: number;
  /** S: how long a job takes, in milliseconds; undefined while nothing is known of it. */
  readonly serviceMs: number | undefined;
  /** C: how long a worker takes to start, in milliseconds; 0 while unknown. */
  readonly coldStartMs: number;
  /** The fewest workers, a whole number. */
  readonly min: number;
  /** The most, a whole number of 1 or more, not below `min`. */
  readonly max: number;
  /** Whether the event loop that the workers share is late. */
  readonly lagging: boolean;
}

/**
 * Why the number of workers changes:
 *
 * - `rate`: so many are needed for the jobs that arrive, whatever waits
 * - `backlog`: so many are needed for the jobs that wait
 * - `bounds`: there were fewer than `min` or more than `max`
 * - `idle`: fewer would have done for the whole window
 * - `guard`: the same work is done by fewer
 */
export type ScaleReason = 'backlog' | 'rate' | 'bounds' | 'idle' | 'guard';

/** How many workers there should be. */
export interface ElasticDecision {
  /** So many; the number that there are when nothing is to change. */
  readonly workers: number;
  /** Why, when it changes. */
  readonly reason: ScaleReason | undefined;
  /** What the formula wanted, within the bounds, whether or not it is worth a change. */
  readonly want: number;
}

/**
 * What the elastic law remembers: plain data, made by {@link elasticState}. A `structuredClone` of it decides the same from
 * then on.
 */
export interface ElasticState {
  /** The constants. */
  readonly law: ElasticLaw;
  /** @internal */
  readonly wants: WindowMax;
  /** @internal Until then nothing more is added on no knowledge of the service time. */
  blindUntilMs: number;
}

/**
 * The memory that {@link decide} starts with.
 *
 * @param options - the constants of the law
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function elasticState(options?: ElasticOptions): ElasticState {
  return { law: lawFrom(options), wants: windowMax(), blindUntilMs: -Infinity };
}

/** A window of so many cold starts at least: who starts slowly is not sent away for a moment's rest. */
const coldStartsKept = 20;
/** In a pool of more than `few`, a change by less than a tenth is not worth one. */
const few = 10;
const worthShrinking = 0.9;

/**
 * The elastic law: how many workers a pool should have. To be asked every `tickMs`, and when a job finds no idle worker.
 *
 * ```text
 * want = ⌈ max(a / ρ, a + β·√a) + Q·S / D ⌉         at most busy + Q, and within min … max
 * up   to want,        when Q > 0 and Q·S / n ≥ k·C  and the event loop is not late
 * down to max(m, busy) when that is a worker less, or a tenth in a pool of more than 10;
 *                      m is the greatest want of the last max(W, 20·C)
 * ```
 *
 * - the arrivals: `a` workers are busy with them on average (Little's law); a / ρ leaves the same share of a small pool
 *   free, a + β·√a the same chance of a wait in a large one (square-root staffing)
 * - the backlog: Q·S of work is to be gone in D
 * - the veto: a worker that is ready only when the others are done is not started
 * - while S is unknown, all that wait are wanted, but the number at most doubles in a tick
 * - a pool of none gets its first worker whatever the veto and the event loop say
 *
 * `ρ` is `utilisation`, `β` `headroom`, `D` `drainMs`, `k` `coldStarts`, `W` `windowMs` of {@link ElasticOptions}; with the
 * defaults 0.8, 1, 1 s, 1 and 10 s. Times are milliseconds.
 *
 * Promises: `workers` is within the bounds; it grows to no more than there are jobs, running or waiting; it is no less than
 * are busy; more that wait never make it less; when there is no job for the window, it is `min`. It depends on the
 * signals and on the state, on no clock and no chance, and changes nothing but the state.
 *
 * Does not promise a waiting time: jobs of one type that differ by orders of magnitude, arrivals that burst between two
 * looks, and a downstream that serves more callers more slowly are not in the formula. Signals are taken as they are.
 *
 * Complexity: O(1) amortised; the state holds at most `max` − `min` + 1 numbers.
 *
 * Sources: {@link https://doi.org/10.1287/opre.9.3.383 | Little's law} (1961);
 * {@link https://doi.org/10.1287/opre.29.3.567 | square-root staffing} (Halfin and Whitt, 1981).
 *
 * @param signals - what is known of the pool
 * @param state - the memory, which is brought up to the moment
 * @example
 * ```ts
 * import { decide, elasticState } from 'holdfast/queue';
 *
 * const state = elasticState();
 * const calm = {
 *   nowMs: 0, workers: 4, busy: 4, queued: 0, load: 2.5, serviceMs: 500, coldStartMs: 50, min: 1, max: 64, lagging: false,
 * };
 * decide(calm, state) // => { workers: 4, reason: undefined, want: 4 }
 * // 20 jobs of half a second are 10 more workers for a second.
 * decide({ ...calm, nowMs: 250, queued: 20 }, state) // => { workers: 15, reason: 'backlog', want: 15 }
 * ```
 */
export function decide(signals: ElasticSignals, state: ElasticState): ElasticDecision {
  const { nowMs, workers, busy, min, max, coldStartMs } = signals;
  const forArrivals = staffing(signals.load, state.law);
  const want = clamp(wanted(signals, forArrivals, state.law), min, max);
  const windowMs = Math.max(state.law.windowMs, coldStartsKept * coldStartMs);
  const greatest = greatestWith(state.wants, want, nowMs, windowMs);

  const within = clamp(workers, min, max);
  const more = Math.min(want, ceiling(signals, state));
  if (more > within) {
    if (signals.serviceMs === undefined) state.blindUntilMs = nowMs + state.law.tickMs;
    return { workers: more, reason: Math.ceil(forArrivals) >= more ? 'rate' : 'backlog', want };
  }
  if (within !== workers) return { workers: within, reason: 'bounds', want };
  const less = clamp(Math.max(greatest, busy), min, max);
  if (isWorthShrinking(workers, less, min)) return { workers: less, reason: 'idle', want };
  return { workers, reason: undefined, want };
}

/** The workers for a load, with room for chance. */
function staffing(load: number, { utilisation, headroom }: ElasticLaw): number {
  return Math.max(load / utilisation, load + headroom * Math.sqrt(load));
}

function wanted({ busy, queued, serviceMs }: ElasticSignals, forArrivals: number, { drainMs }: ElasticLaw): number {
  const jobs = busy + queued;
  if (serviceMs === undefined) return jobs;
  const forAll = Math.ceil(forArrivals + (queued * serviceMs) / drainMs);
  // A job that takes no time needs a worker all the same.
  return Math.min(Math.max(forAll, 1), jobs);
}

/** How far the pool may grow now. */
function ceiling(
  { nowMs, workers, queued, serviceMs, coldStartMs, lagging }: ElasticSignals,
  state: ElasticState,
): number {
  if (queued === 0) return workers;
  if (lagging) return Math.max(workers, 1);
  if (serviceMs === undefined) return Math.max(nowMs >= state.blindUntilMs ? 2 * workers : workers, 1);
  const readyBeforeGone = queued * serviceMs >= state.law.coldStarts * coldStartMs * workers;
  return readyBeforeGone ? Infinity : Math.max(workers, 1);
}

function isWorthShrinking(workers: number, less: number, min: number): boolean {
  // To the minimum whatever the distance, or a pool would never come to rest there.
  return less < (workers > few && less > min ? worthShrinking * workers : workers);
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
