import type { Random } from '../core/random.ts';

/** What a call says about its member: it served, it failed, or nothing can be concluded. */
export type Verdict = 'ok' | 'failed' | 'ignore';

/** What a {@link Cost} reads of a member, as it is at that moment. */
export interface MemberView {
  /** Its identity. */
  readonly id: string;
  /** Calls in flight: those whose work has not settled, also when the caller has gone. */
  readonly pending: number;
  /** Its weight, above 0; divide the cost by it. */
  readonly weight: number;
  /**
   * For how many milliseconds the oldest call that somebody still waits for has been out; 0 when there is none.
   *
   * @param now - the monotonic time
   */
  ageMs(now: number): number;
}

/** What a {@link Cost} reads of all members. */
export interface PoolView {
  /** Chance. */
  readonly random: Random;
  /**
   * The lower median of what the members' signals say of their latency, undefined while none says anything. Up to a tenth
   * of a second old.
   *
   * @param now - the monotonic time
   */
  medianMs(now: number): number | undefined;
}

/**
 * What is remembered of one member to tell its cost. A method that throws is reported once, as a process warning, and the
 * balancer goes on.
 */
export interface CostSignal {
  /**
   * What it would cost to give the member one more call: less is better, any unit. NaN counts as `Infinity`, which ranks
   * last and still does not refuse. Called often, so keep it O(1).
   *
   * @param now - the monotonic time in milliseconds
   */
  cost(now: number): number;
  /**
   * A call has started.
   *
   * @param now - the monotonic time in milliseconds
   */
  started?(now: number): void;
  /**
   * What became of a call is known.
   *
   * A member that is restored gets a new signal, which hears the end of calls whose start it has not: for what is in flight, read
   * `member.pending`.
   *
   * @param verdict - an ignored call took at least `ms`: a lost hedge, a caller who has gone
   * @param ms - how long it took
   * @param now - the monotonic time in milliseconds
   */
  settled?(verdict: Verdict, ms: number, now: number): void;
  /** The latency to be expected, in milliseconds, for `stats()` and {@link PoolView.medianMs}; undefined when unknown. */
  latencyMs?(): number | undefined;
  /**
   * How many failures are remembered, for `stats()`.
   *
   * @param now - the monotonic time in milliseconds
   */
  failures?(now: number): number;
}

/**
 * A load metric: which member is the best to take the next call. Called once for each balancer, with a view of its pool; what
 * it returns is called once for each new member, and again when a member is restored, which starts it anew.
 *
 * @example
 * ```ts
 * import { type Cost, LoadBalancer } from 'holdfast/balancing';
 *
 * const alphabetical: Cost = () => (member) => ({ cost: () => member.id.charCodeAt(0) });
 * const pool = new LoadBalancer(['b', 'a'], { cost: alphabetical, probation: false });
 * await pool.run((member) => member) // => 'a'
 * ```
 */
export type Cost = (pool: PoolView) => (member: MemberView) => CostSignal;
