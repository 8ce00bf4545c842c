import type { Deadline } from '../core/deadline.ts';
import { check, invalid } from '../core/options.ts';
import { signalRule } from '../core/signals.ts';

/** What a caller may say about one call. */
export interface CallOptions {
  /** Calls the call off. */
  readonly signal?: AbortSignal;
  /** By when the call must have settled: a `Deadline`, or milliseconds from now. */
  readonly deadline?: Deadline | number;
}

/**
 * The same where holdfast takes it: undefined counts as absent, so that you can pass on what you may not have. In
 * {@link CallOptions} it does not, for then `fetch` would not be a `Call`.
 */
export interface CallLimits {
  /** See {@link CallOptions.signal}. */
  readonly signal?: AbortSignal | undefined;
  /** See {@link CallOptions.deadline}. */
  readonly deadline?: Deadline | number | undefined;
}

/**
 * A request and a promise of its answer: the shape that all of holdfast's patterns have in common and that `fetch`
 * already has. Patterns are functions from calls to calls.
 */
export type Call<Req, Res> = (request: Req, options?: CallOptions) => Promise<Res>;

/** A call around a call. */
export type Layer<Req, Res, Req2 = Req, Res2 = Res> = (next: Call<Req2, Res2>) => Call<Req, Res>;

/**
 * What one attempt of a call is told. It has the shape of call options, so it can be handed on as it is: to `fetch`, to a
 * `LoadBalancer`, to another call.
 */
export interface Attempt {
  /** Aborts the moment the attempt is no longer wanted. Never aborts after the attempt has won. */
  readonly signal: AbortSignal;
  /** By when an answer is of use. */
  readonly deadline: Deadline;
  /** 1 for the first attempt of a call, 2 for the next, … */
  readonly attempt: number;
  /** Why it was started: first of all, because another is slow, or because another has failed. */
  readonly cause: 'original' | 'hedge' | 'retry';
  /** Members that the call's attempts have used so far, this one included: go elsewhere when there is an elsewhere. */
  readonly avoid: ReadonlySet<unknown>;
  /**
   * Says which member this attempt uses, for the others' `avoid`. A `LoadBalancer` that is given the attempt says it.
   *
   * @param member - anything that identifies it
   */
  visit(member: unknown): void;
}

/**
 * @internal Checks the options of one call; unknown names are let pass, for an {@link Attempt} or the options of another
 * layer may come as they are.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function checkCallOptions(options: CallLimits): void {
  if (typeof options !== 'object' || (options as unknown) === null)
    throw invalid('the options of a call', 'an object', options);
  if (options.signal !== undefined) check('signal', options.signal, signalRule);
}
