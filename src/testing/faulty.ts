import type { CallLimits } from '../calls/call.ts';
import { currentOf, type Dyn } from '../core/live.ts';
import { anything, check, func, number, oneOf, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { invoke } from '../core/scope.ts';
import { onAbort, signalRule } from '../core/signals.ts';
import { fault } from './errors.ts';

/** What is wrong with a call. Rates are shares of the calls, from 0 to 1; of several that strike, the first listed counts. */
export interface Toxics {
  /**
   * The share of calls that never settle, and are not made.
   *
   * @defaultValue 0
   */
  readonly hangRate?: number | undefined;
  /**
   * The share of calls that fail, and are not made.
   *
   * @defaultValue 0
   */
  readonly failRate?: number | undefined;
  /**
   * The share of calls that are made and never settle: the answer is lost. What may not be done twice shows here.
   *
   * @defaultValue 0
   */
  readonly dropRate?: number | undefined;
  /**
   * How much later a call is made or fails, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly latencyMs?: number | undefined;
  /**
   * Up to how much later still, uniform, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly jitterMs?: number | undefined;
  /**
   * When the caller calls off: `'reject'` at once with his reason, or `'ignore'` it, as code does that was never given
   * the signal; then the call below does not get the signal either.
   *
   * @defaultValue `'reject'`
   */
  readonly onAbort?: 'reject' | 'ignore' | undefined;
}

/** Options of {@link faulty}. */
export interface FaultyOptions {
  /**
   * Makes the error of a call that fails.
   *
   * @defaultValue a `HoldfastError` with the code `FAULT`
   */
  readonly error?: (() => unknown) | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** A call made faulty. */
export interface FaultyCall<Req, Options, Res> {
  /** The call, with its faults. */
  (request: Req, options?: Options): Promise<Res>;
  /**
   * Has other faults from now on, in place of those before. Calls under way keep theirs.
   *
   * @param toxics - the faults
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  update(toxics: Dyn<Toxics>): void;
}

const share = number({ min: 0, max: 1 });
const delay = number({ min: 0 });
const shape = {
  hangRate: share,
  failRate: share,
  dropRate: share,
  latencyMs: delay,
  jitterMs: delay,
  onAbort: oneOf('reject', 'ignore'),
};

interface Fate {
  readonly hangs: boolean;
  readonly fails: boolean;
  readonly drops: boolean;
  readonly delayMs: number;
  readonly deaf: boolean;
}

/** Always four draws, whatever the toxics are: with the same seed the n-th call has the same luck. */
function draw(toxics: Toxics, random: Runtime['random']): Fate {
  const values = readOptions('toxics', toxics, shape);
  const { hangRate = 0, failRate = 0, dropRate = 0, latencyMs = 0, jitterMs = 0 } = values;
  return {
    hangs: random() < hangRate,
    fails: random() < failRate,
    drops: random() < dropRate,
    delayMs: latencyMs + jitterMs * random(),
    deaf: values.onAbort === 'ignore',
  };
}

/**
 * A call with faults: slow, failing, hanging, deaf. Wrap what your code calls, and see what your code does.
 *
 * Promises: a call has one fate, drawn when it is made; with the same seed the n-th call has the same luck, so that a higher
 * rate strikes those that the lower one struck and some more, and one fault does not move another; without toxics it is the
 * call itself, in the same turn. Leaves neither a timer nor a listener when it has settled or was called off.
 *
 * Does not promise that a call ever settles: that is what `hangRate`, `dropRate` and `onAbort: 'ignore'` are for. Does not
 * look at deadlines.
 *
 * Source: the toxics of Shopify's Toxiproxy.
 *
 * @param call - what to call
 * @param toxics - the faults; may change while the program runs, as a `Live` or by `update`
 * @param options - the error, time and chance
 * @returns the call, and a way to change its faults
 * @throws {@link HoldfastError} `INVALID_OPTION`; as a rejection `FAULT`, or the signal's reason
 * @example
 * ```ts
 * import { faulty, isFault, seededRandom, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const greet = (name: string): Promise<string> => Promise.resolve(`hello ${name}`);
 * const slow = faulty(greet, { latencyMs: 200 }, { runtime: { clock, random: seededRandom(1) } });
 *
 * const answer = slow('ann').then((text) => `${text} after ${clock.now()} ms`);
 * await clock.advance(1_000);
 * await answer // => 'hello ann after 200 ms'
 *
 * slow.update({ failRate: 1 });
 * await slow('ann').catch(isFault) // => true
 * ```
 */
export function faulty<Req, Res, Options extends CallLimits = CallLimits>(
  call: (request: Req, options?: Options) => Res | PromiseLike<Res>,
  toxics: Dyn<Toxics>,
  options?: FaultyOptions,
): FaultyCall<Req, Options, Res> {
  check('call', call, func());
  const { error = () => fault('the call failed'), runtime: { clock, random } = systemRuntime } = readOptions(
    'faulty',
    options,
    { error: func<() => unknown>(), runtime: runtimeRule },
  );
  let current = checked(toxics);

  const suffer = async (fate: Fate, request: Req, callOptions: Options | undefined): Promise<Res> => {
    if (fate.hangs) return await never();
    if (fate.delayMs > 0) await clock.sleep(fate.delayMs, callOptions?.signal);
    if (fate.fails) throw error();
    const answer = invoke(() => call(request, callOptions));
    if (!fate.drops) return await answer;
    answer.catch(() => undefined);
    return await never();
  };

  const make = async (request: Req, callOptions?: Options): Promise<Res> => {
    const fate = draw(currentOf(current), random);
    const signal = callOptions?.signal;
    if (signal !== undefined) check('signal', signal, signalRule);
    if (fate.deaf || signal === undefined) return await suffer(fate, request, deafened(callOptions));
    if (signal.aborted) throw signal.reason;
    return await unlessAborted(suffer(fate, request, callOptions), signal);
  };

  return Object.assign(make, {
    update: (next: Dyn<Toxics>) => {
      current = checked(next);
    },
  });
}

/** The toxics as they were given, for a live value is read at each call; what it holds now must be sound. */
function checked(toxics: Dyn<Toxics>): Dyn<Toxics> {
  const now = check('toxics', currentOf(toxics), anything<Toxics>());
  const values = readOptions('toxics', now, shape);
  return now === toxics ? { ...values } : toxics;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort(signal, reject);
    work.finally(unlink).then(resolve, reject);
  });
}

/** Own properties stay, so that an attempt stays one. */
function deafened<Options extends CallLimits>(options: Options | undefined): Options | undefined {
  return options?.signal === undefined ? options : { ...options, signal: undefined };
}
