import { Deadline, deadlineFrom } from '../core/deadline.ts';
import { check, func, number, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { refusal, runScoped } from '../core/scope.ts';
import { narrowed } from './attempt.ts';
import { type Call, type CallLimits, checkCallOptions } from './call.ts';

/** Options of {@link timebox}. */
export interface TimeboxOptions {
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/**
 * A call that takes at most so long, and less if its caller has less time.
 *
 * Promises: settles as the call does, or at the earlier of the two deadlines, even if the call ignores its signal; the call
 * gets that deadline and a signal, and whatever else an outer {@link Attempt} brought. Leaves no timer and no listener.
 * Inside a `retry` or a `hedge` it bounds each attempt, outside all of them together.
 *
 * Does not promise that the call stops: it gets a signal.
 *
 * @param call - what to call
 * @param ms - the longest it may take, in milliseconds
 * @param options - time
 * @throws {@link HoldfastError} `INVALID_OPTION`; `DEADLINE_EXCEEDED` as a rejection
 * @example
 * ```ts
 * import { type Call, timebox } from 'holdfast/calls';
 * import { isDeadlineExceeded } from 'holdfast/core';
 *
 * const hangs: Call<string, string> = () => new Promise(() => undefined);
 * await timebox(hangs, 5)('tea').catch(isDeadlineExceeded) // => true
 * ```
 */
export function timebox<Req, Res>(
  call: Call<Req, Res>,
  ms: number,
  options?: TimeboxOptions,
): (request: Req, options?: CallLimits) => Promise<Res> {
  check('call', call, func());
  check('ms', ms, number({ min: 0 }));
  const { runtime = systemRuntime } = readOptions('timebox', options, { runtime: runtimeRule });
  return async (request, callOptions = {}) => {
    checkCallOptions(callOptions);
    const deadline = Deadline.after(ms, runtime.clock).earliest(deadlineFrom(callOptions.deadline, runtime.clock));
    return await bounded('a time-boxed call', call, request, callOptions, deadline, runtime);
  };
}

/** @internal One call under a deadline and its caller's signal; an outer attempt's other properties go through. */
export async function bounded<Req, Res>(
  what: string,
  call: Call<Req, Res>,
  request: Req,
  options: CallLimits,
  deadline: Deadline,
  { clock }: Runtime,
): Promise<Res> {
  const limits = { signal: options.signal, deadline };
  const refused = refusal(what, limits);
  if (refused !== undefined) throw refused.reason;
  return await runScoped(what, limits, clock, (scope) => call(request, narrowed(options, scope, deadline)));
}
