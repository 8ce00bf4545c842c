import type { Deadline } from '../core/deadline.ts';
import { boolean, check, either, func, number, readOptions, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Percentile, percentileRule } from './percentile.ts';
import { delayOf } from './percentile-guard.ts';

/** How a slow or failed attempt is followed by another. `Req` is the request, or the target of a gather. */
export interface HedgePolicy<Req = unknown> {
  /**
   * Start another attempt when none has settled for so long:
   *
   * - a number of milliseconds
   * - {@link percentile}: the delay that all but a share of calls stay under, learnt; never more than half of the time that
   *   is left
   * - a function of the request that returns either, or undefined for never
   */
  readonly after: number | Percentile | ((request: Req) => number | Percentile | undefined);
  /**
   * How many attempts beyond the first.
   *
   * @defaultValue 1
   */
  readonly extra?: number | undefined;
  /**
   * Which requests may be sent twice; false is one attempt, and no other when it fails.
   *
   * @defaultValue all
   */
  readonly when?: ((request: Req) => boolean) | undefined;
}

/** @internal A {@link HedgePolicy}, checked, with its defaults. */
export interface HedgeRule<Req> {
  readonly after: HedgePolicy<Req>['after'];
  readonly extra: number;
  readonly when: ((request: Req) => boolean) | undefined;
}

/** @internal What a {@link HedgeRule} says for one call. */
export interface HedgePlan {
  /** Undefined: no attempt for silence alone. */
  readonly afterMs: number | undefined;
  readonly extra: number;
  /** Who wants to know how long the original took. */
  readonly percentile: Percentile | undefined;
}

const delayRule = number({ min: 0 });

/** @internal The options of a {@link HedgePolicy}. */
export const hedgeShape: {
  readonly after: Rule<HedgePolicy<never>['after']>;
  readonly extra: Rule<number>;
  readonly when: Rule<(request: never) => boolean>;
} = {
  after: either(delayRule, percentileRule, func<(request: never) => number | Percentile | undefined>()),
  extra: number({ min: 0, max: 100, integer: true }),
  when: func<(request: never) => boolean>(),
};

/**
 * @internal A hedge policy, checked, with its defaults.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function readHedge<Req>(policy: unknown): HedgeRule<Req> {
  const { after, extra = 1, when } = readOptions('hedge', policy, hedgeShape);
  return { after: check('after', after, hedgeShape.after), extra, when } as HedgeRule<Req>;
}

/**
 * @internal What the rule says for one request. A function of the user's that throws, or returns what it should not, costs
 * the call its hedge and nothing else; it is reported as a process warning.
 */
export function planHedge<Req>(rule: HedgeRule<Req>, request: Req, deadline: Deadline): HedgePlan | undefined {
  const { after, extra, when } = rule;
  try {
    if (when !== undefined && !check('what the when function returns', when(request), boolean)) return undefined;
    const delay = typeof after === 'function' ? resultOf(after(request)) : after;
    if (typeof delay !== 'object') return { afterMs: delay, extra, percentile: undefined };
    const delayMs = delayOf(delay);
    // So that the hedge, too, has time to answer.
    const afterMs = delayMs === undefined ? undefined : Math.min(delayMs, deadline.remaining() / 2);
    return { afterMs, extra, percentile: delay };
  } catch (error) {
    reportError('a call goes without a hedge', error);
    return undefined;
  }
}

const noneRule: Rule<undefined> = {
  expected: 'undefined',
  accepts: (value) => value === undefined || value === Infinity,
};
const resultRule = either(delayRule, percentileRule, noneRule);

function resultOf(value: unknown): number | Percentile | undefined {
  const delay = check('what the after function returns', value, resultRule);
  return value === Infinity ? undefined : delay;
}
