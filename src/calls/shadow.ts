import { check, func, number, readOptions } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { invoke } from '../core/scope.ts';
import type { Call, CallOptions } from './call.ts';
import { Mirror, outcomeOf, type Shadowed, type ShadowStats } from './mirror.ts';

/** Options of {@link shadow}. */
export interface ShadowOptions<Req, Res, Res2> {
  /** Gets a copy of the call: the new version, the new store. */
  readonly to: Call<Req, Res2>;
  /**
   * The share of calls that are copied, 0 to 1, by chance.
   *
   * @defaultValue 1
   */
  readonly fraction?: number | undefined;
  /**
   * How many copies may be under way; beyond that none is made. A copy counts from the call on, and one that hangs until it
   * has settled itself.
   *
   * @defaultValue 10
   */
  readonly maxInFlight?: number | undefined;
  /**
   * How long a copy may take, in milliseconds. It has neither the deadline nor the signal of the call.
   *
   * @defaultValue 1,000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Gets both outcomes of a copied call when both are known; a copy that took too long has failed with
   * `DEADLINE_EXCEEDED`. If it throws, or returns a promise that rejects, that is reported as a process warning.
   */
  readonly compare?: ((primary: Shadowed<Res>, mirror: Shadowed<Res2>, request: Req) => unknown) | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What {@link shadow} makes. */
export interface ShadowedCall<Req, Res> {
  /** The call, as without a shadow. */
  (request: Req, options?: CallOptions): Promise<Res>;
  /** What became of the copies. */
  stats(): ShadowStats;
}

/**
 * A call that is copied to somebody else, whose answer nobody gets: to see a new version under real load before it matters.
 *
 * Promises: the caller sees the call and nothing else. The copy starts when the call has been made, in a later turn of the
 * event loop, when the promises that were ready have run; it cannot fail the call, abort it or be aborted by it, and is no
 * unhandled rejection whatever it does. At most `maxInFlight` copies are under way, each with `timeoutMs` of time.
 *
 * Does not promise to copy every call: a process that has nothing else to do ends before the copy. Nor that the copy has no
 * effect: a write is written twice, and what `to` computes in this process is time that other calls wait. The request is
 * shared, so its body must be readable twice; so must an answer's that `compare` reads.
 *
 * @param call - whose answer counts
 * @param options - whom to copy to, how many, how to compare
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { type Call, shadow } from 'holdfast/calls';
 *
 * const current: Call<string, number> = async (text) => text.length;
 * const rewritten: Call<string, number> = async (text) => [...text].length;
 * const differences: string[] = [];
 * const count = shadow(current, {
 *   to: rewritten,
 *   compare: (a, b, text) => {
 *     if (a.status === 'ok' && b.status === 'ok' && a.value !== b.value) differences.push(text);
 *   },
 * });
 * await count('tea') // => 3
 * await count('🍵') // => 2
 * await new Promise((resolve) => setTimeout(resolve, 20)); // the copies come later
 * differences // => ['🍵']
 * ```
 */
export function shadow<Req, Res, Res2>(
  call: Call<Req, Res>,
  options: ShadowOptions<Req, Res, Res2>,
): ShadowedCall<Req, Res> {
  check('call', call, func());
  const values = readOptions('shadow', options, {
    to: func<Call<Req, Res2>>(),
    fraction: number({ min: 0, max: 1 }),
    maxInFlight: number({ min: 0, integer: true }),
    timeoutMs: number({ min: 0 }),
    compare: func<(primary: Shadowed<Res>, mirror: Shadowed<Res2>, request: Req) => unknown>(),
    runtime: runtimeRule,
  });
  const to = check('to', values.to, func<Call<Req, Res2>>());
  const { fraction = 1, maxInFlight = 10, timeoutMs = 1_000, compare, runtime = systemRuntime } = values;
  const mirror = new Mirror(to, timeoutMs, runtime);

  const shadowed = async (request: Req, callOptions?: CallOptions): Promise<Res> => {
    const startedMs = runtime.clock.now();
    const primary = invoke(() => call(request, callOptions));
    if (runtime.random() < fraction && mirror.admits(maxInFlight)) {
      const copied = mirror.send(request);
      if (compare !== undefined)
        void Promise.all([outcomeOf(primary, runtime.clock, startedMs), copied])
          .then(([ours, theirs]) => compare(ours, theirs, request))
          .catch((error: unknown) => {
            reportError('the comparison of a shadow failed', error);
          });
    }
    return await primary;
  };
  return Object.assign(shadowed, { stats: () => mirror.stats() });
}
