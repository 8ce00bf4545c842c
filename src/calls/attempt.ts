import type { Deadline } from '../core/deadline.ts';
import { check, func, type Rule } from '../core/options.ts';
import type { Scope } from '../core/scope.ts';
import type { Attempt, CallLimits, CallOptions } from './call.ts';

/**
 * The call that an attempt belongs to. A symbol, so that it survives `{ ...attempt }`, means the same in two copies of the
 * package and is no option to anybody.
 */
const callMark: unique symbol = Symbol.for('holdfast.call');

/** @internal What every attempt carries of the call that it belongs to, through all layers below. */
export interface CallMark {
  /** The same object for all attempts of the outermost race, and another for the next call. */
  readonly call: object;
  /** Budgets that know of the call already: what is called with an attempt of it is not another original to them. */
  readonly budgets: readonly unknown[];
}

/** @internal What the options of a call may bring along when they are the attempt of an outer call. */
export interface Outer {
  readonly avoid?: ReadonlySet<unknown> | undefined;
  readonly visit?: ((member: unknown) => void) | undefined;
  readonly [callMark]?: CallMark | undefined;
}

const visitRule = func<(member: unknown) => void>();
const avoidRule: Rule<ReadonlySet<unknown>> = {
  expected: 'a Set',
  accepts: (value) =>
    typeof (value as Partial<ReadonlySet<unknown>> | null)?.has === 'function' &&
    typeof (value as Partial<ReadonlySet<unknown>>)[Symbol.iterator] === 'function',
};

/**
 * @internal What the options of a call bring along, read once; undefined when they are nobody's attempt.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function outerOf(options: object): Outer | undefined {
  const { avoid, visit, [callMark]: mark } = options as Outer;
  if (avoid === undefined && visit === undefined && mark === undefined) return undefined;
  if (avoid !== undefined) check('avoid', avoid, avoidRule);
  if (visit !== undefined) check('visit', visit, visitRule);
  return { avoid, visit, [callMark]: mark };
}

const workScope: unique symbol = Symbol('holdfast.scope');

/** One accessor for all attempts: a getter of its own for each would be half of what an attempt costs. */
const signalOfScope: PropertyDescriptor & ThisType<{ readonly [workScope]: Scope }> = {
  get() {
    return this[workScope].signal;
  },
  enumerable: true,
  configurable: true,
};

/**
 * @internal The attempt as the work sees it: own properties, so that `{ ...attempt, deadline }` carries all of them. The
 * signal is the scope's, made when somebody asks for it.
 */
export function attemptIn(
  scope: Scope,
  about: Pick<Attempt, 'deadline' | 'attempt' | 'cause' | 'avoid'>,
  visit: (member: unknown) => void,
  mark?: CallMark,
): Attempt {
  const { deadline, attempt, cause, avoid } = about;
  const made = { deadline, attempt, cause, avoid, visit, [callMark]: mark, [workScope]: scope };
  return Object.defineProperty(made, 'signal', signalOfScope) as typeof made & { readonly signal: AbortSignal };
}

/** @internal What an attempt has beyond the options of a call: let pass where an attempt may come as options. */
export const attemptFields: readonly string[] = ['attempt', 'cause', 'avoid', 'visit'];

/** @internal The options of a call, narrowed by a layer: its own signal and deadline, the rest of an outer attempt as it came. */
export function narrowed(outer: CallLimits, scope: Scope, deadline: Deadline): CallOptions {
  const made = Object.defineProperty({ deadline, [workScope]: scope }, 'signal', signalOfScope);
  const from = outer as Readonly<Record<string | symbol, unknown>>;
  for (const name of [...attemptFields, callMark]) {
    const value = from[name];
    if (value !== undefined) Object.defineProperty(made, name, { value, enumerable: true });
  }
  return made;
}

/** @internal Whether a budget knows already of the call that is made with these options. */
export function isCounted(outer: Outer | undefined, budget: object): boolean {
  return counted(outer, undefined)?.budgets.includes(budget) === true;
}

/** @internal What an outer attempt says of its call, with this budget among those that know of it. */
export function counted(outer: Outer | undefined, budget: object | undefined): CallMark | undefined {
  const mark = outer?.[callMark];
  if (mark === undefined || budget === undefined || isCounted(outer, budget)) return mark;
  return { call: mark.call, budgets: [...mark.budgets, budget] };
}

/** @internal The mark of a race's attempts: the outer call's, or that of a call which begins here. */
export function markOf(outer: Outer | undefined, budget: object | undefined): CallMark {
  return counted(outer, budget) ?? { call: {}, budgets: budget === undefined ? [] : [budget] };
}

/** @internal The call that these options belong to, the same for all its attempts; undefined when they are nobody's attempt. */
export function callOf(options: CallLimits): object | undefined {
  return (options as Outer)[callMark]?.call;
}
