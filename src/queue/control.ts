/*
 * What a handler throws to say more than that it has failed. Recognised by a brand, so across copies of the package, and
 * by a plain form, so across threads and processes.
 */

import { check, number } from '../core/options.ts';

const brand = Symbol.for('holdfast.queue.control');

/** @internal What a handler has asked for. */
export type Control =
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'snooze'; readonly ms: number }
  | { readonly kind: 'discard'; readonly reason: string };

abstract class ControlError extends Error {
  /** @internal */
  readonly [brand]: Control;

  /** @internal */
  constructor(message: string, control: Control, options?: { readonly cause?: unknown }) {
    super(message, options);
    this[brand] = control;
  }
}

const msRule = number({ min: 0 });

/**
 * Thrown by a handler: the attempt has failed, and the next one is to start in so many milliseconds instead of after the
 * backoff. It counts as an attempt.
 *
 * @example
 * ```ts
 * import { Retry } from 'holdfast/queue';
 *
 * const wait = new Retry(2_000);
 * wait.message // => 'again in 2000 ms'
 * ```
 */
export class Retry extends ControlError {
  /**
   * @param afterMs - how long to wait, in milliseconds
   * @param options - `cause`: the error behind it
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(afterMs: number, options?: { readonly cause?: unknown }) {
    check('afterMs', afterMs, msRule);
    super(`again in ${String(afterMs)} ms`, { kind: 'retry', afterMs }, options);
  }
}

/**
 * Thrown by a handler: not now, but in so many milliseconds. It does not count as an attempt.
 *
 * @example
 * ```ts
 * import { Snooze } from 'holdfast/queue';
 *
 * const notYet = new Snooze(60_000);
 * notYet.message // => 'not before 60000 ms from now'
 * ```
 */
export class Snooze extends ControlError {
  /**
   * @param ms - how long to wait, in milliseconds
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(ms: number) {
    check('ms', ms, msRule);
    super(`not before ${String(ms)} ms from now`, { kind: 'snooze', ms });
  }
}

/**
 * Thrown by a handler: no other attempt would help; the job goes to the dead, as `discarded`.
 *
 * @example
 * ```ts
 * import { Discard } from 'holdfast/queue';
 *
 * const gone = new Discard('the account is closed');
 * gone.message // => 'the account is closed'
 * ```
 */
export class Discard extends ControlError {
  /**
   * @param reason - why, for people
   * @param options - `cause`: the error behind it
   */
  constructor(reason: string, options?: { readonly cause?: unknown }) {
    super(reason, { kind: 'discard', reason }, options);
  }
}

/** @internal What a thrown value asks for; undefined when it is a failure like any other. Never throws. */
export function controlOf(error: unknown): Control | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    return (error as { readonly [brand]?: Control })[brand];
  } catch {
    return undefined;
  }
}

/** @internal The error that asks for it: how a control that has crossed a thread or a process is thrown again. */
export function controlError(control: Control, message: string): Error {
  const error = new Error(message);
  Object.defineProperty(error, brand, { value: control });
  return error;
}
