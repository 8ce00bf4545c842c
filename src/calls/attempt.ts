import type { Scope } from '../core/scope.ts';
import type { Attempt } from './call.ts';

/**
 * @internal The attempt as the work sees it: own properties, so that `{ ...attempt, deadline }` carries all of them. The
 * signal is the scope's, made when somebody asks for it.
 */
export function attemptIn(
  scope: Scope,
  about: Pick<Attempt, 'deadline' | 'attempt' | 'cause' | 'avoid'>,
  visit: (member: unknown) => void,
): Attempt {
  const { deadline, attempt, cause, avoid } = about;
  return {
    get signal() {
      return scope.signal;
    },
    deadline,
    attempt,
    cause,
    avoid,
    visit,
  };
}

/** @internal What an attempt has beyond the options of a call: let pass where an attempt may come as options. */
export const attemptFields: readonly string[] = ['attempt', 'cause', 'avoid', 'visit'];
