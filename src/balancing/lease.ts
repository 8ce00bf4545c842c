import type { Verdict } from './cost.ts';

/** A member that was picked; it counts as busy until the lease is released. */
export interface BalancerLease<M> extends Disposable {
  /** The member. */
  readonly member: M;
  /**
   * The request is over. Idempotent: the first time counts. The end of a `using` block releases as `'ignore'`, for it cannot
   * know.
   *
   * @param outcome - what it says about the member; `'ok'` when absent
   */
  release(outcome?: Verdict): void;
}
