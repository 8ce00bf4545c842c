import { check, either, func, invalid, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import type { Cost, Verdict } from './cost.ts';
import type { HealthRules } from './health.ts';
import { latencyAndFailures } from './latency-and-failures.ts';
import type { CallOutcome } from './outcome.ts';
import type { MemberProbe, ProbeSettings } from './prober.ts';
import { defaultId } from './membership.ts';
import type { SlowStart, SlowStartRule } from './slow-start.ts';

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
   * holds.
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
   * Whether a new member gets one call at a time until it has answered. Turn it off where a call is a connection that is held.
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

/** @internal The options, checked and complete. */
export interface Settings<M> {
  readonly id: (member: M) => string;
  readonly cost: Cost;
  /** How many healthy members a choice looks at. */
  readonly looks: number;
  readonly weight: (member: M) => unknown;
  readonly classify: ((outcome: CallOutcome) => Verdict) | undefined;
  readonly rules: HealthRules;
  readonly panicBelow: number;
  readonly probation: boolean;
  readonly slowStart: SlowStartRule | undefined;
  readonly probe: ProbeSettings<M> | undefined;
  readonly acceptEmpty: boolean;
  readonly runtime: Runtime;
}

/** The most members that `'auto'` compares. */
const autoLooks = 16;

const booleanRule: Rule<boolean> = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
const objectRule: Rule<object> = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null,
};
const offRule: Rule<false> = { expected: 'false', accepts: (value) => value === false };
const countRule = number({ min: 1, integer: true });
const endless: Rule<number> = { expected: 'Infinity', accepts: (value) => value === Infinity };
const lengthRule = number({ min: 1 });
const shareRule = number({ min: 0, max: 1 });
const floorRule: Rule<number> = {
  expected: 'a number above 0, at most 1',
  accepts: (value) => typeof value === 'number' && value > 0 && value <= 1,
};

/**
 * @internal Reads the options of a balancer.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function settingsFrom<M>(options: LoadBalancerOptions<M> | undefined): Settings<M> {
  const values = readOptions('LoadBalancer', options, {
    id: func<(member: M) => string>(),
    cost: func<Cost>(),
    choices: either(oneOf('auto', 'all'), countRule),
    weight: func<(member: M) => number>(),
    classify: func<(outcome: CallOutcome) => Verdict>(),
    outlier: either(offRule, objectRule as Rule<OutlierOptions>),
    panicBelow: shareRule,
    probation: booleanRule,
    slowStart: objectRule as Rule<SlowStart>,
    probe: objectRule as Rule<MemberProbe<M>>,
    acceptEmpty: booleanRule,
    runtime: runtimeRule,
  });
  const { id = defaultId, cost = latencyAndFailures(), choices = 'auto', weight = ownWeight } = values;
  const { panicBelow = 0.5, probation = true, acceptEmpty = false, runtime = systemRuntime } = values;
  const probe = values.probe && probeFrom(values.probe);
  return {
    id,
    cost,
    looks: looksOf(choices),
    weight,
    classify: values.classify,
    rules: rulesFrom(values.outlier, probe),
    panicBelow,
    probation,
    slowStart: values.slowStart && slowStartFrom(values.slowStart),
    probe,
    acceptEmpty,
    runtime,
  };
}

function looksOf(choices: 'auto' | 'all' | number): number {
  if (choices === 'all') return Infinity;
  return choices === 'auto' ? autoLooks : choices;
}

function ownWeight(member: unknown): unknown {
  return typeof member === 'object' && member !== null ? ((member as { readonly weight?: unknown }).weight ?? 1) : 1;
}

function rulesFrom(
  outlier: OutlierOptions | false | undefined,
  probe: { readonly rise: number; readonly fall: number } | undefined,
): HealthRules {
  const values = readOptions('outlier', outlier === false ? undefined : outlier, {
    consecutive: either(countRule, endless),
    successRate: shareRule,
    windowMs: lengthRule,
    minCalls: countRule,
    baseMs: lengthRule,
    maxMs: lengthRule,
  });
  const { consecutive = outlier === false ? Infinity : 5, successRate = 0, windowMs = 10_000, minCalls = 20 } = values;
  const { baseMs = 5_000 } = values;
  const { maxMs = Math.max(baseMs, 30_000) } = values;
  if (maxMs < baseMs) throw invalid('maxMs', `a finite number >= baseMs (${String(baseMs)})`, maxMs);
  const { rise = 2, fall = 3 } = probe ?? {};
  return { consecutive, successRate, windowMs, minCalls, baseMs, maxMs, rise, fall };
}

function slowStartFrom(slowStart: SlowStart): SlowStartRule {
  const { windowMs, floor = 0.1 } = readOptions('slowStart', slowStart, { windowMs: lengthRule, floor: floorRule });
  return { windowMs: check('windowMs', windowMs, lengthRule), floor };
}

const checkRule = func<MemberProbe<never>['check']>();

function probeFrom<M>(probe: MemberProbe<M>): ProbeSettings<M> & { readonly rise: number; readonly fall: number } {
  const values = readOptions('probe', probe, {
    check: func<MemberProbe<M>['check']>(),
    everyMs: lengthRule,
    timeoutMs: lengthRule,
    rise: countRule,
    fall: countRule,
  });
  check('check', values.check, checkRule);
  const { everyMs = 5_000, timeoutMs = 1_000, rise = 2, fall = 3 } = values;
  return { check: values.check!, everyMs, timeoutMs, rise, fall };
}
