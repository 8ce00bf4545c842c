import type { Clock } from '../core/clock.ts';
import { Deadline, deadlineExceeded } from '../core/deadline.ts';
import { check, func, number, readOptions } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { invoke, Scope } from '../core/scope.ts';
import { narrowed } from './attempt.ts';
import type { Call, CallOptions } from './call.ts';

const what = 'a shadow';

/** What became of one side of a shadowed call. */
export type Shadowed<T> =
  | { readonly status: 'ok'; readonly value: T; readonly ms: number }
  | { readonly status: 'failed'; readonly error: unknown; readonly ms: number };

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
   * How many copies may be under way; beyond that none is made. One that hangs counts until it has settled itself.
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

/** A snapshot of a {@link shadow}. The counts are since the beginning. */
export interface ShadowStats {
  /** Copies under way. */
  readonly inFlight: number;
  /** Copies made. */
  readonly sent: number;
  /** Copies not made because too many were under way. */
  readonly dropped: number;
  /** Copies that were answered in time. */
  readonly ok: number;
  /** Copies that failed in time. */
  readonly failed: number;
  /** Copies that took too long. */
  readonly late: number;
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
 * Promises: the caller sees the call and nothing else. The copy starts when the call has been made, in a later turn; it
 * cannot delay the call, fail it, abort it or be aborted by it, and is no unhandled rejection whatever it does. At most
 * `maxInFlight` copies are under way, each with `timeoutMs` of time.
 *
 * Does not promise to copy every call, nor that the copy has no effect: a write is written twice. The request is shared, so
 * its body must be readable twice; so must an answer's that `compare` reads.
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
 * await new Promise((resolve) => setTimeout(resolve, 1));
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

/** Who is copied to: sends, bounds, counts. Nothing here rejects. */
class Mirror<Req, Res2> {
  readonly #to: Call<Req, Res2>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #counts = { inFlight: 0, sent: 0, dropped: 0, ok: 0, failed: 0, late: 0 };

  constructor(to: Call<Req, Res2>, timeoutMs: number, { clock }: Runtime) {
    this.#to = to;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  admits(maxInFlight: number): boolean {
    const admitted = this.#counts.inFlight < maxInFlight;
    if (!admitted) this.#counts.dropped++;
    return admitted;
  }

  /** Starts the copy in a later turn and tells what became of it. */
  async send(request: Req): Promise<Shadowed<Res2>> {
    const counts = this.#counts;
    counts.inFlight++;
    counts.sent++;
    await Promise.resolve();
    const startedMs = this.#clock.now();
    const scope = new Scope(what, {}, this.#clock);
    const deadline = Deadline.after(this.#timeoutMs, this.#clock);
    const options = narrowed({}, scope, deadline);
    const answer = outcomeOf(
      invoke(() => this.#to(request, options)),
      this.#clock,
      startedMs,
    );
    return await new Promise((resolve) => {
      let late = false;
      // Not ref'd: no caller waits for a copy.
      const timer = this.#clock.setTimer(this.#timeoutMs, () => {
        late = true;
        counts.late++;
        const error = deadlineExceeded(what);
        scope.end(error);
        resolve({ status: 'failed', error, ms: this.#clock.now() - startedMs });
      });
      void answer.then((outcome) => {
        counts.inFlight--;
        if (late) return;
        timer.cancel();
        scope.close();
        counts[outcome.status]++;
        resolve(outcome);
      });
    });
  }

  stats(): ShadowStats {
    return { ...this.#counts };
  }
}

async function outcomeOf<T>(promise: Promise<T>, clock: Clock, startedMs: number): Promise<Shadowed<T>> {
  try {
    const value = await promise;
    return { status: 'ok', value, ms: clock.now() - startedMs };
  } catch (error) {
    return { status: 'failed', error, ms: clock.now() - startedMs };
  }
}
