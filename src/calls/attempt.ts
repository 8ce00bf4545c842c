import type { Deadline } from '../core/deadline.ts';
import { check, func, type Rule } from '../core/options.ts';
import type { Scope } from '../core/scope.ts';
import type { Attempt, CallLimits, CallOptions } from './call.ts';

/**
 * Budgets that know already of the call that an attempt belongs to: what is called with the attempt is not
 * another original to them. A symbol, so that it survives `{ ...attempt }`, means the same in two copies of the package and
 * is no option to anybody.
 */
const countedBy: unique symbol = Symbol.for('holdfast.countedBy');

/** @internal What the options of a call may bring along when they are the attempt of an outer call. */
export interface Outer {
  readonly avoid?: ReadonlySet<unknown>;
  readonly visit?: (member: unknown) => void;
  readonly [countedBy]?: readonly unknown[];
}

const visitRule = func<(member: unknown) => void>();
const avoidRule: Rule<ReadonlySet<unknown>> = {
  expected: 'a Set',
  accepts: (value) =>
    typeof (value as Partial<ReadonlySet<unknown>> | null)?.has === 'function' &&
    typeof (value as Partial<ReadonlySet<unknown>>)[Symbol.iterator] === 'function',
};

/**
 * @internal What the options of a call bring along; undefined when they are nobody's attempt.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function outerOf(options: object): Outer | undefined {
  const outer = options as Outer;
  if (outer.avoid === undefined && outer.visit === undefined && outer[countedBy] === undefined) return undefined;
  if (outer.avoid !== undefined) check('avoid', outer.avoid, avoidRule);
  if (outer.visit !== undefined) check('visit', outer.visit, visitRule);
  return outer;
}

/**
 * @internal The attempt as the work sees it: own properties, so that `{ ...attempt, deadline }` carries all of them. The
 * signal is the scope's, made when somebody asks for it.
 */
export function attemptIn(
  scope: Scope,
  about: Pick<Attempt, 'deadline' | 'attempt' | 'cause' | 'avoid'>,
  visit: (member: unknown) => void,
  counted?: readonly unknown[],
): Attempt {
  const { deadline, attempt, cause, avoid } = about;
  const made = {
    get signal() {
      return scope.signal;
    },
    deadline,
    attempt,
    cause,
    avoid,
    visit,
  };
  return counted === undefined ? made : Object.defineProperty(made, countedBy, { value: counted, enumerable: true });
}

/** @internal What an attempt has beyond the options of a call: let pass where an attempt may come as options. */
export const attemptFields: readonly string[] = ['attempt', 'cause', 'avoid', 'visit'];

/** @internal The options of a call, narrowed by a layer: its own signal and deadline, the rest of an outer attempt as it came. */
export function narrowed(outer: CallLimits, scope: Scope, deadline: Deadline): CallOptions {
  const made = {
    get signal() {
      return scope.signal;
    },
    deadline,
  };
  const from = outer as Readonly<Record<string | symbol, unknown>>;
  for (const name of [...attemptFields, countedBy]) {
    const value = from[name];
    if (value !== undefined) Object.defineProperty(made, name, { value, enumerable: true });
  }
  return made;
}

/** @internal Whether a budget knows already of the call that is made with these options. */
export function isCounted(outer: Outer | undefined, budget: object): boolean {
  const before = outer === undefined ? [] : (outer[countedBy] ?? []);
  return before.includes(budget);
}

/** @internal The budgets that know of a call, with this one. */
export function counted(outer: Outer | undefined, budget: object | undefined): readonly unknown[] | undefined {
  const before = outer === undefined ? undefined : outer[countedBy];
  return budget === undefined || isCounted(outer, budget) ? before : [...(before ?? []), budget];
}
