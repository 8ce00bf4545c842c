import { type ErrorCode, HoldfastError, isHoldfastError } from '../../core/errors.ts';
import { describe } from '../../core/options.ts';
import type { Fault } from './fault.ts';

/**
 * Why a simulation failed:
 *
 * | kind | meaning |
 * |---|---|
 * | `'always'` | an invariant did not hold |
 * | `'eventually'` | a goal was not reached in time after the last fault, or could not be judged before the run ended |
 * | `'sometimes'` | a place was not reached by any seed of a campaign |
 * | `'until'` | time, or what there was to do, was over before what the run waited for |
 * | `'deadlock'` | nothing will ever happen, and the `start` of a process has not ended |
 * | `'livelock'` | more steps than allowed, in all or without time moving on |
 * | `'error'` | the code of a node threw, or left a rejection unhandled |
 * | `'ambient'` | the code of a node used time or chance of the platform |
 * | `'nondeterminism'` | one seed gave two different runs |
 */
export type SimFailureKind =
  'always' | 'eventually' | 'sometimes' | 'until' | 'deadlock' | 'livelock' | 'error' | 'ambient' | 'nondeterminism';

/** Where and how a simulation failed: what {@link SimFailure} carries. */
export interface SimFailureDetails {
  /** Why. */
  readonly kind: SimFailureKind;
  /** The seed that repeats it. */
  readonly seed: number | bigint | string;
  /** Virtual milliseconds. */
  readonly atMs: number;
  /** How many events had happened. */
  readonly steps: number;
  /** The last of what had happened, oldest first. */
  readonly trace: readonly string[];
  /** The faults that were scheduled. */
  readonly plan: readonly Fault[];
  /** The command that repeats it. */
  readonly replay: string;
}

/**
 * A simulation failed (`SIMULATION_FAILED`). The message names what, the seed, the virtual time, the last lines of the trace
 * and the command that repeats it; `cause` is the error behind it, where there is one.
 */
export class SimFailure extends HoldfastError implements SimFailureDetails {
  /** Why. */
  readonly kind: SimFailureKind;
  /** The seed that repeats it. */
  readonly seed: number | bigint | string;
  /** Virtual milliseconds. */
  readonly atMs: number;
  /** How many events had happened. */
  readonly steps: number;
  /** The last of what had happened, oldest first. */
  readonly trace: readonly string[];
  /** The faults that were scheduled. */
  readonly plan: readonly Fault[];
  /** The command that repeats it. */
  readonly replay: string;

  /**
   * @param what - what failed
   * @param details - where and how
   * @param options - `cause`: the error behind it
   */
  constructor(what: string, details: SimFailureDetails, options?: { readonly cause?: unknown }) {
    const { cause } = options ?? {};
    super(failed, messageOf(what, cause, details), cause === undefined ? undefined : { cause });
    this.name = 'SimFailure';
    this.kind = details.kind;
    this.seed = details.seed;
    this.atMs = details.atMs;
    this.steps = details.steps;
    this.trace = details.trace;
    this.plan = details.plan;
    this.replay = details.replay;
  }
}

const failed = 'SIMULATION_FAILED' satisfies ErrorCode;

/**
 * Whether a value is a {@link SimFailure}, from any copy of the package.
 *
 * @param value - anything, usually what a `catch` caught
 */
export function isSimFailure(value: unknown): value is SimFailure {
  return isHoldfastError(value, failed);
}

function messageOf(
  what: string,
  cause: unknown,
  { seed, atMs, steps, trace, plan, replay }: SimFailureDetails,
): string {
  const where = `seed ${String(seed)}, ${atMs.toFixed(3)} virtual ms, ${String(steps)} steps`;
  const lines = trace.length === 0 ? [] : [`  the last of the trace:`, ...trace.map((line) => `  ${line}`)];
  const faults = plan.length === 0 ? [] : [`  under the faults ${JSON.stringify(plan)}`];
  const why = cause === undefined ? [] : [`  because of ${textOf(cause)}`];
  return [what, ...why, `  at ${where}`, ...faults, ...lines, `  to repeat it: ${replay}`].join('\n');
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : describe(cause);
}
