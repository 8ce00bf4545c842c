import { check, either, func, invalid, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import type { Cost, Verdict } from './cost.ts';
import type { HealthRules } from './health.ts';
import { latencyAndFailures } from './latency-and-failures.ts';
import type { CallOutcome } from './outcome.ts';
import type { MemberProbe, ProbeSettings } from './prober.ts';
import { defaultId } from './membership.ts';
import type { SlowStart, SlowStartRule } from './slow-start.ts';
import type { LoadBalancerOptions, OutlierOptions } from './options.ts';

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
