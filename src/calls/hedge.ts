import { deadlineExceeded, deadlineFrom } from '../core/deadline.ts';
import { check, func, number, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { refusal, Scope } from '../core/scope.ts';
import { type Attempt, type CallLimits, checkCallOptions } from './call.ts';
import { Race } from './race.ts';

/** How a slow or failed attempt is followed by another. */
export interface HedgePolicy {
  /** Start another attempt when none has settled for so long, in milliseconds. A good start: the 95th percentile. */
  readonly after: number;
  /**
   * How many attempts beyond the first.
   *
   * @defaultValue 1
   */
  readonly extra?: number | undefined;
}

const what = 'a hedged call';

/** Options of {@link hedge}. */
export interface HedgeOptions<Res> extends HedgePolicy {
  /**
   * Gets answers that came when the call had settled: a body to cancel, a connection to give back. If it throws, or returns
   * a promise that rejects, that is reported as a process warning.
   */
  readonly discard?: ((value: Res) => unknown) | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

const policyShape = { after: number({ min: 0 }), extra: number({ min: 0, max: 100, integer: true }) };

/**
 * @internal A hedge policy, checked, with its defaults.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function readHedge(policy: unknown): { readonly after: number; readonly extra: number } {
  const { after, extra = 1 } = readOptions('hedge', policy, policyShape);
  return { after: check('after', after, policyShape.after), extra };
}

/**
 * A call that does not wait for one slow server: when the first attempt has been silent for `after` milliseconds, or has
 * failed, another starts; the first success is the answer.
 *
 * Promises: at most 1 + `extra` attempts; settles at the first success, at the failure of the last attempt allowed, at the
 * deadline or at the caller's abort, whichever comes first; every other attempt's signal is aborted in the same turn and
 * nobody waits for it; the winner's signal never aborts, so its body can be read. Leaves no timer and no listener.
 *
 * Does not promise that a request arrives only once: hedge what may safely be done twice. Does not limit the extra load:
 * choose `after` so that few calls need the second attempt.
 *
 * Source: J. Dean, L. A. Barroso, "The Tail at Scale" (2013).
 *
 * @param call - what to call; its options are the {@link Attempt}
 * @param options - when to start another attempt, and how many
 * @returns a {@link Call}; rejects with the only attempt's error, or an `AggregateError` of several, the first attempt's first
 * @throws {@link HoldfastError} `INVALID_OPTION`; `DEADLINE_EXCEEDED` as a rejection
 * @example
 * ```ts
 * import { hedge } from 'holdfast/calls';
 *
 * const ask = hedge(
 *   (name: string, { attempt }) =>
 *     attempt === 1 ? new Promise<string>(() => undefined) : Promise.resolve(`hello ${name}`),
 *   { after: 5 },
 * );
 * await ask('ann') // => 'hello ann'
 * ```
 */
export function hedge<Req, Res>(
  call: (request: Req, attempt: Attempt) => Res | PromiseLike<Res>,
  options: HedgeOptions<Res>,
): (request: Req, options?: CallLimits) => Promise<Res> {
  check('call', call, func());
  const {
    discard,
    runtime = systemRuntime,
    ...policy
  } = readOptions('hedge', options, {
    ...policyShape,
    discard: func<(value: Res) => unknown>(),
    runtime: runtimeRule,
  });
  const { after, extra } = readHedge(policy);

  return async (request, callOptions = {}) => {
    checkCallOptions(callOptions);
    const limits = { signal: callOptions.signal, deadline: deadlineFrom(callOptions.deadline, runtime.clock) };
    const refused = refusal(what, limits);
    if (refused !== undefined) throw refused.reason;
    return await new Promise<Res>((resolve, reject) => {
      const race = new Race<Res>({
        what,
        run: (attempt) => call(request, attempt),
        deadline: limits.deadline,
        clock: runtime.clock,
        policy: { after, extra, discard },
        onResult: (result) => {
          scope.close();
          if (result.status === 'ok') resolve(result.value);
          else reject(limits.deadline.expired ? deadlineExceeded(what, result.error) : result.error);
        },
      });
      const scope = new Scope(what, limits, runtime.clock, (reason) => {
        race.end(reason);
        reject(reason);
      });
      race.start();
    });
  };
}
