/**
 * The code of every error that holdfast itself raises. Codes are public API: they change only with a major version.
 *
 * | code | meaning |
 * |---|---|
 * | `INVALID_OPTION` | an argument or option is not allowed; the message names it, what is allowed and what came |
 * | `DEADLINE_EXCEEDED` | the deadline of a call passed before the call settled |
 * | `NO_MEMBERS` | a balancer has nobody to send a call to |
 * | `NO_NODES` | a placement has no node with weight for a key |
 * | `INSUFFICIENT_COVERAGE` | a gather ended without the answers that it requires |
 * | `CLOSED` | the object was closed before the call |
 * | `ATTEMPTS_FAILED` | several attempts were made and all have failed: an `AggregateError`, the first attempt's error first |
 * | `NOT_ACCEPTED` | an attempt brought a value that the `accept` option refused |
 * | `SUPERSEDED` | an attempt was called off because its result is no longer wanted: a reason of signals, never thrown |
 * | `UNSUPPORTED` | each argument is allowed, but there is no answer for them; the message names what to use instead |
 * | `LEADERSHIP_LOST` | a term of office is over: the lease has run out, is another's, or was given back |
 * | `STORE_FAILED` | a store's server, or its connection, answered with an error: whether the call was done is not known |
 * | `QUEUE_FULL` | a queue had no room for a job, or dropped one to make room for another |
 * | `WORKER_LOST` | the worker of a job ended before the job did |
 * | `NO_WORKER` | no worker of a pool could be started, or none is free |
 * | `JOB_DEAD` | the job of that id was given up earlier, and is kept among the dead; the message has its last error |
 * | `LEASE_LOST` | a job is no longer the worker's: its lease has run out, or was ended by somebody else |
 * | `CANCELLED` | a job was taken back before it was done, or a delivery was given back unread |
 * | `BUFFER_FULL` | a branch of a flow that must not lose or wait had no room |
 * | `NO_ROUTE` | a delivery belongs to no branch of a flow |
 * | `INCOMPLETE` | parts of a set were missing when its time was over |
 * | `NOT_READY` | a live value was read before it had one |
 * | `LEAK` | `failOnLeaks` found something left behind |
 * | `FAULT` | a simulated server or a faulty call failed as it was told to |
 * | `SIMULATION_FAILED` | a simulation found what must not be; the message says how to repeat it |
 */
export type ErrorCode =
  | 'INVALID_OPTION'
  | 'DEADLINE_EXCEEDED'
  | 'NO_MEMBERS'
  | 'NO_NODES'
  | 'INSUFFICIENT_COVERAGE'
  | 'CLOSED'
  | 'ATTEMPTS_FAILED'
  | 'NOT_ACCEPTED'
  | 'SUPERSEDED'
  | 'UNSUPPORTED'
  | 'LEADERSHIP_LOST'
  | 'STORE_FAILED'
  | 'QUEUE_FULL'
  | 'WORKER_LOST'
  | 'NO_WORKER'
  | 'JOB_DEAD'
  | 'LEASE_LOST'
  | 'CANCELLED'
  | 'BUFFER_FULL'
  | 'NO_ROUTE'
  | 'INCOMPLETE'
  | 'NOT_READY'
  | 'LEAK'
  | 'FAULT'
  | 'SIMULATION_FAILED';

const brand = Symbol.for('holdfast.error');

/**
 * Base of every error that holdfast raises.
 *
 * Promises: {@link HoldfastError.code} is stable, and both {@link isHoldfastError} and `instanceof HoldfastError`
 * recognise the error across copies of the package and across its ESM and CommonJS builds (a brand, not the prototype,
 * is asked). Does not promise: that `instanceof` on a *subclass* works across copies; use the guard functions.
 *
 * @example
 * ```ts
 * import { HoldfastError } from 'holdfast/core';
 *
 * const error = new HoldfastError('CLOSED', 'the pool is closed');
 * error.code // => 'CLOSED'
 * error instanceof HoldfastError // => true
 * ```
 */
export class HoldfastError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;

  /**
   * @param code - what went wrong, for programs
   * @param message - what went wrong, for people
   * @param options - `cause`: the error behind this one
   */
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === HoldfastError) return isHoldfastError(value);
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'HoldfastError', writable: true, configurable: true });
    Object.defineProperty(this.prototype, brand, { value: true });
  }
}

/** An error of holdfast with one code: what a guard makes of a value. */
export interface CodedError<C extends ErrorCode> extends HoldfastError {
  /** What went wrong, for programs. */
  readonly code: C;
}

/**
 * Whether a value is an error of holdfast, from any copy of the package, and of the given code when one is given. Never
 * throws, whatever the value.
 *
 * @param value - anything, usually what a `catch` caught
 * @param code - narrow to this code
 * @example
 * ```ts
 * import { Deadline, isHoldfastError } from 'holdfast/core';
 *
 * try {
 *   Deadline.after(Number.NaN);
 * } catch (error) {
 *   isHoldfastError(error, 'INVALID_OPTION') // => true
 * }
 * isHoldfastError(new Error('other')) // => false
 * ```
 */
export function isHoldfastError<C extends ErrorCode = ErrorCode>(value: unknown, code?: C): value is CodedError<C> {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as { readonly [brand]?: unknown; readonly code?: unknown };
  try {
    return candidate[brand] === true && (code === undefined || candidate.code === code);
  } catch {
    // Anything can be thrown, a proxy that throws when touched included, and a guard is asked where errors are handled.
    return false;
  }
}

/** @internal Makes a built-in error one of ours: code and brand, where the built-in class says more than ours would. */
export function branded<E extends Error>(error: E, code: ErrorCode): E & { readonly code: ErrorCode } {
  Object.defineProperty(error, brand, { value: true });
  return Object.assign(error, { code });
}

/** Whether a value is the error that an argument or option at the door raised (`INVALID_OPTION`). */
export function isInvalidOption(value: unknown): value is CodedError<'INVALID_OPTION'> {
  return isHoldfastError(value, 'INVALID_OPTION');
}

/** Whether a value says that a deadline passed (`DEADLINE_EXCEEDED`). */
export function isDeadlineExceeded(value: unknown): value is CodedError<'DEADLINE_EXCEEDED'> {
  return isHoldfastError(value, 'DEADLINE_EXCEEDED');
}

/** Whether a value says that the object was closed before the call (`CLOSED`). */
export function isClosed(value: unknown): value is CodedError<'CLOSED'> {
  return isHoldfastError(value, 'CLOSED');
}

/** Whether a value says that there is no answer for arguments that are each allowed (`UNSUPPORTED`). */
export function isUnsupported(value: unknown): value is CodedError<'UNSUPPORTED'> {
  return isHoldfastError(value, 'UNSUPPORTED');
}
