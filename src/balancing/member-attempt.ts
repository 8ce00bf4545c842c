import { attemptIn, counted, type Outer, outerOf } from '../calls/attempt.ts';
import type { Attempt } from '../calls/call.ts';
import { discardWith, refusalOf } from '../calls/race-entry.ts';
import type { Clock } from '../core/clock.ts';
import { invoke, Scope } from '../core/scope.ts';
import type { Flight } from './flight.ts';
import { calledOff, type CallOutcome } from './outcome.ts';
import type { RunOptions } from './run-options.ts';

/** @internal Names the work in errors. */
export const what = 'a balanced call';
const unseen = (): void => undefined;

/** @internal What one attempt is about. */
export interface AttemptEntry<T>
  extends Pick<Attempt, 'attempt' | 'cause' | 'deadline' | 'avoid'>, Pick<RunOptions<T>, 'accept' | 'discard'> {
  readonly signal: AbortSignal | undefined;
  readonly visit: ((member: unknown) => void) | undefined;
  /** The options of the call, or the attempt of its race. */
  readonly outer: Outer | undefined;
}

/** @internal An entry; field by field, for a spread would cost more than all the rest of a call. */
export function entryOf<T>(
  about: Pick<AttemptEntry<T>, 'attempt' | 'cause' | 'signal' | 'deadline' | 'avoid' | 'visit'>,
  accept: AttemptEntry<T>['accept'],
  discard: AttemptEntry<T>['discard'],
  options: object = about,
): AttemptEntry<T> {
  const { attempt, cause, signal, deadline, avoid, visit } = about;
  return { attempt, cause, signal, deadline, avoid, visit, accept, discard, outer: outerOf(options) };
}

/** @internal Where flights begin and end. */
export interface FlightDesk<F extends Flight<{ readonly member: unknown }>> {
  readonly clock: Clock;
  /** Chooses a member for a call. */
  begin(avoid: ReadonlySet<unknown>): F;
  /** The member was not asked after all; frees it too. */
  withdraw(flight: F): void;
  /** The outcome is known, unless it was before. */
  learn(flight: F, status: CallOutcome['status'], result: unknown, accepted?: boolean): void;
  /** The work was answered after its outcome was known. */
  answeredLate(flight: F, value: unknown, accepted: boolean): void;
  /** The work has settled. */
  free(flight: F): void;
}

/** @internal One attempt on one member: chosen, begun, concluded when its outcome is known, freed when its work has settled. */
export function tryMember<M, F extends Flight<{ readonly member: M }>, T>(
  desk: FlightDesk<F>,
  work: (member: M, attempt: Attempt) => T | PromiseLike<T>,
  entry: AttemptEntry<T>,
): Promise<T> {
  const { signal, visit, outer, accept, discard } = entry;
  const flight = desk.begin(entry.avoid);
  try {
    visit?.(flight.member);
    if (signal?.aborted === true) throw signal.reason;
  } catch (error) {
    desk.withdraw(flight);
    throw error;
  }
  return new Promise<T>((resolve, reject) => {
    const scope = new Scope(what, entry, desk.clock, (reason) => {
      desk.learn(flight, calledOff(reason), reason);
      reject(reason);
    });
    const finish = (status: 'resolved' | 'rejected', result: unknown, accepted?: boolean): void => {
      scope.close();
      desk.learn(flight, status, result, accepted);
      desk.free(flight);
    };
    const attempt = attemptIn(scope, entry, visit ?? unseen, counted(outer, undefined));
    invoke(() => work(flight.member, attempt)).then(
      (value) => {
        // Of what comes late only that is asked which may bring its member back.
        const refused = flight.open || flight.trial ? refusalOf(accept, value, what) : undefined;
        // Asked after it, for `accept` may abort the call.
        const late = !flight.open;
        if (late) desk.answeredLate(flight, value, refused === undefined);
        finish('resolved', value, refused === undefined);
        if (late || refused !== undefined) discardWith(discard, value);
        if (refused === undefined) resolve(value);
        else reject(refused.error);
      },
      (error: unknown) => {
        finish('rejected', error);
        reject(error);
      },
    );
  });
}
