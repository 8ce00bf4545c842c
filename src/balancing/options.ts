import type { Runtime } from '../core/runtime.ts';
import type { Cost, Verdict } from './cost.ts';
import type { CallOutcome } from './outcome.ts';
import type { MemberProbe } from './prober.ts';
import type { SlowStart } from './slow-start.ts';

/**
 * When a member is ejected: ranked behind all that are not, never refused. Calls eject only a member that fails while most others
 * serve: not when half of the others or more suffer too (are ejected, fail in a row, fail more than a tenth of their calls), and
 * not when more than a tenth of all the others' calls of late failed, rows of failures apart. A deadline that has passed counts
 * only when nothing at all has been heard of the member for `baseMs`.
 */
export interface OutlierOptions {
  /**
   * Failures in a row that eject a member; `Infinity`: none do.
   *
   * @defaultValue 5
   */
  readonly consecutive?: number | undefined;
  /**
   * The share of successes below which a member is ejected, from 0 to 1; 0 turns it off.
   *
   * @defaultValue 0
   */
  readonly successRate?: number | undefined;
  /**
   * The time constant in milliseconds with which calls are forgotten, a member's own for `successRate` and those of the others.
   *
   * @defaultValue 10000
   */
  readonly windowMs?: number | undefined;
  /**
   * How many calls must count before `successRate` is judged, and how many served ones make a restored member as good as any.
   *
   * @defaultValue 20
   */
  readonly minCalls?: number | undefined;
  /**
   * The length of a first ejection in milliseconds: half of it fixed, half by chance. It doubles with each trial that fails,
   * and when a member fails again soon after its restoration, before it has served `minCalls`.
   *
   * @defaultValue 5000
   */
  readonly baseMs?: number | undefined;
  /**
   * The longest ejection in milliseconds: for so long a member may be well again before a call finds out.
   *
   * @defaultValue 30000, or `baseMs` when that is more
   */
  readonly maxMs?: number | undefined;
}

/** Options of {@link LoadBalancer}. */
export interface LoadBalancerOptions<M> {
  /**
   * The identity of a member: what is known of it survives an update that has the same id.
   *
   * @defaultValue the member itself when it is a string, its `id` when it has one that is a string
   */
  readonly id?: ((member: M) => string) | undefined;
  /**
   * The load metric: which member is the best.
   *
   * @defaultValue {@link latencyAndFailures}
   */
  readonly cost?: Cost | undefined;
  /**
   * How many members are compared for a call: all of them, a number drawn by chance (2 is "power of two choices"), or `'auto'`:
   * all up to 16, and 16 of more.
   *
   * @defaultValue 'auto'
   */
  readonly choices?: 'auto' | 'all' | number | undefined;
  /**
   * A member's share of the calls, in relation to the others'; 0: only when all others have 0 too. Read at each choice, so it
   * may change at any time. What is not a finite number >= 0 counts as 1 and is reported once, as a process warning.
   *
   * @defaultValue the member's `weight` when it has one, else 1
   */
  readonly weight?: ((member: M) => number) | undefined;
  /**
   * What is concluded from an outcome: `'ok'`, `'failed'`, or `'ignore'`. When it throws, that is reported once and the default
   * holds. Asked once for each attempt; again when one that tries an ejected member is answered after nobody waits for it.
   *
   * @defaultValue an answer is ok; an error and a passed deadline are a failure; a caller who has gone is ignored
   */
  readonly classify?: ((outcome: CallOutcome) => Verdict) | undefined;
  /** When a member is ejected; `false`: never for failed calls. */
  readonly outlier?: OutlierOptions | false | undefined;
  /**
   * When a smaller share of the members than this is healthy (not ejected, and serves four calls of five or more), health is
   * ignored for the choice: they can hardly all be bad, and the few that are left would break next. From 0 (never) to 1.
   *
   * @defaultValue 0.5
   */
  readonly panicBelow?: number | undefined;
  /**
   * Whether a new member gets one call at a time that somebody waits for, until it has answered. Turn it off where a call is a
   * connection that is held.
   *
   * @defaultValue true
   */
  readonly probation?: boolean | undefined;
  /**
   * How the share of a member grows that has joined or was restored.
   *
   * @defaultValue its full share at once
   */
  readonly slowStart?: SlowStart | undefined;
  /**
   * Asks members for their health, also those that get no calls.
   *
   * @defaultValue none: health is what calls show
   */
  readonly probe?: MemberProbe<M> | undefined;
  /**
   * Whether an update without members is taken as it is. By default the members stay and `emptyUpdate` tells of it, for a
   * resolver that has lost its source says the same.
   *
   * @defaultValue false
   */
  readonly acceptEmpty?: boolean | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}
